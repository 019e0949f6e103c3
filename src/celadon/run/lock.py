"""One deployment at a time on the whole host: a flock that dies with its holder, says who that is, is had in turn."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from celadon.errors import CeladonError, LockTimeout
from celadon.locale import _

FILE = Path("/run/lock/celadon.lock")
QUEUE = Path("/run/lock/celadon.queue")  # a ticket for each who waits, named by the time of arrival
POLL = 0.25
AGAIN = 8.0  # seconds after which whoever waits is told how far the holder is: before the terminal fills the silence
STOPPED = 60.0  # seconds: whoever waits shows every POLL that it lives, unless it was stopped (Ctrl-Z)
MOST = 1024  # bytes: as long as the longest name of a holder, so that one write replaces another


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, for what, since when (ISO 8601, UTC), and the step that runs ("" before the first)."""

    pid: int
    user: str
    workspace: str
    what: str
    since: str
    step: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return _("just starting")
        told = _("{user} (pid {pid}): {what} in {workspace}, since {since}").format(**asdict(self))
        return f"{told}, {self.step}" if self.step else told


class Held:
    """The lock in this process's hands. `waited`: somebody else had it first."""

    def __init__(self, file: IO[str], me: Holder, *, waited: bool) -> None:
        self._file, self._me, self.waited = file, me, waited
        self.say("")

    def say(self, step: str) -> None:
        """Let whoever waits see how far it is."""
        text = json.dumps(asdict(replace(self._me, step=step))).encode()
        with suppress(OSError):  # spectators are not worth a deployment, should /run be full
            os.ftruncate(self._file.fileno(), os.pwrite(self._file.fileno(), text.ljust(MOST), 0))


def holder() -> Holder | None:
    """Who holds the lock now; None when nobody does."""
    try:
        descriptor = os.open(FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor) as file:
        if _is_free(file.fileno()):
            return None
        return _read(file.read()) or Holder(0, "", "", "", "")


@contextmanager
def held(me: Holder, timeout: float, waiting: Callable[[Holder | None, int], None]) -> Iterator[Held]:
    """Hold the host's lock, in the order of arrival.

    `waiting` is told for whom, and how many are before this one (1 is the holder), as often as that changes, and every
    AGAIN seconds where the holder's step did. The descriptors are not inherited by children, so nothing outlives this
    process with the lock in its hands. Raises LockTimeout after `timeout` seconds.
    """
    with os.fdopen(_open(), "r+") as file:
        with _ticket() as ticket:
            waited = _acquire(file.fileno(), ticket, timeout, waiting)
        try:
            yield Held(file, me, waited=waited)
        finally:
            with suppress(OSError):
                os.ftruncate(file.fileno(), 0)


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
            raise _unusable(FILE, problem) from None
        if flags:
            os.fchmod(descriptor, 0o666)  # whatever the umask: every user of the host takes the same lock
        return descriptor
    raise CeladonError(_("The host's lock {file} cannot be made.").format(file=FILE))


def _unusable(file: Path, problem: OSError) -> CeladonError:
    return CeladonError(
        _("The host's lock {file} cannot be opened: {problem}.").format(file=file, problem=problem.strerror)
    )


@contextmanager
def _ticket() -> Iterator[Path]:
    """A place in the line, for as long as the body lasts and this process lives."""
    try:
        if not QUEUE.is_dir():
            _make_queue()
        name = f"{time.time_ns():020}-{os.getpid()}"
        fresh, ticket = QUEUE / f".{name}", QUEUE / name
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        os.fchmod(descriptor, 0o644)  # whatever the umask: every user of the host must see that it is held
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        fresh.rename(ticket)  # only now: a ticket that nobody holds is taken for a dead one's
    except OSError as problem:
        raise _unusable(QUEUE, problem) from None
    try:
        yield ticket
    finally:
        ticket.unlink(missing_ok=True)
        os.close(descriptor)


def _make_queue() -> None:
    """Everybody may come, nobody may take away another's; it is there with these rights or not at all."""
    fresh = QUEUE.with_name(f".{QUEUE.name}-{os.getpid()}")
    fresh.mkdir()
    fresh.chmod(0o1777)
    try:
        fresh.rename(QUEUE)
    except OSError:  # somebody was quicker
        fresh.rmdir()


def _before(ticket: Path) -> int:
    """How many who live came before; tickets of the dead are taken away, those of the stopped passed over."""
    living = 0
    with suppress(OSError):
        os.utime(ticket)  # this one lives
    for name in os.listdir(QUEUE):  # noqa: PTH208 (names are compared)
        if name.startswith(".") or name >= ticket.name:
            continue
        with suppress(OSError):
            if time.time() - (QUEUE / name).stat().st_mtime > STOPPED:
                continue
            descriptor = os.open(QUEUE / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if _is_free(descriptor):
                    (QUEUE / name).unlink()
                else:
                    living += 1
            finally:
                os.close(descriptor)
    return living


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _acquire(descriptor: int, ticket: Path, timeout: float, waiting: Callable[[Holder | None, int], None]) -> bool:
    """Wait for the lock; returns whether it had to be waited for."""
    end = time.monotonic() + timeout
    told: tuple[Holder | None, int] | None = None
    shown, last = "", 0.0  # the holder's step as it was told, and when
    again = False  # a mere look at who holds it looks like a holder without a name, for a moment
    while True:
        before = _before(ticket)
        if not before and _taken(descriptor):
            return told is not None
        other = _read(os.pread(descriptor, 4096, 0).decode(errors="replace"))
        now = (replace(other, step="") if other else None, before + 1)
        went_on = other and other.step != shown and time.monotonic() - last >= AGAIN
        if (now != told and (other or (again and told is None))) or went_on:
            waiting(other, before + 1)
            told, shown, last = now, other.step if other else "", time.monotonic()
        if time.monotonic() >= end:
            raise LockTimeout(
                _("Another deployment runs, and did not end within {seconds:.0f} s.").format(seconds=timeout),
                evidence=[str(other)] if other else (),
                hint=_("Look at it: celadon status"),
            )
        again = True
        time.sleep(POLL)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(text: str) -> Holder | None:
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return None  # the holder is just writing its name
