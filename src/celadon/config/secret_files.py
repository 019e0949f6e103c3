"""Secrets that services get as files (Compose's `secrets:`): their contents become a part of what is rendered.

So they are frozen with a release, and a rollback brings back what was there, whatever became of the file or variable.
"""

import base64
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from celadon.config.interpolation import unescaped
from celadon.config.positions import Loader, Positions

CONTENT = "x-celadon-base64"  # in what a service asks for: Compose never sees it
LARGEST = 1 << 20  # bytes
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")  # it becomes a file's

# The names of variables -> their values, in the shell or in `.env`, as Compose has them.
Lookup = Callable[[Mapping[str, str]], Mapping[str, str]]


def with_contents(raw: Positions, text: str, look_up: Lookup) -> str:
    """A rendering with the contents of the secrets that its services get; what is not there is left out.

    A variable of a service's env files wins over one of the shell or of `.env`, and is then no variable of the service.
    Backing services are not frozen: files stay where they are mounted from.
    """
    if "secrets:" not in text:
        return text
    data = yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    asked = list(_asked(data))
    if not asked:
        return text
    variables = {
        source: str(secret["environment"]) for _name, _grant, source, secret in asked if "environment" in secret
    }
    values = look_up(variables) if variables else {}
    for name, grant, source, secret in asked:
        service = data["services"][name]
        content = None
        if "file" in secret:
            content = _read(Path(unescaped(secret["file"]))) if "x-celadon" in service else None
        elif "environment" in secret:
            value = _taken(raw, name, service, variables[source]) or values.get(source)
            content = value.encode() if value else None
        if content is not None:
            grant[CONTENT] = base64.b64encode(content).decode()
    _forget_variables(raw, data, asked)
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def content_of(grant: Mapping[str, Any]) -> bytes | None:
    """What a service's secret holds; None where it was not known when it was frozen."""
    return base64.b64decode(grant[CONTENT]) if CONTENT in grant else None


def without_contents(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A service's definition without what its secrets hold."""
    grants = [
        {key: value for key, value in grant.items() if key != CONTENT} for grant in definition.get("secrets") or []
    ]
    return {**definition, "secrets": grants} if grants else dict(definition)


def _asked(data: Any) -> Iterator[tuple[str, dict[str, Any], str, Mapping[str, Any]]]:
    known = data.get("secrets") or {}
    for name, service in (data.get("services") or {}).items():
        for grant in service.get("secrets") or []:
            source = str(grant["source"])
            if source in known and NAME.fullmatch(source):
                yield name, grant, source, known[source]


def _taken(raw: Positions, name: str, service: Mapping[str, Any], variable: str) -> str | None:
    """The value of a variable that comes from the service's env files alone."""
    value = (service.get("environment") or {}).get(variable)
    return None if value is None or _is_written(raw, name, variable) else unescaped(str(value))


def _forget_variables(
    raw: Positions, data: Any, asked: list[tuple[str, dict[str, Any], str, Mapping[str, Any]]]
) -> None:
    for name, grant, _source, secret in asked:
        service, variable = data["services"][name], secret.get("environment")
        if variable and CONTENT in grant and not _is_written(raw, name, str(variable)):
            (service.get("environment") or {}).pop(variable, None)


def _is_written(raw: Positions, name: str, variable: str) -> bool:
    """Whether the file itself gives the service this variable, so that it should have both."""
    service = (raw.data.get("services") or {}).get(name)  # None where another file has it: `extends`, `include`
    given = (service.get("environment") if isinstance(service, dict) else None) or []
    return any(str(one).partition("=")[0] == variable for one in given)


def _read(file: Path) -> bytes | None:
    """A regular file of a bearable size, None for anything else."""
    with suppress(OSError):
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as data:
            seen = os.fstat(descriptor)
            if stat.S_ISREG(seen.st_mode) and seen.st_size <= LARGEST:
                return data.read(LARGEST)
    return None
