"""Families of the old file as services of the new one: the definition that users have today, less what is Celadon's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from celadon.locale import _
from celadon.setup import volumes
from celadon.setup.facts import ServiceSketch
from celadon.setup.health import Gate
from celadon.setup.oldenv import rebased
from celadon.setup.renaming import Rename
from celadon.setup.tale import CARRIED, LEFT, Row, Spot
from celadon.setup.twins import EVERY, STAGING, Family, Old, split
from celadon.setup.variables import Given

# Keys that have no place beside slots and routers, and why.
NO_PLACE = {
    "container_name": _("two slots, or two environments, cannot share a name; others reach it as {name}"),
    "network_mode": _("it gets an address of its own on the environment's network"),
    "links": _("services reach each other by name"),
    "volumes_from": _("share a named volume instead"),
    "scale": _("one container in a slot"),
    "hostname": _("others reach it as {name}"),
    "extends": _("write what it brings into this file"),
}
_SILENT = frozenset(("profiles", "ports", "networks", "env_file", "environment", "pull_policy", "x-celadon"))
_ALWAYS = ("always", "unless-stopped")  # what Celadon sets by itself


def service(old: Old, family: Family, gate: Gate, given: Given, workspace: Path, rename: Rename, rows: list[Row]
            ) -> ServiceSketch:  # fmt: skip
    """A service that Celadon deploys."""
    _became(old, family, rows, _("service {name}").format(name=family.name))
    rest = _rest(old, family, workspace, rename, rows)
    build = rest.pop("build", "")
    if build and rest.pop("image", ""):
        rows.append(Row(LEFT, _spot(old, family, "image"), "image", _("Celadon tags what it builds")))
    celadon = {"timeout": _seconds(gate.limits.timeout), "client_max_body_size": gate.limits.body}
    alone = not gate.route and family.runs_once
    if alone:
        became = _("strategy: replace, so that it never runs twice")
        rows.append(Row(CARRIED, Spot(old.file, family.first.place.line), family.name, became))
    return ServiceSketch(
        name=family.name, build=build, image=str(rest.pop("image", "")), port=gate.port, route=gate.route,
        host=gate.host, health=gate.health, strip_prefix=gate.strip, strategy="replace" if alone else "",
        env_files=given.env_files, environment=given.environment, volumes=tuple(rest.pop("volumes", ())),
        depends_on=rest.pop("depends_on", ()), mem_limit=str(rest.pop("mem_limit", "")),
        compose=rest, celadon={key: value for key, value in celadon.items() if value is not None},
    )  # fmt: skip


def backing(old: Old, family: Family, given: Given, workspace: Path, rename: Rename, rows: list[Row]) -> dict[str, Any]:
    """A service that only starts with its environment."""
    _became(old, family, rows, _("backing service {name}: each environment has its own").format(name=family.name))
    for port in (port for twin in family.twins for port in twin.ports):
        why = _("each environment has its own; reach it with `celadon exec`")
        rows.append(Row(LEFT, Spot(old.file, port.place.line), f"port {port.host}:{port.container}", why))
    made = _rest(old, family, workspace, rename, rows)
    if given.env_files:
        made["env_file"] = list(given.env_files)
    if given.environment:
        made["environment"] = dict(given.environment)
    if profiles := [p for p in family.first.definition.get("profiles") or () if not split(f"x-{p}")[1]]:
        made["profiles"] = profiles
    return made


def _became(old: Old, family: Family, rows: list[Row], what: str) -> None:
    for twin in family.twins:
        words = what if twin.environment == EVERY else f"{what} ({twin.environment})"
        rows.append(Row(CARRIED, Spot(old.file, twin.place.line), twin.name, words))


def _rest(old: Old, family: Family, workspace: Path, rename: Rename, rows: list[Row]) -> dict[str, Any]:
    """All keys that are neither Celadon's nor of env files, as production has them; differences of others are told."""
    made: dict[str, Any] = {}
    tested = (family.of(STAGING) if family.has_images else None) or family.first
    for key, value in family.first.definition.items():
        if key in _SILENT:
            continue
        if key in NO_PLACE:
            rows.append(Row(LEFT, _spot(old, family, key), key, NO_PLACE[key].format(name=family.name)))
            continue
        if key == "restart" and value in _ALWAYS and not family.is_backing:
            rows.append(Row(LEFT, _spot(old, family, key), key, _("Celadon sets it: what fails starts again")))
            continue
        made[key] = value if key == "image" else _renamed(key, value, rename)  # redis:7 is no host and port
    if tested is not family.first:
        made["image"] = tested.definition.get("image")
    if tested.definition.get("build"):
        made["build"] = _build(tested.definition["build"], old.folder, workspace)
    if "volumes" in made:
        made["volumes"] = volumes.of(old, family, workspace, rows)
    if "depends_on" in made:
        made["depends_on"] = _depends(old, made["depends_on"])
    if shared := [name for name in family.first.definition.get("networks") or () if name in old.shared_networks]:
        made["networks"] = ["default", *shared]
    deploy = made.get("deploy")
    if isinstance(deploy, dict) and "replicas" in deploy:
        made["deploy"] = {k: v for k, v in deploy.items() if k != "replicas"}
        rows.append(Row(LEFT, _spot(old, family, "deploy"), "replicas", _("one container in a slot")))
    rows.extend(_differences(old, family))
    return {key: value for key, value in made.items() if value not in ([], {}, None)}


def _differences(old: Old, family: Family) -> Iterator[Row]:
    """What a twin has in another way than the one that counts, and env files cannot carry."""
    first = family.first
    for twin in family.twins[1:]:
        for key in dict.fromkeys((*first.definition, *twin.definition)):
            mine, theirs = first.definition.get(key), twin.definition.get(key)
            told = {*_SILENT, *NO_PLACE, "volumes", "depends_on", "restart"}
            if key in told or (key == "image" and first.definition.get("build")):
                continue
            if _plainly(family, mine) == _plainly(family, theirs):
                continue
            named, why = twin, _("as {environment} has it, in all of them").format(environment=first.environment)
            if key == "build":
                why = _("built once, as {environment} has it: a promote brings the very image that was tested").format(
                    environment=first.environment)  # fmt: skip
            if key in ("image", "build") and family.has_images and twin.environment == STAGING:
                named, why = first, _("as staging has it: a promote brings the very image that was tested")
            having = named if key in named.definition else next(t for t in (twin, first) if key in t.definition)
            what = _("{key} of {twin} differs").format(key=key, twin=named.name)
            yield Row(LEFT, _spot(old, family, key, having.name), what, why)


def _plainly(family: Family, value: Any) -> str:
    """A value without what differs in every twin: its name and its port."""
    text = str(value)
    words = {str(port.container) for twin in family.twins for port in twin.ports}
    for word in sorted(words.union(*(twin.called for twin in family.twins)), key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _depends(old: Old, value: Any) -> Any:
    """`depends_on` by the new names; what is no service any more is left out."""
    gone = {t.name for f in old.families if f.is_router or f.only_development for t in f.twins}
    if isinstance(value, dict):
        return {split(name)[0]: how for name, how in value.items() if name not in gone}
    return list(dict.fromkeys(split(str(name))[0] for name in value or () if str(name) not in gone))


def _build(value: Any, old: Path, new: Path) -> Any:
    """`build` with its folder as the new file's folder sees it."""
    context = str(value.get("context", ".") if isinstance(value, dict) else value)
    if "://" not in context and "@" not in context:
        context = rebased(context, old, new)
    return {**value, "context": context} if isinstance(value, dict) else context


def _renamed(key: str, value: Any, rename: Rename) -> Any:
    if isinstance(value, str):
        return rename(key, value)
    if isinstance(value, list):
        return [_renamed(key, one, rename) for one in value]
    return (
        {inner: _renamed(str(inner), one, rename) for inner, one in value.items()} if isinstance(value, dict) else value
    )


def _seconds(timeout: float | None) -> str | None:
    return None if timeout is None else f"{timeout:g}s"


def _spot(old: Old, family: Family, key: str, name: str = "") -> Spot:
    return Spot(old.file, old.at("services", name or family.first.name, key).line)
