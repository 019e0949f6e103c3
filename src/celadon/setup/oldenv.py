"""Env files: what the old ones say, and the texts of those that an import writes."""

import os.path
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from celadon.config.dotenv import quoted
from celadon.config.positions import shown
from celadon.locale import _
from celadon.setup.facts import COMMON
from celadon.setup.renaming import Rename
from celadon.setup.tale import BY_HAND, CARRIED, Row, Spot
from celadon.setup.twins import SPELLINGS, Family, Old, Twin

HERE = "${CELADON_ENV:-development}"

_SET = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)")


@dataclass(frozen=True)
class Entry:
    """A variable of an env file. Its value may be a secret."""

    name: str
    value: str = field(repr=False)
    spot: Spot


@dataclass
class EnvFiles:
    """The env files that the import writes: their texts, by path; they begin with what is there already.

    They lie in the workspace where they lay beside the old file; what lies elsewhere stays as it is. `rename` is what
    becomes of the names of services in values.
    """

    old: Old
    workspace: Path
    rename: Rename
    texts: dict[Path, str] = field(default_factory=dict, repr=False)
    rows: list[Row] = field(default_factory=list)

    def path(self, written: str) -> str:
        """A path of the old file as one of the workspace's."""
        return written if self._inside(written) else rebased(written, self.old.folder, self.workspace)

    def keep(self, written: str) -> str:
        """A file that stays where it is; names of services in it become the new ones."""
        origin = self.old.folder / written
        if not origin.is_file():
            why = _("is not here: put it there, mode 0600")
            self.rows.append(Row(BY_HAND, Spot(shown(origin), 0), written, why))
        elif self._inside(written):
            self._begin(origin, self.workspace / written)
        return self.path(written)

    def has(self, template: str, environment: str) -> bool:
        """Whether the old set-up has the file of `environment`, however it spells that."""
        words = (word for word, meant in SPELLINGS.items() if meant == environment)
        return any((self.old.folder / template.replace(HERE, word)).is_file() for word in words)

    def fill(self, template: str, environment: str, source: str, names: Iterable[str] = ()) -> None:
        """Make the file of `environment` what the old `source` was; without one, `names` are to be filled in."""
        target = self.workspace / template.replace(HERE, environment)
        if target in self.texts:
            return
        spelled = [template.replace(HERE, word) for word, meant in SPELLINGS.items() if meant == environment]
        known = [self.old.folder / one for one in ([source] if source else []) + spelled]
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
            self.rows.append(Row(BY_HAND, Spot(shown(self.old.folder / source), 0), source, what))
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
                self.rows.append(Row(CARRIED, Spot(shown(self.old.folder / path), 0), path, found))

    def moved(self, family: Family, names: Iterable[str], path: str) -> None:
        """Say where variables of `environment` stand from now on."""
        variables = sorted(names)
        if variables:
            line = self.old.at("services", family.first.name, "environment").line
            what = _("{variables} of {name}").format(variables=", ".join(variables), name=family.name)
            self.rows.append(Row(CARRIED, Spot(self.old.file, line), what, path))

    def join(self, template: str, environment: str, sources: Iterable[str]) -> None:
        """Make the file of `environment` what the old `sources` say together, later ones winning."""
        files = [self.old.folder / source for source in sources]
        texts = [_head(environment), *(file.read_text(encoding="utf-8") for file in files if file.is_file())]
        lines = (line for text in texts for line in text.splitlines())
        self.texts[self.workspace / template.replace(HERE, environment)] = "".join(
            _renamed(f"{line}\n", self.rename) for line in lines
        )

    def _begin(self, origin: Path, target: Path) -> None:
        """Make `target` what `origin` says, where it is not so already."""
        if target in self.texts:
            return
        text = origin.read_text(encoding="utf-8")
        renamed = "".join(_renamed(line, self.rename) for line in text.splitlines(keepends=True))
        if renamed != text or target.resolve() != origin.resolve():
            self.texts[target] = renamed if renamed.endswith("\n") or not renamed else f"{renamed}\n"

    def _inside(self, written: str) -> bool:
        """Whether it lies beside the old file, or below it."""
        return (self.old.folder / written).resolve().is_relative_to(self.old.folder.resolve())


def entries(old: Old, twin: Twin) -> list[Entry]:
    """Everything a twin is given by its env files and its `environment`, in the order in which it wins."""
    found = [entry for file in twin.env_files for entry in of_file(old.folder / file)]
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
    return os.path.relpath(old.resolve() / path, new.resolve())  # pathlib's own walk_up needs Python 3.12


def _renamed(line: str, rename: Rename) -> str:
    match = _SET.match(line)
    return line[: match.start(2)] + rename(match[1], match[2]) + line[match.end(2) :] if match else line


def _as_env(value: str) -> str:
    """A value of a compose file as an env file has it: what Compose interpolated there, it interpolates here."""
    if "$" not in value.replace("$$", ""):
        return quoted(value.replace("$$", "$"))
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


def _head(environment: str) -> str:
    whose = f"Only {environment}." if environment else "The same in every environment; files of one win over this one."
    return f"# {whose} NAME=value, one a line. Mode 0600, and never in git.\n"
