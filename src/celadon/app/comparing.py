"""What the services are given in two environments: which variables, and whether they are the same; never a value."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from celadon.adapters import compose, docker, process
from celadon.app.pulling import named
from celadon.config.load import rendered
from celadon.config.positions import Loader, Positions
from celadon.errors import ConfigError

SET, EMPTY, MISSING = "set", "empty", "missing"


@dataclass(frozen=True)
class Difference:
    """A variable of services in two environments: how it is in each; `same` is None where they cannot be compared."""

    name: str
    services: tuple[str, ...]
    here: str
    there: str
    same: bool | None

    @property
    def weight(self) -> tuple[int, str]:
        """What is missing first, then what is empty, what is otherwise, and what is the same."""
        states = (self.here, self.there)
        return (0 if MISSING in states else 1 if EMPTY in states else 3 if self.same else 2), self.name


def compare(folder: Path, here: str, there: str) -> tuple[Difference, ...]:
    """Every variable of every service in the two. Raises UsageError, ConfigError."""
    first, second = process.side_by_side(lambda one: _given(*one), [named(folder, here), named(folder, there)])
    states: dict[tuple[str, str, str, bool | None], list[str]] = {}
    for service in first.keys() | second.keys():
        mine, theirs = first.get(service, {}), second.get(service, {})
        for name in mine.keys() | theirs.keys():
            state = (name, *_state(mine.get(name), theirs.get(name)))
            states.setdefault(state, []).append(service)
    found = [Difference(name, tuple(sorted(services)), a, b, same) for (name, a, b, same), services in states.items()]
    return tuple(sorted(found, key=lambda one: (one.weight, one.services)))


def _state(mine: str | None, theirs: str | None) -> tuple[str, str, bool | None]:
    return _how(mine), _how(theirs), mine == theirs if mine and theirs else None


def _how(value: str | None) -> str:
    return MISSING if value is None else SET if value else EMPTY


def _given(raw: Positions, environment: str) -> dict[str, dict[str, str]]:
    """The variables of each service. One without a value in the file is taken from the shell: it is missing here."""
    try:
        text, _warnings = rendered(raw, environment, compose.render)
    except ConfigError:
        docker.require_compose()
        raise
    services = yaml.load(text, Loader).get("services") or {}  # noqa: S506 (a safe loader)
    return {name: dict(_known((one.get("environment") or {}).items())) for name, one in services.items()}


def _known(pairs: Iterable[tuple[str, object]]) -> Iterable[tuple[str, str]]:
    return ((name, str(value)) for name, value in pairs if value is not None)
