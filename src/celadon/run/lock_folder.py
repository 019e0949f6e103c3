"""The folder with the host's lock: those who may use the engine can write in it, and nothing in it is trusted blindly.

It lies in a folder that every user of the host may write to. What another user put in its place, or into it, is
refused: it is never followed, waited for, or read without a limit.
"""

import grp
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import engine
from celadon.config import ownership
from celadon.errors import EngineError, RefusedError
from celadon.locale import _

FOLDER = Path("/run/lock/celadon")
LOCK = "lock"
LIMIT = 4096  # bytes of a file: more than the name of any holder takes
MODE = 0o2770  # files inside get the folder's group
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Trust:
    """Who may share the lock: root, this user, the engine's owner, and the group that may use the engine (if known)."""

    users: frozenset[int]
    group: int | None = None

    def covers(self, found: os.stat_result) -> bool:
        """Whether only they can have made it so: root, a member, or a folder of the group gives a group."""
        return not found.st_mode & 0o007 and (found.st_uid in self.users or found.st_gid == self.group)


@dataclass(frozen=True)
class LockFolder:
    """The open folder. Files are named relative to it, so that nobody can swap it meanwhile."""

    path: Path
    descriptor: int
    trust: Trust

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open a file of the folder. Raises FileNotFoundError; RefusedError for what should not be there."""
        try:
            descriptor = os.open(name, flags | _SAFELY, 0o660, dir_fd=self.descriptor)
        except (FileNotFoundError, FileExistsError):
            raise
        except OSError as problem:  # a link (ELOOP), a socket (ENXIO), a folder (EISDIR), a missing right
            raise self._refused(name, problem.strerror) from None
        if flags & os.O_CREAT:
            os.fchmod(descriptor, 0o660)  # whatever the umask: everybody who may deploy takes the same lock
        found = os.fstat(descriptor)
        if problem_found := self._problem(found):
            os.close(descriptor)
            if not found.st_nlink:
                raise FileNotFoundError(name)
            raise self._refused(name, problem_found)
        return descriptor

    def _problem(self, found: os.stat_result) -> str:
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            return _("not a regular file, or hard-linked")
        if found.st_size > LIMIT:
            return _("larger than {limit} bytes").format(limit=LIMIT)
        return "" if self.trust.covers(found) else _("owned by {owner}").format(owner=_owner(found))

    def _refused(self, name: str, reason: str | None) -> RefusedError:
        return RefusedError(
            _("The host's lock cannot be used: {file} was not created by Celadon ({reason}).").format(
                file=self.path / name, reason=reason
            ),
            hint=_("Remove it: {command}").format(command=f"sudo rm -rf {self.path / name}"),
        )


@contextmanager
def opened(*, make: bool = True) -> Iterator[LockFolder]:
    """The folder, made where it is missing (and `make` is set), closed at the end.

    Raises RefusedError where something else is in its place, or this user may not use the lock; FileNotFoundError
    where it is missing.
    """
    path, trust = _place()
    descriptor = _open(path, trust, make=make)
    try:
        yield LockFolder(path, descriptor, trust)
    finally:
        os.close(descriptor)


def group_name(group: int) -> str:
    """The group's name, or its number where it has none."""
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)


def engine_group() -> int | None:
    """The group that may use the engine of this host; None where the engine is not there, or a user's own."""
    path, trust = _place()
    return trust.group if path == FOLDER else None


def _place() -> tuple[Path, Trust]:
    """The folder and who is trusted. A user's own (rootless) engine has its lock beside its socket."""
    try:
        socket = Path(engine.socket_file()).resolve()
        found = socket.stat()
    except (OSError, EngineError):
        return FOLDER, Trust(frozenset({0, os.geteuid()}))
    users = frozenset({0, os.geteuid(), found.st_uid})
    return (socket.parent / "celadon" if found.st_uid else FOLDER), Trust(users, found.st_gid)


def _open(path: Path, trust: Trust, *, make: bool) -> int:
    if not make:
        return _open_existing(path, trust)
    for _attempt in range(3):  # somebody else may make it, or a reboot's cleanup remove it, at the same moment
        with suppress(FileNotFoundError):
            return _open_existing(path, trust)
        _make(path, trust.group)
    return _open_existing(path, trust)


def _open_existing(path: Path, trust: Trust) -> int:
    try:
        descriptor = os.open(path, os.O_DIRECTORY | _SAFELY)
    except FileNotFoundError:
        raise
    except OSError:
        raise _not_ours(path, trust, path.lstat()) from None
    found = os.fstat(descriptor)
    if not trust.covers(found):
        os.close(descriptor)
        raise _not_ours(path, trust, found)
    if trust.group not in (None, found.st_gid):  # made before the engine, and its group, were there
        with suppress(OSError):
            _give_to(descriptor, trust.group)
    return descriptor


def _make(path: Path, group: int | None) -> None:
    """It is there with its rights and the lock in it, or not at all: a folder with a file in it is not replaced."""
    fresh = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        fresh.mkdir(mode=0o700)
        descriptor = os.open(fresh, os.O_DIRECTORY | _SAFELY)
    except OSError as problem:
        raise _cannot_be_made(path, group, problem) from None
    try:
        _give_to(descriptor, group)
        os.close(os.open(LOCK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=descriptor))
        os.chmod(LOCK, 0o660, dir_fd=descriptor)
        fresh.rename(path)
    except OSError as problem:
        with suppress(OSError):
            os.unlink(LOCK, dir_fd=descriptor)
        fresh.rmdir()
        if not path.is_symlink() and not path.exists():  # nobody was quicker
            raise _cannot_be_made(path, group, problem) from None
    finally:
        os.close(descriptor)


def _give_to(folder: int, group: int | None) -> None:
    if group is not None:
        os.fchown(folder, -1, group)
    os.fchmod(folder, MODE)


def _cannot_be_made(path: Path, group: int | None, problem: OSError) -> RefusedError:
    name = group_name(group if group is not None else 0)
    return RefusedError(
        _("Cannot create {folder}, the folder of the host's lock: {problem}.").format(
            folder=path, problem=problem.strerror
        ),
        hint=_("Create it as root: {command}").format(
            command=f"sudo install -d -m {MODE:04o} -o root -g {name} {path}"
        ),
    )


def _not_ours(path: Path, trust: Trust, found: os.stat_result) -> RefusedError:
    if stat.S_ISDIR(found.st_mode) and trust.covers(found):
        group = group_name(found.st_gid)
        return RefusedError(
            _("You do not have permission to use the host's lock: {folder} is restricted to the group {group}.").format(
                folder=path, group=group
            ),
            hint=_("Add yourself to the group and log in again: {command}").format(
                command=f"sudo usermod -aG {group} {ownership.name(os.geteuid())}"
            ),
        )
    what = _("a folder") if stat.S_ISDIR(found.st_mode) else _("not a folder")
    return RefusedError(
        _(
            "The host's lock cannot be used: {path} was not created by Celadon ({what}, owned by {owner}, mode {mode})."
        ).format(path=path, what=what, owner=_owner(found), mode=f"{stat.S_IMODE(found.st_mode):04o}"),
        hint=_("Find out who created it, then remove it: {command}").format(command=f"sudo rm -rf {path}"),
    )


def _owner(found: os.stat_result) -> str:
    return f"{ownership.name(found.st_uid)}:{group_name(found.st_gid)}"
