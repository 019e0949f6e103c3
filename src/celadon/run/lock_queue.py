"""The line before the host's lock: a ticket for each who waits, named by the time of arrival."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from celadon.errors import CeladonError, RefusedError
from celadon.locale import _
from celadon.run.lock_folder import LockFolder

STOPPED = 60.0  # seconds: whoever waits shows every POLL that it lives, unless it was stopped (Ctrl-Z)
TICKET = re.compile(r"[0-9]{20}-[0-9]{1,10}")


@contextmanager
def ticket(folder: LockFolder) -> Iterator[str]:
    """A place in the line, for as long as the body lasts and this process lives."""
    name = f"{time.time_ns():020}-{os.getpid()}"
    try:
        descriptor = folder.open(f".{name}", os.O_RDWR | os.O_CREAT | os.O_EXCL)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Only now: a ticket that nobody holds is taken for a dead one's.
        os.rename(f".{name}", name, src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor)
    except OSError as problem:
        words = _("Cannot join the queue for the host's lock in {folder}: {problem}.")
        hint = _("Check the free space and inodes: {command}").format(
            command=f"df -h {folder.path}; df -i {folder.path}"
        )
        raise CeladonError(words.format(folder=folder.path, problem=problem.strerror), hint=hint) from None
    try:
        yield name
    finally:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder.descriptor)
        os.close(descriptor)


def before(folder: LockFolder, name: str) -> int:
    """How many who live came before `name`; tickets of the dead are removed, those of the stopped passed over."""
    with suppress(OSError):
        os.utime(name, dir_fd=folder.descriptor, follow_symlinks=False)  # this one lives
    names = os.listdir(folder.descriptor)  # noqa: PTH208 (a path takes no descriptor)
    return sum(_waits(folder, other) for other in names if TICKET.fullmatch(other) and other < name)


def _waits(folder: LockFolder, name: str) -> bool:
    """Whether somebody waits with this ticket. What is no ticket of Celadon's is nobody's, and stays."""
    try:
        descriptor = folder.open(name)
    except (OSError, RefusedError):
        return False
    try:
        if time.time() - os.fstat(descriptor).st_mtime > STOPPED:
            return False
        if is_held(descriptor):
            return True
        with suppress(OSError):
            os.unlink(name, dir_fd=folder.descriptor)
        return False
    finally:
        os.close(descriptor)


def is_held(descriptor: int) -> bool:
    """Whether another process holds the open file's lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
