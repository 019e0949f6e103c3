"""The frontend that a Dockerfile asks for in its line `# syntax=`: a program that BuildKit runs in its own place.

Another one than Docker's need not keep the namespaces of cache mounts. Docker's own knows them since 1.1.2; tags that
name a release are taken from 1.2 on, the first in which cache mounts are no experiment. Source: moby/buildkit,
frontend/dockerfile/parser/directives.go.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

ARGUMENT = "BUILDKIT_SYNTAX"  # a build argument of this name goes before the line
_DOCKERS = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?"
    r"(?::(?:latest|labs|master|master-labs|1|1-labs|1\.(?:[2-9]|[1-9]\d+)(?:\.\d+)?(?:-labs)?))?"
)
_DIRECTIVE = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")


def refused(text: str, definition: Mapping[str, Any]) -> str:
    """The frontend that a Dockerfile asks for and may not have; "" where there is none to refuse.

    `definition` is the compose file's `build`: the frontend that it names itself is the team's own choice.
    """
    if ARGUMENT in (definition.get("args") or {}):
        return ""
    wanted = asked_for(text)
    return "" if not wanted or _DOCKERS.fullmatch(wanted) else wanted


def asked_for(text: str) -> str:
    """The image of a Dockerfile's `# syntax=`, in any of the forms that BuildKit reads; "" without one."""
    body = text.removeprefix("\ufeff")
    if body.startswith("#!"):
        body = body.partition("\n")[2]
    return _directive(body, "#") or _directive(body, "//") or _json(body)


def _directive(text: str, mark: str) -> str:
    """Directives stand above everything else, without a gap."""
    for line in text.split("\n"):
        match = _DIRECTIVE.match(line.removeprefix(mark)) if line.startswith(mark) else None
        if not match:
            return ""
        if match[1].lower() == "syntax":
            return match[2].partition(" ")[0]
    return ""


def _json(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    wanted = found.get("syntax") if isinstance(found, dict) else None
    return wanted if isinstance(wanted, str) else ""
