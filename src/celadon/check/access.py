"""Who may read a file: its mode, its owner, and whom a container that sees it runs as."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from celadon.check.dockerfile import Dockerfile
from celadon.check.shell import commands

KNOWN: Mapping[str, tuple[int, int | None]] = {"root": (0, 0)}  # a user's name → its id, and its group's
READ, ENTER = 4, 1  # rights, as bits of a mode


@dataclass(frozen=True)
class Access:
    """Who may do what with a file or folder: its permission bits, and the ids of its owner and group."""

    mode: int
    owner: int = 0
    group: int = 0

    def lets(self, user: "User", bit: int) -> bool:
        """Whether `user` has the right `bit` (4 to read, 1 to go through); where the group is not known, it may."""
        if user.id == 0:
            return True
        if user.id == self.owner:
            return bool(self.mode & bit << 6)
        if user.group == self.group or (user.group is None and self.mode & bit << 3):
            return bool(self.mode & bit << 3)
        return bool(self.mode & bit)


@dataclass(frozen=True)
class User:
    """Whom a container runs as; `group` None where it is not known."""

    id: int
    group: int | None = None


@dataclass(frozen=True)
class Mount:
    """A file as a container sees it: the service, and the folders on the way from what is mounted to the file.

    `passing`: the whole workspace is mounted, or more (`/` for what measures the host): not for this file's sake.
    """

    service: str
    way: tuple[Access, ...] = ()
    passing: bool = False


OWNERS, EVERYBODYS = Access(0o600), Access(0o644)


def of(path: Path) -> Access:
    """Who may do what with a file or folder that is there."""
    found = path.stat()
    return Access(found.st_mode & 0o777, found.st_uid, found.st_gid)


def of_compose(definition: Mapping[str, Any]) -> User | None:
    """Whom the compose file lets a service run as; None where it does not say, or says a name that the image knows."""
    return _of_text(str(definition.get("user") or ""), KNOWN)


def of_image(dockerfile: Dockerfile, target: str) -> User | None:
    """Whom an image runs as by its own Dockerfile; None where only the base image knows."""
    stage = dockerfile.last(target)
    if stage is None:
        return None
    lineage = dockerfile.lineage(stage)
    named = dict(KNOWN)
    if lineage[0].base.rpartition("/")[2].partition(":")[0] == "node":
        named["node"] = (1000, 1000)
    users: list[str] = []
    for one in (i for s in lineage for i in s.body):
        if one.name == "USER":
            users.append(one.text)
        for command in commands(one) if one.name == "RUN" else ():
            if command.program in ("useradd", "adduser") and command.words:
                named |= _made(command.words)
    return _of_text(users[-1], named) if users else None


def _made(words: tuple[str, ...]) -> dict[str, tuple[int, int | None]]:
    """The user that `useradd -u 1001 app` makes, where its number is given."""
    for option, value in pairwise(words):
        if option in ("-u", "--uid") and value.isdecimal():
            return {words[-1]: (int(value), None)}
    return {}


def _of_text(text: str, named: Mapping[str, tuple[int, int | None]]) -> User | None:
    user, _colon, group = text.partition(":")
    known = (int(user), None) if user.isdecimal() else named.get(user)
    if known is None:
        return None
    return User(known[0], int(group) if group.isdecimal() else known[1])
