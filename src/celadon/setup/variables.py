"""What the twins' containers are given, so that one service has it in each environment: env files and `environment`."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from celadon.config.positions import shown
from celadon.locale import _
from celadon.setup.envfiles import quoted
from celadon.setup.facts import COMMON, OF_THE_ENVIRONMENT
from celadon.setup.nginxfile import Spot
from celadon.setup.tale import CARRIED, TODO, Row
from celadon.setup.twins import DEVELOPMENT, EVERY, PRODUCTION, SPELLINGS, STAGING, WORD, Family, Old, Twin

HERE = "${CELADON_ENV:-development}"
RUNNING = (STAGING, PRODUCTION)

_SWITCH = re.compile(r"\$\{(?:ENV|APP_ENV|NODE_ENV|ENVIRONMENT|STAGE|DEPLOY_ENV|CELADON_ENV)(?::?-[^}]*)?\}")
_SET = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)")

Rename = Callable[[str], str]


@dataclass(frozen=True)
class Entry:
    """A variable of an env file. Its value may be a secret."""

    name: str
    value: str = field(repr=False)
    spot: Spot


@dataclass(frozen=True)
class Given:
    """What one service is given from now on: its env files, later ones winning, and its `environment`."""

    env_files: tuple[str, ...]
    environment: Mapping[str, str | None] = field(repr=False)


@dataclass
class EnvFiles:
    """The env files that the import writes: their texts, by path; they begin with what is there already.

    `rename` is what becomes of the names of services in values.
    """

    old: Old
    workspace: Path
    rename: Rename
    texts: dict[Path, str] = field(default_factory=dict, repr=False)
    rows: list[Row] = field(default_factory=list)

    def path(self, written: str) -> str:
        """A path of the old file as one of the workspace's."""
        return rebased(written, self.old.folder, self.workspace)

    def keep(self, written: str) -> str:
        """A file that stays where it is; names of services in it become the new ones."""
        self._begin(self.workspace / self.path(written))
        return self.path(written)

    def fill(self, template: str, environment: str, source: str, names: Iterable[str] = ()) -> None:
        """Make the file of `environment` what the old `source` was; without one, `names` are to be filled in."""
        target = self.workspace / template.replace(HERE, environment)
        if target in self.texts:
            return
        spelled = (template.replace(HERE, word) for word, meant in SPELLINGS.items() if meant == environment)
        known = [self.workspace / one for one in ([self.path(source)] if source else []) + [*spelled]]
        origin = next((file for file in (target, *known) if file.is_file()), None)
        if origin:
            self._begin(origin, target)
            if origin != target:
                what = _("copied to {file}; the old one can go when nothing reads it any more").format(
                    file=shown(target)
                )
                self.rows.append(Row(CARRIED, Spot(shown(origin), 0), shown(origin), what))
            return
        if source:
            what = _("is not here: {file} is made empty, fill it in").format(file=shown(target))
            self.rows.append(Row(TODO, Spot(shown(self.workspace / self.path(source)), 0), source, what))
        self.texts[target] = _head(environment) + "".join(f"# {name}=\n" for name in sorted(names))

    def common(self) -> str:
        """The file for what is the same everywhere; it is made where it is missing."""
        file = self.workspace / COMMON
        if not file.is_file():
            self.texts.setdefault(file, _head(""))
        return COMMON

    def put(self, template: str, environment: str, entries: Mapping[str, str]) -> None:
        """Variables for the file of `environment`; they win over what it says."""
        if not entries:
            return
        self.fill(template, environment, "")
        target = self.workspace / template.replace(HERE, environment)
        before = self.texts[target] if target in self.texts else target.read_text(encoding="utf-8")
        lines = [line for line in before.splitlines()
                 if not ((match := _SET.match(line)) and match[1] in entries)]  # fmt: skip
        self.texts[target] = "".join(f"{line}\n" for line in lines) + "".join(
            f"{name}={_as_env(value)}\n" for name, value in entries.items()
        )

    def told(self, paths: Mapping[str, str], found: str) -> None:
        """Say what the files of `paths`, by environment, are called from now on."""
        for environment, path in paths.items():
            if self.path(path) == found.replace(HERE, environment):
                self.rows.append(Row(CARRIED, Spot(shown(self.workspace / self.path(path)), 0), path, found))

    def moved(self, family: Family, names: Iterable[str], path: str) -> None:
        """Say where variables of `environment` stand from now on."""
        variables = sorted(names)
        if variables:
            line = self.old.at("services", family.first.name, "environment").line
            what = _("{variables} of {name}").format(variables=", ".join(variables), name=family.name)
            self.rows.append(Row(CARRIED, Spot(self.old.file, line), what, path))

    def join(self, template: str, environment: str, sources: Iterable[str]) -> None:
        """Make the file of `environment` what the old `sources` say together, later ones winning."""
        files = [self.workspace / self.path(source) for source in sources]
        texts = [_head(environment), *(file.read_text(encoding="utf-8") for file in files if file.is_file())]
        lines = (line for text in texts for line in text.splitlines())
        self.texts[self.workspace / template.replace(HERE, environment)] = "".join(
            _renamed(f"{line}\n", self.rename) for line in lines
        )

    def _begin(self, origin: Path, target: Path | None = None) -> None:
        if not origin.is_file() or (target or origin) in self.texts:
            return
        text = origin.read_text(encoding="utf-8")
        renamed = "".join(_renamed(line, self.rename) for line in text.splitlines(keepends=True))
        if renamed != text or target not in (None, origin):
            self.texts[target or origin] = renamed if renamed.endswith("\n") or not renamed else f"{renamed}\n"


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


def entries(old: Old, twin: Twin, folder: Path) -> list[Entry]:
    """Everything a twin is given by its env files and its `environment`, in the order in which it wins."""
    found = [entry for file in twin.env_files for entry in of_file(folder / file)]
    for number, (name, value) in enumerate(twin.environment_entries.items()):
        path = ("services", twin.name, "environment")
        listed = isinstance(twin.definition.get("environment"), list)
        place = old.raw.at((*path, number)) if listed else old.raw.at((*path, name), key=True)
        found += [Entry(name, value, Spot(old.file, place.line))] if value is not None else []
    return found


def of_file(file: Path) -> list[Entry]:
    """The variables of an env file; none of one that is not here or no text."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    found = ((number, _SET.fullmatch(line)) for number, line in enumerate(lines, 1))
    return [Entry(m[1], m[2].strip().strip("\"'"), Spot(shown(file), number)) for number, m in found if m]


def rebased(path: str, old: Path, new: Path) -> str:
    """A path that was relative to the folder `old`, relative to `new`; others, and `~`, stay."""
    if old.resolve() == new.resolve() or path.startswith(("/", "~", "$")):
        return path
    import os.path  # pathlib's own walk_up needs Python 3.12

    return os.path.relpath(old.resolve() / path, new.resolve())


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
        names = {e.name for path in place for e in of_file(files.workspace / files.path(path))}
        for environment in (*RUNNING, DEVELOPMENT):
            files.fill(files.path(found), environment, paths.get(environment, ""), names)
        made.append(files.path(found))
    return tuple(made)


def _for_all(family: Family, path: str, files: EnvFiles) -> str:
    """A file of a service that knows no environments; one that is named after one is told."""
    kept = _switched(path, files)
    if HERE not in kept and (word := WORD.search(path)):
        what = _("{name} reads {file} in every environment").format(name=family.name, file=path)
        became = _("look at what is of {environment} only").format(environment=SPELLINGS[word[1]])
        files.rows.append(Row(TODO, Spot(family.first.file, family.first.place.line), what, became))
    return kept


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
    by = {t.environment: {n: v if v is None else rename(v) for n, v in t.environment_entries.items()}
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
    every = [[e.value for e in entries(files.old, twin, files.old.folder) if e.name == "PORT"] for twin in family.twins]
    said = {ports[-1] for ports in every if ports}
    if port is None or not said or said == {str(port)}:
        return ""
    became = _("{port} in every environment: each has a network of its own").format(port=port)
    spot = Spot(family.first.file, family.first.place.line)
    what = _("PORT of {name}: {ports}").format(
        name=family.name, ports=", ".join(sorted(p for p in said if p.isdigit()))
    )
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
                files.rows.append(Row(TODO, Spot(family.first.file, family.first.place.line), what, became))


def _renamed(line: str, rename: Rename) -> str:
    match = _SET.match(line)
    return line[: match.start(2)] + rename(match[2]) + line[match.end(2) :] if match else line


def _as_env(value: str) -> str:
    """A value of a compose file as an env file has it: what Compose interpolated there, it interpolates here."""
    if "$" not in value.replace("$$", ""):
        return quoted(value.replace("$$", "$"))
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


def _head(environment: str) -> str:
    whose = f"Only {environment}." if environment else "The same in every environment; files of one win over this one."
    return f"# {whose} NAME=value, one a line. Mode 0600, and never in git.\n"
