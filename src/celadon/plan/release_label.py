"""The frozen release that a container carries in a label: what is left of it should the workspace lose `.celadon`."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from celadon.config.interpolation import escaped
from celadon.config.secret_files import without_contents

LIMIT = 4 << 20  # bytes of a document


def packed(document: Mapping[str, Any]) -> str:
    """A frozen document for a container's label, should the workspace's own copy be lost.

    Without the values of its environment and its secrets, which the container has: a label is shown to more eyes.
    "" where the text of a configuration file would be in it, which may hold a password.
    """
    if any("content" in config for config in (document.get("configs") or {}).values()):
        return ""
    services = {
        name: {k: v for k, v in without_contents(d).items() if k != "environment"}
        for name, d in document["services"].items()
    }
    text = json.dumps({**document, "services": services}, default=str)
    return base64.b64encode(zlib.compress(text.encode())).decode()


def unpacked(label: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The frozen document of one service again; `environment` is what its container has.

    Raises ValueError for a label that `packed` cannot have made.
    """
    try:
        stream = zlib.decompressobj()
        document: dict[str, Any] = json.loads(stream.decompress(base64.b64decode(label), LIMIT))
        services = list(document["services"].values())
    except (zlib.error, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(label[:40]) from None
    if not all(isinstance(definition, dict) for definition in services):
        raise ValueError(label[:40])
    for definition in services:
        definition["environment"] = {name: escaped(value) for name, value in environment.items()}
    return document
