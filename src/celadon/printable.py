"""Text from elsewhere (commits, images, services, registries) made safe to print: what controls a terminal is removed.

Applied when text is written to a log or to the record, and again when it is shown. Pure.
"""

import re

# String controls (OSC: titles, links, clipboard; DCS, SOS, PM, APC), then CSI (colours, cursor), then short escapes.
# None reaches over the beginning of another one: searching each for its end would take time by the square of a line.
_STRING = r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n\x9d\x90\x98\x9e\x9f]*+(?:\x07|\x1b\\|\x9c)"
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
_SHORT = r"\x1b[ -/]*[0-~]"
# What shows nothing, or turns the text around: bidirectional controls, zero-width characters, fillers, tags.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
# Joiners belong into emoji and into several scripts; next to ASCII they only hide, as many as there are in a row.
_JOINER = r"(?<![^\x00-\x7f])[\u200c\u200d]++|(?<![\u200c\u200d])[\u200c\u200d]++(?![^\x00-\x7f])"

_REMOVED = re.compile(f"{_STRING}|{_CSI}|{_SHORT}|[{_CONTROL}{_INVISIBLE}]")
_STRAY_JOINER = re.compile(_JOINER)
_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
_SEPARATOR = re.compile("[\u2028\u2029]")  # line ends to some programs and not to others
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: cannot be written as UTF-8
_RESET = "\x1b[0m"
_SPACES = str.maketrans("\t\n", "  ")

HIDDEN = "***"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)(?!\*\*\*@)[^@\s/]+@")
_TOKEN = re.compile(r"(https?://)[^:/@\s]{16,}@")


def printable(text: str) -> str:
    """`text` without what a terminal would obey, hide or reverse instead of showing it. Tabs and line feeds stay."""
    if text.isascii() and text.isprintable():
        return text
    seen = _SURROGATE.sub("\ufffd", _SEPARATOR.sub(" ", _REMOVED.sub("", text)))
    return _STRAY_JOINER.sub("", seen)


def one_line(text: str) -> str:
    """`text` as a part of one line: as `printable`, with spaces for tabs and line ends."""
    return printable(text).translate(_SPACES)


def coloured(line: str) -> str:
    """One line for a terminal: as `printable`, but its colours stay, and end with it."""
    if line.isascii() and line.isprintable():
        return line
    parts = _COLOUR.split(line.replace("\r\n", "\n").replace("\r", "\n"))
    text = "".join(part if place % 2 else printable(part) for place, part in enumerate(parts))
    return f"{text}{_RESET}" if len(parts) > 1 else text


def without_passwords(text: str) -> str:
    """`text` without passwords in addresses, nor users in http addresses that are long enough for a token."""
    return _TOKEN.sub(rf"\1{HIDDEN}@", _PASSWORD.sub(rf"\1{HIDDEN}@", text)) if "://" in text else text


def escaped(document: str) -> str:
    """A JSON document with the same content, in which `\\u` escapes stand for what `printable` would change.

    JSON allows no control characters outside of its strings but white space, so every other one is inside of one.
    """
    return "".join(map(_escape, document)) if printable(document) != document else document


def _escape(letter: str) -> str:
    if letter.isascii() and letter != "\x7f":
        return letter
    if letter not in "\u200c\u200d" and printable(letter) == letter:
        return letter
    number = ord(letter)
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
