"""What services say of their own secrets, hidden in what a deployment tells: a crash often quotes the password."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import yaml

from celadon.check.images import names_a_secret
from celadon.config.load import unescaped
from celadon.config.positions import Loader
from celadon.config.workspace import EnvironmentConfig
from celadon.state.layout import Layout

HIDDEN = "***"
LEAST = 6  # characters: what is shorter is no secret, and to hide it would spoil every text
PASSWORD = re.compile(r"://[^:/@\s]*:([^@\s]+)@")


def hider(configs: Sequence[EnvironmentConfig], layout: Layout) -> Callable[[str], str]:
    """What hides in a text the values of variables whose names say that they are secret, and passwords in addresses.

    Those of kept releases, too: what a rollback starts says the password of its own days. Others stay: a host or a port
    that does not answer is the reason that an operator looks for.
    """
    every = (*_of_configs(configs), *_of_releases(layout, {config.name for config in configs}))
    found = sorted({one for each in every for one in _secrets(each) if len(one) >= LEAST}, key=len, reverse=True)
    if not found:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, found)))
    return lambda text: pattern.sub(HIDDEN, text)


def _of_configs(configs: Sequence[EnvironmentConfig]) -> Iterator[Mapping[str, Any]]:
    for config in configs:
        yield from (service.definition for service in config.services.values())
        yield from config.backing.values()


def _of_releases(layout: Layout, environments: set[str]) -> Iterator[Mapping[str, Any]]:
    for file in layout.every_release():
        if file.parents[2].name in environments:
            with suppress(OSError, ValueError, yaml.YAMLError):  # gone meanwhile, or ruined: it starts nothing then
                document = yaml.load(file.read_text(encoding="utf-8"), Loader)  # noqa: S506 (a safe loader)
                yield from document.get("services", {}).values() if isinstance(document, dict) else ()


def _secrets(definition: Mapping[str, Any]) -> Iterator[str]:
    for name, value in (definition.get("environment") or {}).items():
        text = unescaped(str(value))
        if names_a_secret(name):
            yield from (line.strip() for line in text.splitlines())
        yield from PASSWORD.findall(text)
