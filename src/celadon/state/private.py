"""A folder for secrets while somebody works on them: nothing of it stays, however that ends."""

import fcntl
import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import FrameType

from celadon.config.ownership import is_safe_place
from celadon.errors import RefusedError
from celadon.locale import _

PREFIX = "celadon-private-"
YOUNG = 60.0  # seconds: it may be made just now, and not be locked yet
ENDS = (signal.SIGHUP, signal.SIGTERM)  # a terminal that goes away, and who ends politely


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for the owner only, gone at the end; in memory where the system has such a place.

    What a killed one left is removed by the next. Raises RefusedError where every place is another user's.
    """
    place = _place()
    for old in place.glob(f"{PREFIX}*"):
        _remove_left(old)
    with _ended_by_exceptions(), TemporaryDirectory(prefix=PREFIX, dir=place) as folder:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(descriptor)


def _place() -> Path:
    """Where nobody else can put another folder in the place of this one: `sudo -E` brings those of other users."""
    memory = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [Path(memory)] if os.access(memory, os.W_OK) else []
    places += [Path(gettempdir()), Path("/tmp")]  # noqa: S108 (looked at before it is used)
    if found := next(filter(is_safe_place, places), None):
        return found
    raise RefusedError(
        _("No temporary folder is safe from other users: {folders}.").format(folders=", ".join(map(str, places))),
        hint=_("Set TMPDIR to a folder that you own."),
    )


def _remove_left(folder: Path) -> None:
    """Remove a folder of this user's that nobody works in any more."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # another user's, or gone
        return
    try:
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077 \
                and time.time() - found.st_mtime > YOUNG:  # fmt: skip
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)


@contextmanager
def _ended_by_exceptions() -> Iterator[None]:
    """What would end this process at once becomes SystemExit here, so that `finally` is run."""

    def leave(number: int, _frame: FrameType | None) -> None:
        for one in ENDS:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # only there Python lets signals be set
        yield
        return
    before = {one: signal.signal(one, leave) for one in ENDS if signal.getsignal(one) is signal.SIG_DFL}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
