"""A compose file of Celadon's that is there already: what of it a proposal must fit to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celadon.config.outline import NAMES, load_outline
from celadon.config.positions import read
from celadon.errors import UsageError
from celadon.locale import _
from celadon.setup.facts import EnvironmentSketch


@dataclass(frozen=True)
class Existing:
    """Its name, its environments (by name, and what is promoted to them), the names, folders and routes it has."""

    file: str
    name: str
    environments: tuple[EnvironmentSketch, ...]
    services: frozenset[str]
    folders: frozenset[str]
    routes: frozenset[str]


def compose_file(folder: Path) -> Path | None:
    """The compose file of this very folder, if there is one."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def existing(folder: Path) -> Existing | None:
    """What is there; None where nothing is. Raises ConfigError, and UsageError for a compose file that is plain."""
    file = compose_file(folder)
    if file is None:
        return None
    data = read(file).data
    if "x-celadon" not in data:
        raise UsageError(
            _("{file} is there, without x-celadon: it would have to be written anew.").format(file=file.name),
            hint=_("Take over what it says: celadon import {file}").format(file=file.name),
        )
    outline = load_outline(file)
    services = data.get("services")
    definitions = services if isinstance(services, dict) else {}
    return Existing(
        file.name,
        outline.name,
        tuple(EnvironmentSketch(name, (), "", outline.promoted.get(name, "")) for name in outline.environments),
        frozenset(map(str, definitions)),
        frozenset(str((folder / _context(one)).resolve()) for one in definitions.values() if _context(one)),
        frozenset(str(_celadon(one)["route"]) for one in definitions.values() if _celadon(one).get("route")),
    )


def _context(definition: Any) -> str:
    build = definition.get("build") if isinstance(definition, dict) else None
    return str(build.get("context", "") if isinstance(build, dict) else build or "").replace("$$", "$")


def _celadon(definition: Any) -> Mapping[str, Any]:
    found = definition.get("x-celadon") if isinstance(definition, dict) else None
    return found if isinstance(found, dict) else {}
