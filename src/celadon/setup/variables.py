"""What the twins' containers are given, so that one service has it in each environment: env files and `environment`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from celadon.locale import _
from celadon.setup.facts import OF_THE_ENVIRONMENT
from celadon.setup.oldenv import HERE, EnvFiles, entries, of_file
from celadon.setup.renaming import Rename
from celadon.setup.tale import BY_HAND, CARRIED, Row, Spot
from celadon.setup.twins import DEVELOPMENT, EVERY, PRODUCTION, SPELLINGS, STAGING, WORD, Family

RUNNING = (STAGING, PRODUCTION)

_SWITCH = re.compile(r"\$\{(?:ENV|APP_ENV|NODE_ENV|ENVIRONMENT|STAGE|DEPLOY_ENV|CELADON_ENV)(?::?-[^}]*)?\}")


@dataclass(frozen=True)
class Given:
    """What one service is given from now on: its env files, later ones winning, and its `environment`."""

    env_files: tuple[str, ...]
    environment: Mapping[str, str | None] = field(repr=False)


def carry(families: Sequence[Family], ports: Mapping[str, int | None], files: EnvFiles, plain: Iterable[str] = ()
          ) -> dict[str, Given]:  # fmt: skip
    """What each family is given. What all readers of an env file have in common goes there; the rest to its own file.

    `ports` is where each service listens from now on: its PORT says so, whatever the twins said. Those in `plain` get
    a file for each environment even where nothing differs yet.
    """
    kept = {family.name: _templates(family, files) for family in families}
    by_name = {family.name: family for family in families}
    same, differing = {}, {}
    for family in families:
        same[family.name], differing[family.name] = _sorted(family, files.rename)
        if said := _port(family, ports.get(family.name), files):
            same[family.name]["PORT"] = said
            for given in differing[family.name].values():
                given.pop("PORT", None)
    for path, names in _groups(kept, differing, set(plain)).items():
        shared = _shared([differing[name] for name in names])
        if any(shared.values()) or any(path in kept[name] or name in plain for name in names):
            _write(path, shared, files)
            for name in names:
                if path not in kept[name]:
                    kept[name] = (files.common(), *kept[name], path)
                files.moved(by_name[name], {n for given in shared.values() for n in given}, path)
                differing[name] = {e: {n: v for n, v in given.items() if n not in shared.get(e, {})}
                                   for e, given in differing[name].items()}  # fmt: skip
    for family in families:
        if any(differing[family.name].values()):
            path = f"config/.env.{family.name}.{HERE}"
            _write(path, differing[family.name], files)
            files.moved(family, {n for given in differing[family.name].values() for n in given}, path)
            kept[family.name] = (*kept[family.name], path)
    _tell(families, files)
    return {family.name: Given(kept[family.name], same[family.name]) for family in families}


def _write(path: str, given: Mapping[str, Mapping[str, str]], files: EnvFiles) -> None:
    """The files of all environments behind the path: each has its own variables, and names that only others have."""
    names = {name for one in given.values() for name in one}
    for environment in (*RUNNING, DEVELOPMENT):
        own = given.get(environment, {})
        files.fill(path, environment, "", names - set(own))
        files.put(path, environment, own)


def template(paths: Mapping[str, str]) -> str | None:
    """The one path, with ${CELADON_ENV}, that all of them are: a path by environment. None where they are not."""
    made = set()
    for environment, path in paths.items():
        words = [m for m in WORD.finditer(path) if SPELLINGS[m[1]] == environment]
        if not words:
            return None
        last = words[-1]
        made.add(path[: last.start()] + HERE + path[last.end() :])
    return made.pop() if len(made) == 1 else None


def _templates(family: Family, files: EnvFiles) -> tuple[str, ...]:
    """Env files of a family: what is the same stays, what goes by environment becomes one path for all of them."""
    lists = {twin.environment: twin.env_files for twin in family.twins}
    if EVERY in lists:
        return tuple(_for_all(family, path, files) for path in lists[EVERY])
    if len({len(paths) for paths in lists.values()}) > 1:
        return _merged(family, lists, files)
    made: list[str] = []
    for place in zip(*lists.values(), strict=True):
        paths = dict(zip(lists, place, strict=True))
        if len(set(place)) == 1 and (len(lists) > 1 or template(paths) is None):
            made.append(_switched(place[0], files))
            continue
        found = template(paths)
        if found is None:
            return _merged(family, lists, files)
        files.told(paths, files.path(found))
        names = {e.name for path in place for e in of_file(files.old.folder / path)}
        for environment in (*RUNNING, DEVELOPMENT):
            files.fill(files.path(found), environment, paths.get(environment, ""), names)
        made.append(files.path(found))
    return tuple(made)


def _for_all(family: Family, path: str, files: EnvFiles) -> str:
    """A file of a service that knows no environments: one that is named after one, and has twins, goes by its name."""
    word = WORD.search(path)
    if word is None or _SWITCH.search(path):
        return _switched(path, files)
    environment = SPELLINGS[word[1]]
    found = template({environment: path}) or path
    spot = Spot(family.first.file, family.first.place.line)
    what = _("{name} reads {file} in every environment").format(name=family.name, file=path)
    if not any(files.has(found, other) for other in RUNNING if other != environment):
        became = _("look at what is of {environment} only").format(environment=environment)
        files.rows.append(Row(BY_HAND, spot, what, became))
        return files.keep(path)
    for other in (*RUNNING, DEVELOPMENT):
        files.fill(files.path(found), other, path if other == environment else "")
    files.rows.append(Row(CARRIED, spot, what, found))
    return files.path(found)


def _switched(path: str, files: EnvFiles) -> str:
    """A file for all environments, or one whose name has a variable for the environment in it already."""
    if not _SWITCH.search(path):
        return files.keep(path)
    found = files.path(_SWITCH.sub(HERE, path))
    for environment in (*RUNNING, DEVELOPMENT):
        files.fill(found, environment, "")
    return found


def _merged(family: Family, lists: Mapping[str, Sequence[str]], files: EnvFiles) -> tuple[str, ...]:
    """Lists that are too different to go by name: what all begin with stays, the rest becomes one file of its own."""
    alike = 0
    while all(len(paths) > alike for paths in lists.values()) and len({p[alike] for p in lists.values()}) == 1:
        alike += 1
    own = f"config/.env.{family.name}.{HERE}"
    for environment, paths in lists.items():
        files.join(own, environment, paths[alike:])
    first = next(iter(lists.values()))
    return (*(files.keep(path) for path in first[:alike]), own)


def _sorted(family: Family, rename: Rename) -> tuple[dict[str, str | None], dict[str, dict[str, str]]]:
    """`environment` of a family: what is the same everywhere, and what differs, by environment."""
    by = {t.environment: {n: v if v is None else rename(n, v) for n, v in t.environment_entries.items()}
          for t in family.twins}  # fmt: skip
    if EVERY in by:
        return dict(by[EVERY]), {}
    lists = [by.get(environment, {}) for environment in RUNNING] + ([by[DEVELOPMENT]] if DEVELOPMENT in by else [])
    first = lists[0]
    same = {n: v for n, v in first.items() if all(n in other and other[n] == v for other in lists)}
    differing = {e: {n: v for n, v in given.items() if n not in same and v is not None} for e, given in by.items()}
    return same, differing


def _port(family: Family, port: int | None, files: EnvFiles) -> str:
    """What PORT must be where a twin, or one of its env files, says another than the one port of the service."""
    every = [[e.value for e in entries(files.old, twin) if e.name == "PORT"] for twin in family.twins]
    said = {ports[-1] for ports in every if ports and ports[-1].isdigit()}
    if port is None or not said or said == {str(port)}:
        return ""
    became = _("{port} in every environment: each has a network of its own").format(port=port)
    spot = Spot(family.first.file, family.first.place.line)
    what = _("PORT of {name}: {ports}").format(name=family.name, ports=", ".join(sorted(said)))
    files.rows.append(Row(CARRIED, spot, what, became))
    return str(port)


def _groups(kept: Mapping[str, tuple[str, ...]], differing: Mapping[str, Mapping[str, Mapping[str, str]]],
            plain: set[str]) -> dict[str, list[str]]:  # fmt: skip
    """Which families read an env file of the environment as their last one; those without any read the usual one."""
    groups: dict[str, list[str]] = {}
    for name, paths in kept.items():
        if paths and HERE in paths[-1]:
            groups.setdefault(paths[-1], []).append(name)
    if OF_THE_ENVIRONMENT not in groups:
        without = [n for n, ps in kept.items() if not any(HERE in p for p in ps) and (differing[n] or n in plain)]
        if without:
            groups[OF_THE_ENVIRONMENT] = without
    return groups


def _shared(differing: Sequence[Mapping[str, Mapping[str, str]]]) -> dict[str, dict[str, str]]:
    """What differs between environments, but is the same in all of these families."""
    first, *others = differing
    names = {n for given in first.values() for n in given}
    common = {n for n in names if all({e: g.get(n) for e, g in first.items()} == {e: o.get(e, {}).get(n) for e in first}
                                      for o in others)}  # fmt: skip
    return {e: {n: v for n, v in given.items() if n in common} for e, given in first.items()}


def _tell(families: Sequence[Family], files: EnvFiles) -> None:
    for family in families:
        for environment in RUNNING:
            if not family.of(environment):
                what = _("{name} has no twin for {environment}").format(name=family.name, environment=environment)
                became = _("it is one service in both: give its variables in the env files of {environment}").format(
                    environment=environment)  # fmt: skip
                files.rows.append(Row(BY_HAND, Spot(family.first.file, family.first.place.line), what, became))
