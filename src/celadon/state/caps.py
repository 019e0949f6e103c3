"""Which ways of capping builds this user saw to hold on this host: believed until its next boot, kernel or engine."""

import os
import platform
import pwd
from contextlib import suppress
from pathlib import Path

from celadon.config.ownership import read_own
from celadon.state.layout import write_private

BOOT = Path("/proc/sys/kernel/random/boot_id")
LIMIT = 64 * 1024  # bytes of the file


def known(engine: str) -> frozenset[str]:
    """The marks of the ways that held; `engine` is its version."""
    with suppress(OSError, ValueError):  # missing, or not what was written
        host, *marks = read_own(file(), LIMIT).split("\n")
        if host == _host(engine):
            return frozenset(marks)
    return frozenset()


def remember(engine: str, mark: str) -> None:
    """Keep that a way held. Where that cannot be written, it is tried again with the next build."""
    if mark not in (before := known(engine)):
        with suppress(OSError):
            write_private(file(), "\n".join([_host(engine), *sorted({*before, mark})]))


def _host(engine: str) -> str:
    return f"{BOOT.read_text().strip()} {platform.release()} {engine}"


def file() -> Path:
    """Where they are kept, outside of all workspaces: the cap is the host's. Never in a folder of another user's."""
    wished = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not _is_ours(wished):  # sudo may keep the caller's HOME
        wished = Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".cache"
    return wished / "celadon" / "cap"


def _is_ours(wished: Path) -> bool:
    """Whether `wished`, or the nearest folder above it that is there, is this user's own or root's, and can be seen."""
    try:
        there = next(folder for folder in (wished, *wished.absolute().parents) if folder.exists())
    except PermissionError:
        return False
    return there.stat().st_uid in (0, os.geteuid())
