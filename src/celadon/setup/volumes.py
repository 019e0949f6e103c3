"""Volumes of twins: one name, or one folder, for what each environment had by its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celadon.locale import _
from celadon.setup.oldenv import HERE, rebased
from celadon.setup.tale import BY_HAND, Row, Spot
from celadon.setup.twins import Family, Old, split
from celadon.setup.variables import RUNNING, template


def named(old: Old, families: Sequence[Family], rows: list[Row]) -> dict[str, Any]:
    """Named volumes, one for each environment where the old file had one by name for each."""
    made: dict[str, Any] = {}
    mounted = {_source(one) for f in families for t in f.twins for one in t.definition.get("volumes") or ()}
    for name, options in (old.raw.data.get("volumes") or {}).items():
        if name not in mounted:
            continue
        kept = {key: value for key, value in (options or {}).items() if key not in ("name", "external")}
        made.setdefault(_volume(name), kept or None)
        why = _("{volume}: each environment gets a new one; bring the data over with a dump while nobody writes")
        spot = Spot(old.file, old.raw.at(("volumes", name), key=True).line)
        what = _("the data in {volume}").format(volume=name)
        rows.append(Row(BY_HAND, spot, what, why.format(volume=_volume(name))))
    return made


def of(old: Old, family: Family, workspace: Path, rows: list[Row]) -> list[Any]:
    """A family's volumes as production has them: those of one environment become one for each, by its name."""
    return [_carried(old, family, one, workspace, rows) for one in family.first.definition.get("volumes") or ()]


def _carried(old: Old, family: Family, volume: Any, workspace: Path, rows: list[Row]) -> Any:
    source, target = _source(volume), _target(volume)
    if source is None:
        return volume
    if not source.startswith((".", "/", "~")):
        return _with_source(volume, _volume(source))
    by = {twin.environment: rebased(str(_source(one)), old.folder, workspace) for twin in family.twins
          for one in twin.definition.get("volumes") or () if _target(one) == target}  # fmt: skip
    found = template(by) if len(set(by.values())) > 1 else None
    if found is None:
        return _with_source(volume, rebased(source, old.folder, workspace))
    for environment in RUNNING:
        folder = found.replace(HERE, environment)
        if by.get(environment, folder) != folder:
            spot = Spot(old.file, old.at("services", family.first.name, "volumes").line)
            what = _("volumes of {name}").format(name=family.name)
            became = _("move {old} to {new}").format(old=by[environment], new=folder)
            rows.append(Row(BY_HAND, spot, what, became))
    return _with_source(volume, found)


def _source(volume: Any) -> str | None:
    if isinstance(volume, dict):
        return volume.get("source")
    source, colon, _behind = str(volume).partition(":")
    return source if colon else None


def _target(volume: Any) -> str:
    if isinstance(volume, dict):
        return str(volume.get("target"))
    source, _colon, rest = str(volume).partition(":")
    return rest.partition(":")[0] or source


def _with_source(volume: Any, source: str) -> Any:
    if isinstance(volume, dict):
        return {**volume, "source": source}
    return f"{source}:{str(volume).partition(':')[2]}"


def _volume(name: str) -> str:
    """A named volume without the environment that it was for."""
    for separator in "-_":
        parts = name.split(separator)
        kept = [part for part in parts if not split(f"x-{part}")[1]]
        if kept and kept != parts:
            return separator.join(kept)
    return name
