"""What Compose says of a file, at the place that it is about, in words that say how to mend it.

Compose says one thing at a time, in English and mostly without a place. What no rule here knows is passed on as it is.
"""

import re
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path

from celadon.config import checks
from celadon.config.positions import Key, Positions, read, shown
from celadon.errors import CommandError, ConfigError, Problem
from celadon.locale import _


@dataclass(frozen=True)
class Rule:
    """Words of Compose, the path that they are about, and what is said there; `key`: of the key, not of its value.

    Path and words have the groups of the pattern; `{path}` is a path as Compose writes it.
    """

    pattern: str
    path: str
    words: str
    key: bool = False


_PATH = r"(?P<path>[\w-]+(?:[.\[][\w.\[\]-]*[\w\]])?)"
_CAST = rf"interpolating {_PATH}: failed to cast .*?"
_PARSED = r'\w*: parsing "(?P<value>.*)":'
_FILE = r"validating (?P<file>.+?): "
SAID = 2000  # characters of its words: the patterns below take long for very long ones
_SERVICE = r'service "(?P<service>[^"]+)"'

_RULES = (
    Rule(r"cycle detected: node at path (?P<path>\w+)", "{path}", _("an alias leads back to its own anchor"), key=True),
    Rule(rf"{_FILE}services additional properties '(?P<key>[^']+)'", "services.{key}",
         _("a service's name is made of letters, digits and . _ - only"), key=True),
    Rule(rf"{_FILE}{_PATH}? ?additional properties '(?P<key>[^']+)'", "{path}.{key}",
         _("Compose knows no such key here; keys of your own begin with x-"), key=True),
    Rule(rf"{_FILE}{_PATH} (?P<what>.*)", "{path}", "{what}"),
    Rule(rf"{_CAST}invalid boolean: (?P<value>.*)", "{path}", _("should be true or false, not {value!r}")),
    Rule(rf"{_CAST}Float{_PARSED}", "{path}", _("should be a number, not {value!r}")),
    Rule(rf"{_CAST}{_PARSED}", "{path}", _("should be a whole number, not {value!r}")),
    Rule(rf"interpolating {_PATH}: required variable (?P<name>\w+) is missing a value(?:: (?P<why>.*))?", "{path}",
         _("the variable {name} is not set; set it in the shell, or in a file .env beside this one: {why}")),
    Rule(rf"invalid interpolation format for {_PATH}[.\[\]]*\. You may .*? another \$\.? ?(?P<what>.*)", "{path}",
         _("`{what}` is no variable that Compose can put in; write $$ for a dollar sign that is meant")),
    Rule(rf"decoding failed due to the following error\(s\): '{_PATH}' (?P<what>.*)", "{path}", "{what}"),
    Rule(rf"{_SERVICE} refers to undefined (?P<kind>volume|network|secret|config) (?P<name>[^\s:]+)",
         "services.{service}.{kind}s", _("there is no {kind} `{name}`; define it at the top, below `{kind}s`")),
    Rule(rf'{_SERVICE} depends on undefined service "?(?P<name>[^\s":]+)', "services.{service}",
         _("`depends_on` or `links` names a service `{name}`, and there is none"), key=True),
    Rule(r"dependency cycle detected: (?P<service>\S+)", "services.{service}",
         _("needs itself, perhaps through other services"), key=True),
    Rule(r"Circular reference: +(?P<service>\S+) in", "services.{service}.extends", _("leads back to itself")),
    Rule(rf'cannot extend {_SERVICE} in .+?: service "(?P<name>[^"]+)" not found in (?P<other>\S+)',
         "services.{service}.extends", _("there is no service `{name}` in {other}")),
    Rule(rf'cannot extend {_SERVICE} in .+?: service "(?P<name>[^"]+)" not found', "services.{service}.extends",
         _("there is no service `{name}`")),
    Rule(rf"{_SERVICE} has neither an image nor a build context", "services.{service}", _("needs `build` or `image`"),
         key=True),
    Rule(rf"non-string key in {_PATH}: (?P<key>\S+)", "{path}.{key}", _("should be text: put it in quotation marks"),
         key=True),
    Rule(r"^`?(?P<path>[\w-]+)`? must be a mapping", "{path}", _("should be a mapping (`key: value` lines)")),
    Rule(r"^`?(?P<path>[\w-]+)`? must be a list", "{path}", _("should be a list")),
    Rule(rf"^{_PATH} +conflicts with imported resource", "{path}",
         _("stands in an included file as well; keep one of them"), key=True),
    Rule(r"(?P<before>.*?)(?P<path>(services|x-celadon)\.[\w.-]*\w)(?:: )?(?P<after>.*)", "{path}", "{before}{after}"),
    Rule(rf"(?P<what>.*{_SERVICE}.*)", "services.{service}", "{what}", key=True),
)  # fmt: skip


def of_compose(raw: Positions, error: CommandError) -> Problem:
    """The one problem that Compose's error is about."""
    words = " ".join(line.strip() for line in error.tail if line.strip() and "level=warning" not in line)
    words = checks.without_secrets(words or error.message, raw)[:SAID]
    if match := re.search(r"env file (?P<file>.+?) not found", words):
        what = _("there is no env file {file}; create it (mode 0600), or mark it `required: false`")
        return _env_file(raw, match["file"], what)
    if match := re.search(r"failed to read (?P<file>.+?): (?P<rest>.*)", words):
        return _refused(raw, match["file"], match["rest"])
    if match := re.search(r"failed to parse (?P<file>.+?): yaml: (?:line (?P<line>\d+): )?(?P<what>.*)", words):
        return _not_yaml(Path(match["file"]), int(match["line"] or 0), match["what"])
    if match := re.search(r"open (?P<file>.+?): no such file or directory", words):
        return _no_file(raw, Path(match["file"]))
    for rule in _RULES:
        if match := re.search(rule.pattern, words):
            return _said(raw, rule, {name: value or "" for name, value in match.groupdict().items()})
    return Problem(shown(raw.file), 0, 0, "", words)


def _said(raw: Positions, rule: Rule, groups: dict[str, str]) -> Problem:
    path: list[str] = []
    for part in rule.path.split("."):
        path += re.split(r"[.\[\]]+", groups["path"].strip("[]")) if part == "{path}" else [part.format(**groups)]
    words = rule.words.format(**groups).strip().removesuffix(":")
    return _named(raw, groups.get("file")).problem([part for part in path if part], words, key=rule.key)


def _named(raw: Positions, file: str | None) -> Positions:
    """The file that Compose names: the one at hand, or one that it includes or extends."""
    if file is None or Path(file) == raw.file or not checks.there(Path(file).is_file):
        return raw
    try:
        return read(Path(file))
    except ConfigError:
        return raw


def _refused(raw: Positions, file: str, why: str) -> Problem:
    """Compose's own words go on with the value that it could not read, so they are not passed on."""
    if checks.there(Path(file).is_dir):
        return _env_file(raw, file, _("{file} is a folder; an env file is a file of NAME=value lines"))
    words = _("is no env file that Compose can read: a quotation is not closed, or a line is no NAME=value; "
              "`celadon check` shows the line")  # fmt: skip
    if found := re.search(r"required variable (\w{1,40}) is missing", why):
        words = _("asks for the variable {name}, which is not set").format(name=found[1])
    elif re.search("invalid template", why, re.IGNORECASE):
        words = _("holds a `${` that is not closed; write $$ for a dollar sign that is meant")
    return Problem(shown(Path(file)), 0, 0, "", words)


def _not_yaml(file: Path, line: int, what: str) -> Problem:
    """A file that another one includes or extends."""
    try:
        read(file)
    except ConfigError as error:
        return error.problems[0]
    return Problem(shown(file), line, 1, "", _("is not YAML: {problem}").format(problem=what))


def _no_file(raw: Positions, file: Path) -> Problem:
    """A file that stands somewhere in this one."""
    words = _("there is no file {file}").format(file=shown(file))
    place = next((place for text, place in raw.scalars(()) if text and raw.file.parent / text == file), None)
    return Problem(shown(raw.file), place.line if place else 0, place.column if place else 0, "", words)


def _env_file(raw: Positions, file: str, words: str) -> Problem:
    """At the entry that, with `${...}` as wildcard, names the file."""
    words = words.format(file=shown(Path(file)))
    services = raw.data.get("services")
    for name, service in services.items() if isinstance(services, dict) else ():
        entries = service.get("env_file") if isinstance(service, dict) else None
        for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            text = entry.get("path") if isinstance(entry, dict) else entry
            if not isinstance(text, str):
                continue
            wild = ".*".join(re.escape(part) for part in re.split(r"\$\{[^}]*\}|\$\w+", text.removeprefix("./")))
            if re.fullmatch(rf"(.*/)?{wild}", file) or normpath(raw.file.parent / text) == file:
                below: tuple[Key, ...] = (number,) if isinstance(entries, list) else ()
                return raw.problem(("services", name, "env_file", *below), words)
    return Problem(shown(raw.file), 0, 0, "", words)
