"""Which ways of capping builds this user saw to hold on this host: believed until its next boot, kernel or engine."""

import os
import platform
from contextlib import suppress
from pathlib import Path

from celadon.state.layout import write_private

BOOT = Path("/proc/sys/kernel/random/boot_id")


def known(engine: str) -> frozenset[str]:
    """The marks of the ways that held; `engine` is its version."""
    with suppress(OSError, ValueError):  # missing, or not what was written
        host, *marks = file().read_text().split("\n")
        if host == _host(engine):
            return frozenset(marks)
    return frozenset()


def remember(engine: str, mark: str) -> None:
    """Keep that a way held."""
    if mark not in (before := known(engine)):
        write_private(file(), "\n".join([_host(engine), *sorted({*before, mark})]))


def _host(engine: str) -> str:
    return f"{BOOT.read_text().strip()} {platform.release()} {engine}"


def file() -> Path:
    """Where they are kept, outside of all workspaces: the cap is the host's."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "celadon" / "cap"
