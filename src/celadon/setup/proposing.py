"""From what was found and what was said to a workspace, and what of it had to be guessed. Pure: it asks nobody."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from celadon.config import values
from celadon.config.load import refuse_wrong
from celadon.config.outline import NAMES
from celadon.config.values import NAME
from celadon.errors import ConfigError, UsageError
from celadon.locale import _
from celadon.setup import composing, reading
from celadon.setup.facts import EnvironmentSketch, ServiceSketch, WorkspaceSketch
from celadon.setup.finding import Found, Seen, find
from celadon.setup.kinds import kind
from celadon.setup.naming import named
from celadon.setup.wishes import ENVIRONMENTS, NONE, Wishes

LOCAL = "localhost"


@dataclass(frozen=True)
class Guess:
    """Something that nobody said and no file tells: `service` "" is the workspace itself."""

    service: str
    key: str
    value: str
    why: str

    @property
    def flag(self) -> str:
        return f"--service {self.service},{self.key}={self.value}" if self.service else f"--{self.key} {self.value}"


@dataclass(frozen=True)
class Proposal:
    """What would be written, what each service's values come from, and what was guessed of it."""

    sketch: WorkspaceSketch
    found: tuple[Found, ...]
    guesses: tuple[Guess, ...]


def propose(seen: Seen, wishes: Wishes) -> Proposal:
    """The workspace that `seen` and `wishes` make. Raises UsageError for wishes that fit nothing or cannot be."""
    found = find(seen, wishes)
    guesses = [guess for one in found for guess in _guesses(one)]
    asked: dict[str, tuple[str, ...]] = {}
    for one in found:
        for variable in reading.wanted(one.folder):
            asked[variable] = (*asked.get(variable, ()), one.name)
    if seen.there:
        name, environments = seen.there.name, seen.there.environments
    else:
        name, environments = _name(seen, wishes), _environments(seen, wishes)
        if not wishes.public_host:
            why = _("the name by which users reach the server; it stands in `url`")
            guesses.insert(0, Guess("", "host", LOCAL, why))
    services = tuple(_sketch(one, wishes) for one in found)
    sketch = WorkspaceSketch(name, environments, services, wanted=asked)
    _refuse_what_cannot_be(sketch, seen, wishes)
    return Proposal(sketch, found, tuple(guesses))


def _refuse_what_cannot_be(sketch: WorkspaceSketch, seen: Seen, wishes: Wishes) -> None:
    """What Celadon would say of the file is said before it is written. Raises UsageError with all of it."""
    if not sketch.services:
        return
    problems = [
        _("services.{service}.x-celadon.route: {route} is the route of another service already").format(
            service=one.name, route=one.route
        )
        for one in sketch.services
        if seen.there and one.route in seen.there.routes and not one.host
    ]
    text = composing.document(replace(sketch, environments=_environments(seen, wishes)))
    try:
        refuse_wrong(text, sketch.name, Path(NAMES[0]), "staging")
    except ConfigError as error:
        problems += [f"{one.path}: {one.message}" for one in error.problems]
    if problems:
        raise UsageError(_("What was said cannot be so."), evidence=problems)


def _name(seen: Seen, wishes: Wishes) -> str:
    name = wishes.name or named(seen.name) or "workspace"
    if not NAME.fullmatch(name):
        raise UsageError(_("--name should be small letters, digits and hyphens, not {name!r}.").format(name=name))
    return name


def _environments(seen: Seen, wishes: Wishes) -> tuple[EnvironmentSketch, ...]:
    """Staging, and production that is promoted from it."""
    host = wishes.public_host or LOCAL
    made = []
    for name, free, source in zip(ENVIRONMENTS, seen.free, ("", ENVIRONMENTS[0]), strict=True):
        listen = wishes.listens.get(name) or str(free)
        port = listen.rpartition(":")[2]
        url = wishes.urls.get(name) or f"http://{host}" + ("" if port == "80" else f":{port}")
        made.append(EnvironmentSketch(name, (int(listen) if listen.isdigit() else listen,), url, source))
    return tuple(made)


def _guesses(one: Found) -> Iterator[Guess]:
    if not one.port.sure:
        usual = _("usual for {kind}").format(kind=one.made_with)
        why = usual if one.made_with else _("no file tells a port: a worker, whom nobody asks")
        yield Guess(one.name, "port", str(one.port.value or NONE), why)
    if one.port.value and not one.route.sure:
        yield Guess(one.name, "route", one.route.value or NONE, _("the prefix that users ask"))
    if one.route.value and not one.health.sure:
        why = _("in {file}").format(file=one.health.source) if one.health.source else _("no file tells a health path")
        yield Guess(one.name, "health", one.health.value, why)


def _sketch(one: Found, wishes: Wishes) -> ServiceSketch:
    usual, port = kind(one.folder), one.port.value
    lost = "Pages that link to /… lose the prefix: better tell the service of it, without strip_prefix."
    return ServiceSketch(
        one.name,
        build="." if one.folder.path == "." else f"./{_literal(one.folder.path)}",
        git_url=_literal(one.folder.url),
        git_branch=_literal(wishes.of(one.name, "branch") or one.folder.branch),
        port=port,
        route=one.route.value,
        host=wishes.of(one.name, "host"),
        health=one.health.value if one.route.value or wishes.of(one.name, "health") else "",
        strip_prefix=one.strip_prefix,
        strategy=wishes.of(one.name, "strategy") or ("" if port else "overlap"),
        mem_limit=_size(one.name, wishes.of(one.name, "mem_limit")) or usual.memory,
        remarks=(lost,) if one.strip_prefix and usual.pages else (),
    )


def _literal(text: str) -> str:
    """As Compose reads it: there a `$` begins a variable."""
    return text.replace("$", "$$")


def _size(name: str, said: str) -> str:
    try:
        values.size(said or "1m")
    except ValueError as problem:
        raise UsageError(f"--service {name},mem_limit=: {problem}") from None
    return said
