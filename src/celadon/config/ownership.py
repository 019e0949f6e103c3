"""Whose a file is: on a host with other users, what one of them put in the way is refused, not read."""

import grp
import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from celadon.errors import RefusedError
from celadon.locale import _

OTHERS = 0o002  # may write


def members_of(group: int) -> frozenset[int]:
    """The users that a group lists as its members."""
    try:
        names = grp.getgrgid(group).gr_mem
    except KeyError:
        return frozenset()
    found = set()
    for one in names:
        with suppress(KeyError):  # removed since, and still listed
            found.add(pwd.getpwnam(one).pw_uid)
    return frozenset(found)


def accepted(folder: Path, members: Callable[[int], frozenset[int]] = members_of) -> frozenset[int]:
    """The users whose files are used in `folder`: root, oneself, the folder's owner, and the members of its group if
    that may write to it.

    The owner of a folder that everybody may write to says nothing about what is in it.
    """
    found = folder.stat()
    own = {0, os.geteuid()}
    if found.st_mode & OTHERS:
        return frozenset(own)
    team = members(found.st_gid) if found.st_mode & stat.S_IWGRP else frozenset()
    return frozenset({*own, found.st_uid, *team})


def refuse_foreign(path: Path, users: frozenset[int]) -> None:
    """Raises RefusedError for what belongs to none of `users`, or is a link of somebody else's."""
    for found in (path.lstat(), path.stat()):
        if found.st_uid not in users:
            raise RefusedError(
                _("{path} is owned by {owner}; Celadon does not use another user's files.").format(
                    path=path, owner=name(found.st_uid)
                ),
                hint=_("If it is yours, change the owner: {command}").format(
                    command=f"sudo chown -R {name(os.geteuid())} {path}"
                ),
            )


def refuse_writable(folder: Path) -> None:
    """Raises RefusedError for a folder to which its group or everybody may write."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o022:
        raise RefusedError(
            _("Other users can write to {folder} (mode {mode}), so its contents cannot be trusted.").format(
                folder=folder, mode=f"{mode:04o}"
            ),
            hint=_("Check what was changed, then run: {command}").format(command=f"chmod -R go-rwx {folder}"),
        )


def is_safe_place(folder: Path) -> bool:
    """Whether what this user makes in it cannot be moved away by another: it is one's own, or sticky like /tmp."""
    try:
        found = folder.stat()
    except OSError:
        return False
    mine = found.st_uid in (0, os.geteuid())
    return mine and (not found.st_mode & 0o022 or bool(found.st_mode & stat.S_ISVTX))


def read_own(file: Path, limit: int) -> str:
    """The text of a regular file of this user's or root's, without following a link or waiting for anybody.

    Raises OSError, and ValueError for what it is not.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()) or found.st_size > limit:
            raise ValueError(file)
        return opened.read(limit).decode()


def name(uid: int) -> str:
    """A user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
