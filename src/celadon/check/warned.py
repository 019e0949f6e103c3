"""What Compose warns of while it renders the file, at its place. Its own words may quote a part of a password."""

import re
from collections.abc import Iterator, Sequence

from celadon.check.facts import WARNING, Facts, Finding, Rule
from celadon.config.checks import without_secrets
from celadon.config.positions import Place
from celadon.locale import _

UNSET = Rule(
    "compose/unset-variable", WARNING, _("Compose puts nothing in its place, and the service runs with that"),
    _("Set it in .env beside the compose file, or give it a default: {example}. A `$` of its own is written `$$`."),
)  # fmt: skip
DOLLAR = Rule(
    "env/dollar", WARNING, _("what follows the `$` is taken for the name of a variable, and lost"),
    _("Put the value in single quotes: {name}='…'"),
)  # fmt: skip
WORDS = Rule(
    "compose/warning", WARNING, _("Compose itself says so"), _("docker compose config says it again"),
)  # fmt: skip
DEFAULT = "${NAME:-default}"
SHOWN = (UNSET.name, DOLLAR.name, WORDS.name)  # those that a deployment tells one by one

_UNSET = re.compile(r'The "(\w+)" variable is not set\. Defaulting to a blank string\.')
_SETS = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=")


def findings(seen: Facts) -> Iterator[Finding]:
    """The warnings of all environments."""
    for words in dict.fromkeys(words for config in seen.environments for words in config.warnings):
        if unset := _UNSET.fullmatch(words):
            yield from _unset(seen, unset[1])
        else:
            text = without_secrets(words, seen.raw).removeprefix(f"{seen.raw.file}: ")
            named = re.search(r"attribute `(\w+)`", text)
            yield WORDS.at(seen.file, seen.raw.at((named[1],), key=True) if named else Place(1, 1), text)


def _unset(seen: Facts, name: str) -> Iterator[Finding]:
    """Every place that asks for the variable. What stands behind a bare `$` may be a piece of a password: not told."""
    asks = re.compile(rf"(?<!\$)(?:\$\$)*\$(?:\{{{name}\b|{name}(?!\w))")
    found = [*_in_compose_file(seen, name, asks), *_in_env_files(seen, asks)]
    if not found:
        what = _("a variable is not set that an included file asks for")
        found = [UNSET.at(seen.file, Place(1, 1), what, example=DEFAULT)]
    yield from found


def _in_compose_file(seen: Facts, name: str, asks: "re.Pattern[str]") -> Iterator[Finding]:
    for text, place in seen.raw.scalars(()):
        if asks.search(text):
            meant = f"${{{name}" in text or text == f"${name}"
            what = _("{name} is not set").format(name=name) if meant else _("a `$` names a variable that is not set")
            yield UNSET.at(seen.file, place, what, example=DEFAULT)


def _in_env_files(seen: Facts, asks: "re.Pattern[str]") -> Iterator[Finding]:
    for file in seen.env_files:
        for key, line in _asking(file.text.splitlines(), asks):
            what = _("{name}: a `$` in the value begins a variable that is not set").format(name=key)
            yield DOLLAR.at(file.file, Place(line, 1), what, name=key).about(file.services)


def _asking(lines: Sequence[str], asks: "re.Pattern[str]") -> Iterator[tuple[str, int]]:
    """The variables whose value asks for it, with their lines; a value in single quotes asks for nothing."""
    key, begun = "", 1
    for number, line in enumerate(lines, 1):
        if match := _SETS.match(line):
            key, begun = match[1], number
        value = line[match.end() :] if match else line
        if key and asks.search(value) and not value.lstrip().startswith("'") and not line.lstrip().startswith("#"):
            yield key, begun
