"""What a folder's files say of the service in it: its port, its health path, the prefix it answers below."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from celadon.check.dockerfile import Instruction, parse
from celadon.config.values import ROUTE
from celadon.setup.kinds import kind
from celadon.setup.scanning import SOURCES, Folder

T = TypeVar("T")
_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::(\d+))?(/[\w./~-]*)?")
_PORT_FLAG = re.compile(r"(?:--(?:port|server\.port|bind)|-[pb]|PORT=|runserver)[\s=]*(?:[\d.]*:)?(\d{2,5})\b")
_PORT_READ = re.compile(
    r"process\.env\.PORT\s*(?:\|\||\?\?)\s*[\"']?(\d{2,5})"
    r"|(?:environ\.get|getenv)\([\"']PORT[\"'],\s*[\"']?(\d{2,5})"
    r"|\.listen\((\d{2,5})\b"
)
_SERVER_PORT = re.compile(
    r"(?m)^server\.port[ \t]*=[ \t]*(?:\$\{\w+:)?(\d{1,5})\b"
    r"|^server:[ \t]*\n(?:[ \t].*\n)*?[ \t]+port:[ \t]*(?:\$\{\w+:)?(\d{1,5})\b"
)
_HEALTH = re.compile(
    r"(?P<served>(?:\.\w+|Mapping|path|HandleFunc)\(\s*(?:\w+\s*=\s*)?f?[\"'`](?:\$?\{\w+\})?)?(?<=[\"'`}])"
    r"(?P<path>/(?:[\w-]+/){0,2}(?:healthz?|health-?check|livez|readyz|ping))/?[\"'`]"
)
_HEALTH_FILE = re.compile(r"(?:^|/)(?:app|pages)/((?:[\w-]+/)*health[\w-]*)(?:/route)?\.[jt]sx?$")
_MOUNTED = re.compile(r"(?:\.use\(|\bprefix\s*=|RequestMapping\()\s*f?[\"'`](?:\$?\{\w+\})?(/[\w/-]+)[\"'`]")
_BASE = re.compile(
    r"basePath\s*:\s*[\"'](/[\w/-]+)[\"']|root_path\s*=\s*[\"'](/[\w/-]+)[\"']|--root-path[\s=](/[\w/-]+)"
    r"|context-path\s*[:=]\s*(/[\w/-]+)"
)
_PREFIX = re.compile(r"(?i)\b\w*(?:prefix|base_?path|base_?url)\s*[:=]\s*[\"'`](/[\w/-]+)[\"'`]")
_PREFIXES = ("BASE_PATH", "PREFIX", "ROUTE_PREFIX", "ROOT_PATH", "CONTEXT_PATH", "SERVER_SERVLET_CONTEXT_PATH")
_NAME = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=")
_NOT_ASKED = ("PORT", "NODE_ENV", "HOSTNAME", "HOST")


@dataclass(frozen=True)
class Clue(Generic[T]):
    """A value, and where it stands. `sure`: the service itself says so; else somebody should look at it."""

    value: T
    source: str = ""
    sure: bool = True


def port(folder: Folder) -> Clue[int | None]:
    """Where the service listens in its container; None where nothing says that it listens at all."""
    return next(_ports(folder), Clue(kind(folder).port, kind(folder).name, sure=False))


def _ports(folder: Folder) -> Iterator[Clue[int | None]]:
    image = list(_image(folder))
    for one in image:
        if one.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK") and (found := _number(_words(one))):
            yield Clue(found, _place(one))
    for one in image:
        if one.name == "ENV" and (match := re.search(r"\bPORT[\s=]+[\"']?(\d{1,5})\b", one.text)):
            yield Clue(int(match[1]), _place(one))
    for one in image:
        if one.name == "EXPOSE" and (match := re.match(r"(\d{1,5})(/tcp)?(\s|$)", one.text)):
            yield Clue(int(match[1]), _place(one))
    for name, text in folder.texts.items():
        if name == "package.json" and (match := _PORT_FLAG.search(_start(text))):
            yield Clue(int(match[1]), name)
        if name.rpartition("/")[2].startswith("application.") and (match := _SERVER_PORT.search(text)):
            yield Clue(int(match[1] or match[2]), name)
    read = {int(next(filter(None, match.groups()))): name for name, match in _in_sources(folder, _PORT_READ)}
    if len(read) == 1:
        yield Clue(*read.popitem())


def health(folder: Folder, base: str) -> Clue[str]:
    """The path that says whether the service is ready; `base`, the prefix that it answers below, may begin it."""
    for one in _image(folder):
        if one.name == "HEALTHCHECK" and (match := _URL.search(_words(one))):
            return Clue(match[2] or "/", _place(one))
    for name in folder.texts:
        if match := _HEALTH_FILE.search(name):
            return Clue(f"/{match[1]}", name)
    usual = kind(folder)
    if usual.health:
        return Clue(usual.health, usual.name)
    return _served_health(folder, base)


def _served_health(folder: Folder, base: str) -> Clue[str]:
    """A path in the source that reads like one; what is mounted below another path may be somewhere else."""
    found = [Clue(match["path"], name, sure=bool(match["served"])) for name, match in _in_sources(folder, _HEALTH)]
    best = min(found, key=lambda one: (not one.sure, "health" not in one.value, len(one.value)), default=None)
    if best is None:
        return Clue("/", sure=False)
    mounts = {match[1] for _name, match in _in_sources(folder, _MOUNTED)} - {base}
    below = "/api" if "/api" in mounts and not best.value.startswith("/api/") else ""
    return Clue(below + best.value, best.source, sure=best.sure and not mounts)


def base(folder: Folder, name: str) -> Clue[str]:
    """The prefix that the service itself answers below, "" where it says none."""
    for one in _image(folder):
        for variable in _PREFIXES if one.name == "ENV" else ():
            match = re.search(rf"\b{variable}[\s=]+[\"']?(/[\w/.~-]+)", one.text)
            if match and ROUTE.fullmatch(match[1]):
                return Clue(match[1], _place(one))
    for file, text in folder.texts.items():
        if (match := _BASE.search(text)) and ROUTE.fullmatch(found := next(filter(None, match.groups()))):
            return Clue(found, file)
    prefixes = ((match[1], file) for file, match in _in_sources(folder, _PREFIX))
    return next((Clue(*found) for found in prefixes if name.endswith(found[0][1:])), Clue(""))


def wanted(folder: Folder) -> tuple[str, ...]:
    """Variables that an example of an env file asks for: only their names."""
    files = (text for name, text in folder.texts.items() if "/" not in name and "env." in name)
    found = dict.fromkeys(name for text in files for name in _NAME.findall(text))
    return tuple(name for name in found if name not in _NOT_ASKED)


def _image(folder: Folder) -> Iterator[Instruction]:
    """The instructions that the image is made of, the last first: later ones win."""
    parsed = parse(folder.texts["Dockerfile"])
    last = parsed.last()
    for stage in reversed(parsed.lineage(last) if last else ()):
        yield from reversed(stage.body)


def _words(one: Instruction) -> str:
    """A command in one line; HEALTHCHECK has its form behind CMD."""
    return re.sub(r"[\[\]\",]+", " ", one.text)


def _number(words: str) -> int | None:
    match = _URL.search(words) or _PORT_FLAG.search(words)
    return int(match[1]) if match and match[1] else None


def _place(one: Instruction) -> str:
    return f"Dockerfile:{one.place.line} {one.name}"


def _start(package: str) -> str:
    try:
        return str((json.loads(package).get("scripts") or {}).get("start") or "")
    except (ValueError, AttributeError, RecursionError):
        return ""


def _in_sources(folder: Folder, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for name, text in folder.texts.items():
        if name.endswith(SOURCES):
            for match in pattern.finditer(text):
                yield name, match
