"""The forms in which programs print a value: plain, base64, hexadecimal, and as URLs, JSON, YAML and shells have it.

Pure.
"""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

LINES = (76, 64)  # characters after which `base64` and PEM begin a new line
PIECE = 32  # characters: of each line of 64 that a long base64 text is broken into, one piece at least is whole
LEAST = 6  # characters of a form that is looked for
_SAME_EVERYWHERE = re.compile(r"[A-Za-z0-9_.-]*")


def forms(value: str) -> set[str]:
    """Every form of `value` but base64."""
    raw = _bytes(value).hex()
    found = {value, raw, raw.upper(), "".join(f"\\u{ord(letter):04x}" for letter in value if ord(letter) < 0x10000)}
    if not _SAME_EVERYWHERE.fullmatch(value):
        found |= _escaped_forms(value)
    return {one for one in found if len(one) >= LEAST}


def _escaped_forms(value: str) -> set[str]:
    url = {quote(value, safe=""), quote(value), quote_plus(value)}
    found = {html.escape(value), shlex.quote(value)[1:-1] if shlex.quote(value) != value else value}
    found |= url | {_lower_escapes(one) for one in url}
    found |= {escaped for ascii_ in (True, False) for escaped in _json_escapes(value, ascii_)}
    found |= {value.replace("'", "''"), _backslashed(value), value.replace("$", "$$")}
    if "\n" in value:
        found |= {value.replace("\n", "\r\n"), value.replace("\n", ""), value.replace("\n", " ")}
        found |= {one.replace("\\n", "\\\\n") for one in _json_escapes(value, True)}
    return found


def base64_forms(value: str) -> set[str]:
    """What stands in any base64 text that `value` is a part of, at all three alignments, in both alphabets.

    The first and the last character may belong to what stands next to it: whoever hides a form hides the whole word.
    """
    raw = _bytes(value)
    found: set[str] = set()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).decode()
        begin = (0, 2, 3)[shift]
        end = (len(raw) + shift) * 8 // 6
        found.update(_pieces(text[begin:end]))
    for whole in (raw, raw + b"\n"):
        text = base64.b64encode(whole).decode()
        found |= {text[at : at + width] for width in LINES for at in range(0, len(text), width) if len(text) > width}
    found |= {one.translate(_URL_SAFE) for one in found}
    return {one for one in found if len(one) >= LEAST}


_URL_SAFE = str.maketrans("+/", "-_")


def _pieces(text: str) -> Iterator[str]:
    if len(text) <= LINES[-1]:
        yield text
        return
    for at in range(0, len(text) - PIECE, PIECE):
        yield text[at : at + PIECE]
    yield text[-PIECE:]


def _json_escapes(value: str, ascii_: bool) -> Iterator[str]:
    """As JSON has it, with and without `\\/`, as Go writes it (`\\u0026`), in capitals, and in another JSON text."""
    text = json.dumps(value, ensure_ascii=ascii_)[1:-1]
    go = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    for one in (text, text.replace("/", "\\/"), go):
        yield one
        yield json.dumps(one, ensure_ascii=ascii_)[1:-1]
        if "\\u" in one:
            yield _upper_escapes(one)


def _upper_escapes(text: str) -> str:
    head, *rest = text.split("\\u")
    return head + "".join(f"\\u{part[:4].upper()}{part[4:]}" for part in rest)


def _lower_escapes(text: str) -> str:
    head, *rest = text.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)


def _backslashed(value: str) -> str:
    """As `printf %q` of bash writes it."""
    return "".join(one if one.isalnum() or one in "_-./:@%+," or ord(one) > 127 else f"\\{one}" for one in value)


def _bytes(value: str) -> bytes:
    return value.encode(errors="surrogatepass")
