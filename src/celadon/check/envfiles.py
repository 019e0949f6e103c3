"""Rules of env files: a small reader of what Compose takes as one, and what is wrong in it. No value is ever told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from celadon.check.facts import ERROR, INFO, WARNING, EnvFile, Facts, Finding, Rule
from celadon.config.positions import Place
from celadon.locale import _

DUPLICATE = Rule(
    "env/duplicate-key", WARNING, _("the last one wins, whichever you edit"), _("Keep one of them."),
)  # fmt: skip
EMPTY = Rule(
    "env/empty-value", WARNING, _("many programs take an empty variable for one that is set"),
    _("Give it a value, or leave the line out."),
)  # fmt: skip
QUOTING = Rule(
    "env/quoting", ERROR, _("Compose refuses the file, or takes something else than you see"),
    _('NAME=value, or NAME="value with spaces", with nothing around it'),
)  # fmt: skip
MISSING = Rule(
    "env/missing-key", WARNING, _("the service may fail where it is missing, and only after the promote"),
    _("Add it to {files}, or to a file that both read."),
)  # fmt: skip

STOPPED = Rule(
    "env/not-checked", INFO, _("Compose reads none of the services until these env files are mended"),
    _("Mend what is said of them, and check again."),
)  # fmt: skip

_LINE = re.compile(r"(\s*)(export\s+)?(\w[\w.-]*)(\s*)([=:])([ \t]*)(.*)")
_BARE = re.compile(r"\s*(export\s+)?\w[\w.-]{0,39}")  # a variable that is passed on; what is longer is no name
_NEXT = re.compile(r"\s*(export\s+)?[A-Za-z_][\w.]*=(?!=*\s*$)")


@dataclass(frozen=True)
class Entry:
    """A variable of an env file; `empty`: it is set to nothing."""

    name: str
    place: Place
    empty: bool


@dataclass(frozen=True)
class Slip:
    """Something that is not well written; `broken`: Compose refuses it."""

    place: Place
    what: str
    broken: bool = False


def read(text: str) -> tuple[tuple[Entry, ...], tuple[Slip, ...]]:
    """The variables of an env file, and what is not well written in it.

    It ends at the first thing that Compose would refuse: what follows may be the rest of a key, and no name.
    """
    entries: list[Entry] = []
    slips: list[Slip] = []
    lines = text.removeprefix("\ufeff").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        place = Place(number, len(line) - len(line.lstrip()) + 1)
        if match is None:
            if not _BARE.fullmatch(line.rstrip()):
                return tuple(entries), (*slips, Slip(place, _("this line is no NAME=value"), broken=True))
            continue
        name, value = match[3], match[7]
        if match[4] or (match[6] and match[5] == "="):  # `NAME: value` is a form of its own
            slips.append(Slip(place, _("{name}: spaces around {sign}").format(name=name, sign=match[5])))
        if value.startswith("-----BEGIN"):
            what = _("{name}: a value of several lines needs quotation marks").format(name=name)
            return tuple(entries), (*slips, Slip(place, what, broken=True))
        if value[:1] in ("'", '"'):
            number, slip = _quoted(lines, number, name, place, value)
            slips += slip
            if any(one.broken for one in slip):
                break
        elif value.count('"') % 2 and not value.startswith("#"):
            slips.append(Slip(place, _("{name}: a quotation mark that has no second").format(name=name)))
        entries.append(Entry(name, place, empty=value.strip() in ("", '""', "''") or value.startswith("#")))
    return tuple(entries), tuple(slips)


def _quoted(lines: Sequence[str], number: int, name: str, place: Place, value: str) -> tuple[int, list[Slip]]:
    """The line after a quoted value, which may go over several; `number` is the one after its first."""
    mark, rest, end = value[0], value[1:], number
    unclosed = Slip(place, _("{name}: the quotation is not closed").format(name=name), broken=True)
    while (closing := _closing(rest, mark)) is None:
        if end == len(lines) or _NEXT.match(lines[end]):
            return end, [unclosed]
        rest = lines[end]
        end += 1
    behind = rest[closing + 1 :].strip()
    if behind and not behind.startswith("#"):
        return end, [Slip(place, _("{name}: something stands behind the quotation").format(name=name))]
    return end, []


def _closing(text: str, mark: str) -> int | None:
    """Where a quotation ends: at its mark, unless a backslash stands before it."""
    match = re.match(rf"(?:\\.|[^\\{mark}])*{mark}", text)
    return match.end() - 1 if match else None


def broken(file: EnvFile) -> bool:
    """Whether Compose would refuse the file."""
    return any(slip.broken for slip in read(file.text)[1])


def writing(file: EnvFile) -> Iterator[Finding]:
    """What is wrong within one file."""
    entries, slips = read(file.text)
    first: dict[str, int] = {}
    for entry in entries:
        if entry.name in first:
            what = _("{name} stands in line {line} already").format(name=entry.name, line=first[entry.name])
            yield DUPLICATE.at(file.file, entry.place, what)
        first.setdefault(entry.name, entry.place.line)
        if entry.empty:
            yield EMPTY.at(file.file, entry.place, _("{name} is empty").format(name=entry.name))
    for slip in slips:
        yield QUOTING.at(file.file, slip.place, slip.what, severity="" if slip.broken else WARNING)


def stopped(seen: Facts) -> Iterator[Finding]:
    """All that could be checked is the env files: Compose refuses them."""
    if not seen.environments:
        yield STOPPED.at(seen.file, Place(1, 1), _("the services were not checked"))


def missing(seen: Facts) -> Iterator[Finding]:
    """Variables that a service is given in one environment and not in another."""
    files = {file.path: file for file in seen.env_files}
    lacking: dict[tuple[str, Place, str, str], tuple[list[str], list[str]]] = {}
    for config in seen.environments:
        for other in seen.environments:
            for service in config.services:
                if other is config or service not in other.services:
                    continue
                theirs = names(other.services[service].definition)
                mine = seen.env_of.get((config.name, service), ())
                if any(broken(files[p]) for p in (*mine, *seen.env_of.get((other.name, service), ())) if p in files):
                    continue  # what Compose made of that are no names
                for name in sorted(names(config.services[service].definition) - theirs):
                    file, place = origin(seen, files, mine, service, name)
                    paths = [p for p in seen.env_of.get((other.name, service), ()) if p not in mine]
                    shown = [files[p].file for p in paths if p in files]
                    where, who = lacking.setdefault((file, place, name, other.name), ([], []))
                    where += [one for one in shown if one not in where]
                    who += [service] if service not in who else []
    for (file, place, name, environment), (where, who) in lacking.items():
        what = _("{name} is given to {services} here, but not in {environment}").format(
            name=name, services=", ".join(who), environment=environment)  # fmt: skip
        lacks = ", ".join(where) or _("an env file of {environment}").format(environment=environment)
        if where:
            what = _("{what}: {files} lacks it").format(what=what, files=lacks)
        yield MISSING.at(file, place, what, files=lacks)


def names(definition: Mapping[str, object]) -> set[str]:
    """The names of a service's variables, as Compose rendered it."""
    given = definition.get("environment")
    return set(given) if isinstance(given, dict) else set()


def origin(seen: Facts, files: Mapping[str, EnvFile], mine: Sequence[str], service: str, name: str
           ) -> tuple[str, Place]:  # fmt: skip
    """Where a service's variable comes from: the compose file, else the last of its env files that has it."""
    path = ("services", service, "environment")
    written = (((seen.raw.data.get("services") or {}).get(service) or {}).get("environment")) or {}
    if isinstance(written, dict) and name in written:
        return seen.file, seen.raw.at((*path, name), key=True)
    if isinstance(written, list):
        for number, word in enumerate(written):
            if str(word).partition("=")[0] == name:
                return seen.file, seen.raw.at((*path, number))
    for one in reversed(mine):
        found = [e for e in read(files[one].text)[0] if e.name == name] if one in files else []
        if found:
            return files[one].file, found[-1].place
    return seen.file, seen.raw.at(("services", service), key=True)
