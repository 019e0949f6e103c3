"""From what was found and what was said to a workspace, and what of it had to be guessed. Pure: it asks nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from celadon.config import values
from celadon.config.load import load_frozen
from celadon.config.outline import NAMES
from celadon.config.values import NAME
from celadon.config.workspace import choose
from celadon.errors import ConfigError, UsageError
from celadon.locale import _
from celadon.setup import composing, reading
from celadon.setup.existing import Existing
from celadon.setup.facts import EnvironmentSketch, ServiceSketch, WorkspaceSketch
from celadon.setup.kinds import kind
from celadon.setup.naming import named, names
from celadon.setup.reading import Clue
from celadon.setup.scanning import Folder
from celadon.setup.wishes import ENVIRONMENTS, NONE, Wishes

FRONT = ("web", "www", "frontend", "front", "site", "portal", "ui", "client", "app", "home")
LOCAL = "localhost"


@dataclass(frozen=True)
class Seen:
    """What was found. `name` is the workspace's folder's; `free` are ports for staging and production; `without` are
    folders that look like a service and have no Dockerfile."""

    name: str
    folders: tuple[Folder, ...]
    without: tuple[str, ...]
    free: tuple[int, int]
    there: Existing | None = None


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
class Found:
    """A service that a folder holds, and where its values stand."""

    name: str
    folder: Folder
    port: Clue[int | None]
    route: Clue[str]
    health: Clue[str]
    strip_prefix: bool

    @property
    def made_with(self) -> str:
        return kind(self.folder).name


@dataclass(frozen=True)
class Proposal:
    """What would be written, what each service's values come from, and what was guessed of it."""

    sketch: WorkspaceSketch
    found: tuple[Found, ...]
    guesses: tuple[Guess, ...]


def propose(seen: Seen, wishes: Wishes) -> Proposal:
    """The workspace that `seen` and `wishes` make. Raises UsageError for wishes that fit nothing or cannot be."""
    folders = _by_name(seen, wishes)
    found = _found(seen, wishes, folders)
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
    return Proposal(sketch, tuple(found), tuple(guesses))


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
        load_frozen(text, sketch.name, Path(), Path(NAMES[0]), "staging")
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


def _by_name(seen: Seen, wishes: Wishes) -> dict[str, Folder]:
    """Services by name: as the operator called them, or else the first of their names that is free."""
    by_path = {one.path: one for one in seen.folders}
    given = {}
    for name, keys in wishes.services.items():
        if not NAME.fullmatch(name):
            words = _("--service: a name should be small letters, digits and hyphens, 40 at most, not {name!r}.")
            raise UsageError(words.format(name=name))
        if "folder" in keys:
            path = keys["folder"].removeprefix("./").rstrip("/")
            given[choose(path, by_path, _("folder with a Dockerfile"))] = name
    taken = {*given.values(), *(seen.there.services if seen.there else ())}
    made: dict[str, Folder] = {}
    for path, folder in by_path.items():
        name = given.get(path) or next((n for n in names(folder, seen.name) if n not in taken), "")
        if not name:
            raise UsageError(
                _("No name can be made for the service in {folder}.").format(folder=path),
                hint=_("Name it: --service NAME,folder={folder}").format(folder=path),
            )
        taken.add(name)
        made[name] = folder
    for name in wishes.services:
        if seen.there and name in seen.there.services:
            words = _("{service} is in {file} already: change it there.")
            raise UsageError(words.format(service=name, file=seen.there.file))
        choose(name, made, _("service"))
    return made


def _found(seen: Seen, wishes: Wishes, folders: dict[str, Folder]) -> list[Found]:
    ports = {name: _wished_port(wishes, name) or reading.port(folder) for name, folder in folders.items()}
    routes = _routes(seen, wishes, {name: folder for name, folder in folders.items() if ports[name].value})
    made = []
    for name, folder in folders.items():
        route, own = routes.get(name, Clue("")), reading.base(folder, name).value
        clue = reading.health(folder, own)
        prefix = route.value.rstrip("/")
        knows = own == route.value or bool(prefix and clue.value.startswith(f"{prefix}/"))
        if knows:
            clue = replace(clue, value=clue.value.removeprefix(prefix) or "/")
        health = Clue(said) if (said := wishes.of(name, "health")) else clue
        strip = _truth(name, said) if (said := wishes.of(name, "strip_prefix")) else not knows
        made.append(Found(name, folder, ports[name], route, health if ports[name].value else Clue(""),
                          bool(prefix) and strip))  # fmt: skip
    return made


def _wished_port(wishes: Wishes, name: str) -> Clue[int | None] | None:
    said = wishes.of(name, "port")
    if not said:
        return None
    if said != NONE and not said.isdigit():
        raise UsageError(_("--service {name},port= should be a number or none, not {said!r}.").format(
            name=name, said=said))  # fmt: skip
    return Clue(None if said == NONE else int(said))


def _routes(seen: Seen, wishes: Wishes, folders: dict[str, Folder]) -> dict[str, Clue[str]]:
    """As the operator says, as the service itself says, or else: / for the one that people open, /name for others."""
    made: dict[str, Clue[str]] = {}
    for name, folder in folders.items():
        if said := wishes.of(name, "route"):
            made[name] = Clue("" if said == NONE else said)
        elif (base := reading.base(folder, name)).value:
            made[name] = base
    others = seen.there.routes if seen.there else frozenset[str]()
    front = "" if "/" in {*others, *(clue.value for clue in made.values())} else _front(folders, made)
    alone = len(folders) == 1 and not others
    for name in folders:
        if name not in made:
            made[name] = Clue("/" if name == front else f"/{name}", sure=alone)
    return made


def _front(folders: dict[str, Folder], made: dict[str, Clue[str]]) -> str:
    """The one service that people would open first, "" where there is none or more than one."""
    left = [name for name in folders if name not in made]
    ways: Sequence[list[str]] = (
        left,
        [name for name in left if name in FRONT or folders[name].path.rpartition("/")[2].lower() in FRONT],
        [name for name in left if kind(folders[name]).pages],
    )
    return next((way[0] for way in ways if len(way) == 1), "")


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
    remarks = []
    if one.strip_prefix and usual.pages:
        remarks.append("Pages that link to /… lose the prefix: better tell the service of it, without strip_prefix.")
    if not one.folder.checkout:
        remarks.append("Not in git yet: deploys build commits.")
    return ServiceSketch(
        one.name,
        build="." if one.folder.path == "." else f"./{one.folder.path}",
        git_url=one.folder.url,
        git_branch=wishes.of(one.name, "branch") or one.folder.branch,
        port=port,
        route=one.route.value,
        host=wishes.of(one.name, "host"),
        health=one.health.value if one.route.value else "",
        strip_prefix=one.strip_prefix,
        strategy=wishes.of(one.name, "strategy") or ("" if port else "overlap"),
        mem_limit=_size(one.name, wishes.of(one.name, "mem_limit")) or usual.memory,
        remarks=tuple(remarks),
    )


def _size(name: str, said: str) -> str:
    try:
        values.size(said or "1m")
    except ValueError as problem:
        raise UsageError(f"--service {name},mem_limit=: {problem}") from None
    return said


def _truth(name: str, said: str) -> bool:
    if said not in ("true", "false"):
        words = _("--service {name},strip_prefix= should be true or false, not {said!r}.")
        raise UsageError(words.format(name=name, said=said))
    return said == "true"
