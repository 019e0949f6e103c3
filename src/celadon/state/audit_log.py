"""The file of the audit log: entries are only ever appended, each in one write, and then synced to the disk."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celadon.state import audit_chain
from celadon.state.audit_chain import Verified
from celadon.state.layout import make_private

PATIENCE = 2.0  # seconds that a writer waits for another one, which needs milliseconds
TAIL = 1 << 20  # bytes in which the last entry is looked for


def append(file: Path, entry: Mapping[str, Any]) -> int:
    """Append an entry, and return its number. Raises OSError: the disk may be full, or the file somebody else's."""
    make_private(file.parent)
    with _opened(file, os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
        _lock(descriptor)
        size = os.fstat(descriptor).st_size
        if not size:
            _give_to_the_folders_owner(descriptor, file.parent)
        data = os.pread(descriptor, TAIL, max(0, size - TAIL))
        raws = data.split(b"\n")
        unfinished = raws.pop()  # "" after a line end: nothing was torn
        before, after = audit_chain.link_of(raws if not unfinished else [*raws, unfinished])
        whole = bool(unfinished) and not after  # only its line end is missing
        torn = b"\n".join([*raws, unfinished][len(raws) + 1 - after :]) if unfinished and not whole else b""
        line = audit_chain.line(entry, before, torn)
        written = os.write(descriptor, (b"\n" if unfinished else b"") + line + b"\n")
        if written < len(line) + 1:
            raise OSError(f"{file}: only {written} bytes could be written")
        os.fsync(descriptor)
        if not size:
            _sync(file.parent)
        return before.number + 1


def read(file: Path) -> Verified:
    """All entries, verified; none where there is no file. Raises OSError."""
    try:
        with _opened(file, os.O_RDONLY) as descriptor, os.fdopen(os.dup(descriptor), "rb") as opened:
            return audit_chain.verify(opened.read())
    except FileNotFoundError:
        return audit_chain.verify(b"")


@contextmanager
def _opened(file: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise OSError(f"{file}: not a regular file of its own")
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Nobody else appends meanwhile; a writer that was stopped must not stop a deployment."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def _give_to_the_folders_owner(descriptor: int, folder: Path) -> None:
    """Where root acts first, the owner of the workspace must be able to go on with the log."""
    if os.geteuid() == 0:
        found = folder.stat()
        os.fchown(descriptor, found.st_uid, found.st_gid)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
