"""One deployment at a time on the whole host: a flock that dies with its holder and says who that is."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from celadon.errors import CeladonError, LockTimeout
from celadon.locale import _

FILE = Path("/run/lock/celadon.lock")
POLL = 0.25


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, for what, since when (ISO 8601, UTC)."""

    pid: int
    user: str
    workspace: str
    what: str
    since: str

    def __str__(self) -> str:
        return _("{user} (pid {pid}): {what} in {workspace}, since {since}").format(**asdict(self))


def holder() -> Holder | None:
    """Who holds the lock now; None when nobody does."""
    try:
        descriptor = os.open(FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(file.read())
        return None


@contextmanager
def held(me: Holder, timeout: float, waiting: Callable[[Holder | None], None]) -> Iterator[bool]:
    """Hold the host's lock; yields whether it had to be waited for. `waiting` is told for whom, once a holder.

    The descriptor is not inherited by children, so nothing outlives this process with the lock in its hands.
    Raises LockTimeout after `timeout` seconds.
    """
    with os.fdopen(_open(), "r+") as file:
        waited = _acquire(file.fileno(), timeout, waiting)
        file.truncate(0)
        file.write(json.dumps(asdict(me)))
        file.flush()
        try:
            yield waited
        finally:
            file.truncate(0)


def _open() -> int:
    """Open the lock file, making it for every user of the host.

    First without O_CREAT: in a sticky folder the kernel refuses to "create" what belongs to somebody else.
    """
    for flags in (0, os.O_CREAT | os.O_EXCL, 0):
        try:
            descriptor = os.open(FILE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o666)
        except (FileNotFoundError, FileExistsError):
            continue
        except OSError as problem:
            raise CeladonError(
                _("The host's lock {file} cannot be opened: {problem}.").format(file=FILE, problem=problem.strerror)
            ) from None
        if flags:
            os.fchmod(descriptor, 0o666)  # whatever the umask: every user of the host takes the same lock
        return descriptor
    raise CeladonError(_("The host's lock {file} cannot be made.").format(file=FILE))


def _acquire(descriptor: int, timeout: float, waiting: Callable[[Holder | None], None]) -> bool:
    end = time.monotonic() + timeout
    told: Holder | None = None
    first = True
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = _read(os.pread(descriptor, 4096, 0).decode(errors="replace"))
            if first or (other and other != told):
                waiting(other)
                told, first = other, False
            if time.monotonic() >= end:
                raise LockTimeout(
                    _("Another deployment runs, and did not end within {seconds:.0f} s.").format(seconds=timeout),
                    evidence=[str(other)] if other else (),
                    hint=_("Look at it: celadon status"),
                ) from None
            time.sleep(POLL)
        else:
            return not first


def _read(text: str) -> Holder | None:
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return None  # the holder is just writing its name
