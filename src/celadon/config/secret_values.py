"""Which values are hidden in what Celadon writes and shows: decided by value, not by name alone. Pure.

The rule: every value of a variable is hidden, unless it is shorter than six characters, a number, a switch, a name of
the workspace, a host, port, path or address without login, a common word, or stands in clear in the Compose file.
Values of variables that are named as secrets are hidden with fewer exceptions, and from four characters on.
"""

import json
import re
from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote

from celadon.config.readable_values import is_common, is_readable, is_well_known_path, looks_random
from celadon.config.secret_names import names_a_secret, words_of

LEAST = 6  # characters of a value that is hidden
NAMED_LEAST = 4  # of one whose name says that it is a secret, and then only as a whole word
LEAVES = 1000  # texts of one JSON value that are looked at

_LOGIN = re.compile(r"://([^/\s]*)@")
_PAIR = re.compile(r"([A-Za-z][\w -]*?)\s*=\s*([^;&\s]+)")
_FRAME = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")  # of a PEM


def secret_parts(name: str, value: str, names: Container[str] = (), clear: Container[str] = ()) -> Iterator[str]:
    """The texts to hide of a variable's value: all of it, its lines, passwords in addresses, texts of a JSON document.

    `names` are those of the workspace, `clear` is what stands in clear in its Compose file.
    """
    value = value.strip()
    if len(value) < NAMED_LEAST or "PUBLIC" in words_of(name):
        return
    yield from _logins(value)
    yield from _pairs(value)
    if value[0] in "{[":
        for key, text in islice(_leaves(name, _parsed(value)), LEAVES):
            yield from secret_parts(key, text, names, clear)
    if "\n" in value:
        yield value
    for line in value.splitlines():
        if is_hidden(name, line.strip(), names, clear):
            yield line.strip()


def is_hidden(name: str, text: str, names: Container[str] = (), clear: Container[str] = ()) -> bool:
    """Whether one line of a variable's value is hidden as a whole."""
    named = names_a_secret(name)
    if len(text) < (NAMED_LEAST if named else LEAST) or is_common(text) or _FRAME.fullmatch(text):
        return False
    if _LOGIN.search(text):
        return looks_random(_LOGIN.sub("://", text))  # its password is hidden by itself; the host is worth reading
    if named:
        return not is_well_known_path(text) and text not in names
    return text not in clear and not is_readable(name, text, names)


def login_parts(address: str) -> Iterator[str]:
    """What of the login in an address is secret: the password, or a user without one."""
    for match in _LOGIN.finditer(address):
        user, colon, password = match[1].partition(":")
        yield from (text for text in ((user, password) if looks_random(user) else (password if colon else user,)))


def _logins(value: str) -> Iterator[str]:
    """As they are written, and as programs see them."""
    for part in login_parts(value):
        if len(part) >= NAMED_LEAST and not is_common(part) and (looks_random(part) or f":{part}@" in value):
            yield from {part, unquote(part)}


def _pairs(value: str) -> Iterator[str]:
    """Secrets in `Server=db;Password=…`, `host=db password=…` and `?password=…`."""
    for key, text in _PAIR.findall(value):
        if names_a_secret(key) and len(text) >= NAMED_LEAST and not is_common(text):
            yield text.strip("'\"")


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text within a JSON value, with the key that it stands under."""
    stack = [(name, value)]
    while stack:
        key, one = stack.pop()
        if isinstance(one, Mapping):
            stack += [(str(inner), part) for inner, part in one.items()]
        elif isinstance(one, list):
            stack += [(key, part) for part in one]
        elif isinstance(one, str) and one:
            yield key, one
