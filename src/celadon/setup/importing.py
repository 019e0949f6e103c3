"""An old set-up as a workspace: services, doors and env files out of a compose file with twins and an nginx.conf."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celadon.config.positions import shown
from celadon.config.values import NAME
from celadon.errors import ConfigError
from celadon.locale import _
from celadon.setup import carrying, contradictions
from celadon.setup.facts import EnvironmentSketch, WorkspaceSketch
from celadon.setup.gates import Gates, destination, gates
from celadon.setup.oldenv import EnvFiles, rebased
from celadon.setup.proxy import Proxy
from celadon.setup.renaming import renaming
from celadon.setup.tale import BY_HAND, CARRIED, KINDS, LEFT, Row, Spot
from celadon.setup.twins import PRODUCTION, STAGING, Family, Old, mounts, split
from celadon.setup.variables import carry
from celadon.setup.volumes import named

_HARMLESS = re.compile(r"\$\{\w+\}")
_PLAIN = re.compile(r"(^|_)(ENV|PORT|HOST|NAME|LEVEL|DEBUG|TZ|LANG)$")


@dataclass(frozen=True)
class Hidden:
    """A variable whose value no diff shows."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Imported:
    """The workspace as it will be. `env_files` are texts by path, and may hold secrets, as `hidden` does."""

    sketch: WorkspaceSketch
    env_files: Mapping[Path, str] = field(repr=False)
    rows: tuple[Row, ...]
    hidden: tuple[Hidden, ...] = field(repr=False)


def mounted_configurations(old: Old) -> tuple[Path, ...]:
    """nginx's configuration, where the old file mounts it into a proxy."""
    found = [old.folder / source for f in old.families if f.is_router for t in f.twins for source, _to in mounts(t)]
    built = [old.folder / str(b.get("context") if isinstance(b, dict) else b) / "nginx.conf"
             for f in old.families if f.is_router for t in f.twins if (b := t.definition.get("build"))]  # fmt: skip
    files = [inner for one in found for inner in (sorted(one.glob("*.conf")) if one.is_dir() else [one])]
    return tuple(dict.fromkeys(f.resolve() for f in (*files, *built) if f.suffix == ".conf" and f.is_file()))


def bring(old: Old, proxy: Proxy, workspace: Path) -> Imported:
    """The whole. Raises ConfigError where nothing in the file could be deployed."""
    ours = [family for family in old.families if not family.only_development and not family.is_router]
    deployed = [family for family in ours if _is_deployed(old, proxy, family)]
    if not deployed:
        words = _("no service has `build`, or is reached through nginx: there is nothing to deploy")
        raise ConfigError([old.raw.problem(("services",), words, key=True)])
    way_in = gates(old, proxy, deployed, workspace)
    rows = [*_passed_over(old), *way_in.rows, *_of_the_proxy(old, proxy)]
    ports = {family.name: way_in.services[family.name].port for family in deployed}
    rename = renaming(ours, ports)
    env_files = EnvFiles(old, workspace, rename)
    given = carry(ours, ports, env_files, plain=() if old.twinned else [family.name for family in deployed])
    services = [
        carrying.service(old, f, way_in.services[f.name], given[f.name], workspace, rename, rows) for f in deployed
    ]
    plain = [family for family in ours if family not in deployed]
    backing = {f.name: carrying.backing(old, f, given[f.name], workspace, rename, rows) for f in plain}
    kept = named(old, ours, rows)
    rows += [*env_files.rows, *_top(old)]
    rows += contradictions.contradictions(old, proxy, deployed, way_in.services)
    sketch = WorkspaceSketch(
        name=_name(old, workspace), environments=_environments(way_in), services=tuple(services), backing=backing,
        volumes=kept, celadon=_router(proxy), compose=_sections(old, workspace),
    )  # fmt: skip
    told = sorted(dict.fromkeys(rows), key=lambda row: (KINDS.index(row.kind), row.spot))
    return Imported(sketch, env_files.texts, tuple(told), tuple(_hidden(old.families)))


def _is_deployed(old: Old, proxy: Proxy, family: Family) -> bool:
    """Whether the team makes it: built, with images of its own, or reached by users; and no known backing service."""
    if family.is_backing:
        return False
    if family.first.definition.get("build") or family.has_images:
        return True
    ends = (destination(old, way) for site in proxy.sites for way in site.ways)
    return any(found and found[0] is family for found in ends)


def _of_the_proxy(old: Old, proxy: Proxy) -> list[Row]:
    """What is to be told of nginx as a whole."""
    rows = [Row(one.kind, one.spot, one.what, one.why) for one in proxy.left]
    if proxy.sites and (said := proxy.limits.said()):
        rows.append(Row(CARRIED, Spot(proxy.sites[0].spot.file, 0), said, "x-celadon.router"))
    if not proxy.sites and (files := _beside(old.folder)):
        what = _("was not read: name it with --nginx {file}").format(file=shown(files[0]))
        rows.append(Row(BY_HAND, Spot(shown(files[0]), 0), shown(files[0]), what))
    return rows


def _beside(folder: Path) -> list[Path]:
    """What looks like nginx's configuration beside the old file."""
    return sorted({*folder.glob("nginx*.conf"), *folder.glob("nginx/**/*.conf")})


def _passed_over(old: Old) -> list[Row]:
    rows = []
    for family in old.families:
        for twin in family.twins:
            spot = Spot(old.file, twin.place.line)
            if family.is_router:
                rows.append(Row(LEFT, spot, twin.name, _("each environment has a router of Celadon's")))
            elif family.only_development:
                rows.append(
                    Row(LEFT, spot, twin.name, _("it is of development only: keep it in a compose.override.yaml"))
                )
    return rows


def _environments(way_in: Gates) -> tuple[EnvironmentSketch, ...]:
    staging, production = way_in.doors[STAGING], way_in.doors[PRODUCTION]
    return (
        EnvironmentSketch(STAGING, staging.listen, staging.url, tls=staging.tls),
        EnvironmentSketch(PRODUCTION, production.listen, production.url, from_=STAGING, tls=production.tls),
    )


def _router(proxy: Proxy) -> dict[str, Any]:
    limits = {"client_max_body_size": proxy.limits.body,
              "timeout": None if proxy.limits.timeout is None else f"{proxy.limits.timeout:g}s"}  # fmt: skip
    found = {key: value for key, value in limits.items() if value is not None}
    return {"router": found} if found else {}


def _sections(old: Old, workspace: Path) -> dict[str, Any]:
    """What else stands at the top of the old file and goes on; networks only where others made them."""
    found = {}
    for key in ("secrets", "configs"):
        found[key] = {name: {**one, "file": rebased(str(one["file"]), old.folder, workspace)} if "file" in one else one
                      for name, one in (old.raw.data.get(key) or {}).items()}  # fmt: skip
    found["networks"] = {name: (old.raw.data.get("networks") or {})[name] for name in sorted(old.shared_networks)}
    return {key: value for key, value in found.items() if value}


def _top(old: Old) -> list[Row]:
    """What stands at the top of the old file and has no place."""
    rows = []
    for name in old.raw.data.get("networks") or {}:
        if name not in old.shared_networks:
            what = _("network {name}").format(name=name)
            why = _("each environment has a network of its own")
            rows.append(Row(LEFT, Spot(old.file, old.at("networks", name).line), what, why))
    if old.raw.data.get("include"):
        rows.append(
            Row(BY_HAND, Spot(old.file, old.at("include").line), "include", _("write what it brings into this file"))
        )
    return rows


def _name(old: Old, workspace: Path) -> str:
    """The old project's name where it is a good one, without its environment."""
    name = split(str(old.raw.data.get("name") or workspace.resolve().name))[0]
    return name if NAME.fullmatch(name) else "workspace"


def _hidden(families: Sequence[Family]) -> Iterator[Hidden]:
    """Variables of `environment` that may be secrets: what looks like one, and what differs between twins."""
    for family in families:
        secrets = contradictions.secret_names(family.twins)
        for twin in family.twins:
            for name, value in twin.environment_entries.items():
                differs = len({t.environment_entries.get(name) for t in family.twins}) > 1
                if (
                    value
                    and not _HARMLESS.fullmatch(value)
                    and (name in secrets or (differs and not _PLAIN.search(name)))
                ):
                    yield Hidden(name, value)
