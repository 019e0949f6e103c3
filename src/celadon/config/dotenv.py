"""Env files, as Compose reads them: a small reader that tells names and places, and a writer whose values come back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from celadon.config.positions import Place
from celadon.locale import _

_LINE = re.compile(r"(\s*)(export\s+)?(\w[\w.-]*)(\s*)([=:])([ \t]*)(.*)")
_BARE = re.compile(r"\s*(export\s+)?\w[\w.-]{0,39}")  # a variable that is passed on; what is longer is no name
_NEXT = re.compile(r"\s*(export\s+)?[A-Za-z_][\w.]*=(?!=*\s*$)")


@dataclass(frozen=True)
class Entry:
    """A variable of an env file; `empty`: it is set to nothing; `written` is all that sets it, as the file has it."""

    name: str
    place: Place
    empty: bool
    written: str = field(default="", repr=False)


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
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
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
        empty = value.strip() in ("", '""', "''") or value.startswith("#")
        entries.append(Entry(name, place, empty, "\n".join(lines[place.line - 1 : number])))
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


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:@%+,=-]*")
_VARIABLE = re.compile(r"(?<!\\)\$[A-Za-z_{]")
_ESCAPED, _MEANT = re.compile(r"\\(.)", re.DOTALL), {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"})


def written(values: Mapping[str, str]) -> str:
    """The text of an env file that gives exactly `values` when Compose reads it, a variable a line."""
    return "".join(f"{name}={quoted(value)}\n" for name, value in values.items())


def quoted(value: str) -> str:
    """A value as Compose reads it back, to the letter.

    Between double quotation marks, since Compose knows no way to end a value between single ones with a backslash.
    """
    return value if _PLAIN.fullmatch(value) else f'"{value.translate(_ESCAPES)}"'


def interpolates(entry: Entry) -> bool:
    """Whether Compose puts a variable into the value: a `$`, not escaped, and not between single quotation marks."""
    value = entry.written.partition("=")[2]
    return not value.lstrip().startswith("'") and bool(_VARIABLE.search(value))


def value_of(entry: Entry) -> str:
    """The value of a variable, without what Compose would put in for `$NAME`."""
    match = _LINE.match(entry.written)
    value = entry.written[match.start(7) :].strip() if match else ""
    if value[:1] in ("'", '"'):
        closing = _closing(value[1:], value[0])
        inner = value[1:] if closing is None else value[1 : 1 + closing]
        return inner if value[0] == "'" else _ESCAPED.sub(lambda one: _MEANT.get(one[1], one[1]), inner)
    return re.split(r"\s#", value, maxsplit=1)[0].strip()
