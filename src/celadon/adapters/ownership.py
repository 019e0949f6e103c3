"""Which containers Celadon made. A label does not tell: a container also shows the labels of its image, and whoever
can push an image, or a Dockerfile, chooses those."""

from collections.abc import Mapping
from typing import Any

from celadon.adapters import engine
from celadon.errors import CommandError
from celadon.state import snapshot as labels

OF_CONTAINERS = (labels.ENVIRONMENT, labels.ROLE)  # labels that Celadon gives to containers and never to images


def is_celadons(raw: Mapping[str, Any]) -> bool:
    """Whether Celadon made this container; `raw` is how the engine describes it.

    It carries an annotation, which no image can bring along. Celadon 0.1 did not set one: those containers have labels
    that their image does not have.
    """
    if labels.MADE in (raw["HostConfig"].get("Annotations") or {}):
        return True
    given = raw["Config"].get("Labels") or {}
    if not all(name in given for name in OF_CONTAINERS):
        return False
    of_image = _labels_of_image(raw["Image"])
    return all(of_image.get(name) != given[name] for name in OF_CONTAINERS)


def _labels_of_image(image: str) -> Mapping[str, str]:
    """None of an image that is gone: only somebody who may remove images can bring that about."""
    try:
        return engine.ask("GET", f"/images/{image}/json")["Config"].get("Labels") or {}
    except CommandError as refusal:
        if refusal.code != engine.NOT_FOUND:
            raise
        return {}
