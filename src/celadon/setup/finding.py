"""Which folder is which service, its port, route and health path: what is said, what its files say, else a guess."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from celadon.config.values import NAME
from celadon.config.workspace import choose
from celadon.errors import UsageError
from celadon.locale import _
from celadon.setup import reading
from celadon.setup.existing import Existing
from celadon.setup.kinds import kind
from celadon.setup.naming import names
from celadon.setup.reading import Clue
from celadon.setup.scanning import Folder
from celadon.setup.wishes import NONE, Wishes

FRONT = ("web", "www", "frontend", "front", "site", "portal", "ui", "client", "app", "home")


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


def find(seen: Seen, wishes: Wishes) -> tuple[Found, ...]:
    """The services that the folders hold. Raises UsageError for wishes that fit none of them."""
    folders = _by_name(seen, wishes)
    ports = {name: _wished_port(wishes, name) or reading.port(folder) for name, folder in folders.items()}
    listening = {name: one for name, one in folders.items() if ports[name].value or wishes.of(name, "route")}
    routes = _routes(seen, wishes, listening)
    return tuple(
        _found(name, folder, ports[name], routes.get(name, Clue("")), wishes) for name, folder in folders.items()
    )


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


def _found(name: str, folder: Folder, port: Clue[int | None], route: Clue[str], wishes: Wishes) -> Found:
    """Its health path is below the route; the prefix is stripped where nothing in its files says that it knows it."""
    own = reading.base(folder, name).value
    health, prefix = reading.health(folder, own), route.value.rstrip("/")
    knows = own == route.value or bool(prefix and health.value.startswith(f"{prefix}/"))
    if knows:
        health = replace(health, value=health.value.removeprefix(prefix) or "/")
    if said := wishes.of(name, "health"):
        health = Clue(said)
    strip = _truth(name, said) if (said := wishes.of(name, "strip_prefix")) else not knows
    return Found(name, folder, port, route, health if port.value else Clue(""), bool(prefix) and strip)


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
    taken = "/" in {clue.value for clue in made.values()}
    front = "" if others or taken else _front(folders, made)
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


def _truth(name: str, said: str) -> bool:
    if said not in ("true", "false"):
        words = _("--service {name},strip_prefix= should be true or false, not {said!r}.")
        raise UsageError(words.format(name=name, said=said))
    return said == "true"
