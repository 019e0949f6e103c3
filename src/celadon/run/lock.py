"""One deployment at a time on the whole host: a flock that dies with its holder, says who that is, is had in turn."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from celadon.errors import LockTimeout
from celadon.locale import _
from celadon.run import lock_folder, lock_holder, lock_queue
from celadon.run.lock_folder import LIMIT, LOCK, LockFolder
from celadon.run.lock_holder import NOBODY_KNOWN, Holder

POLL = 0.25
AGAIN = 8.0  # seconds after which whoever waits is told how far the holder is: before the terminal fills the silence


class Held:
    """The lock in this process's hands. `waited`: somebody else had it first."""

    def __init__(self, descriptor: int, me: Holder, *, waited: bool) -> None:
        self._descriptor, self._me, self.waited = descriptor, me, waited
        self.say("")

    def say(self, step: str) -> None:
        """Let whoever waits see how far it is."""
        with suppress(OSError):  # spectators are not worth a deployment, should /run be full
            os.pwrite(self._descriptor, lock_holder.written(replace(self._me, step=step)), 0)


def holder() -> Holder | None:
    """Who holds the lock now; None when nobody does. Raises RefusedError where the lock cannot be trusted."""
    try:
        with lock_folder.opened(make=False) as folder:
            descriptor = folder.open(LOCK)
            try:
                return (_read(descriptor) or NOBODY_KNOWN) if lock_queue.is_held(descriptor) else None
            finally:
                os.close(descriptor)
    except FileNotFoundError:
        return None


@contextmanager
def held(me: Holder, timeout: float, waiting: Callable[[Holder | None, int], None]) -> Iterator[Held]:
    """Hold the host's lock, in the order of arrival.

    `waiting` is told for whom, and how many are before this one (1 is the holder), as often as that changes, and every
    AGAIN seconds where the holder's step did. The descriptors are not inherited by children, so nothing outlives this
    process with the lock in its hands. Raises LockTimeout after `timeout` seconds, RefusedError where the lock cannot
    be trusted.
    """
    with lock_folder.opened() as folder:
        descriptor = _lock_file(folder)
        try:
            with lock_queue.ticket(folder) as ticket:
                waited = _acquire(folder, descriptor, ticket, timeout, waiting)
            try:
                yield Held(descriptor, me, waited=waited)
            finally:
                with suppress(OSError):
                    os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)


def _lock_file(folder: LockFolder) -> int:
    try:
        return folder.open(LOCK, os.O_RDWR)
    except FileNotFoundError:
        with suppress(FileExistsError):  # somebody was quicker
            return folder.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    return folder.open(LOCK, os.O_RDWR)


def _acquire(
    folder: LockFolder,
    descriptor: int,
    ticket: str,
    timeout: float,
    waiting: Callable[[Holder | None, int], None],
) -> bool:
    """Wait for the lock; returns whether it had to be waited for."""
    end = time.monotonic() + timeout
    told: tuple[Holder | None, int] | None = None
    shown, last = "", 0.0  # the holder's step as it was told, and when
    again = False  # a mere look at who holds it looks like a holder without a name, for a moment
    while True:
        before = lock_queue.before(folder, ticket)
        if not before and _taken(descriptor):
            return told is not None
        other = _read(descriptor)
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


def _read(descriptor: int) -> Holder | None:
    return lock_holder.read(os.pread(descriptor, LIMIT, 0))
