"""Looking at a path without ever following a symbolic link."""

import os
import stat
from contextlib import ExitStack
from pathlib import Path


def first_odd(root: Path, path: str) -> str:
    """The first component of `path`, below the folder `root`, that is neither a folder nor a regular file: a symbolic
    link, a device, a pipe. "" where all are, and where something is missing.
    """
    with ExitStack() as opened:

        def at(name: "str | Path", above: int | None) -> int:
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
            opened.callback(os.close, descriptor)
            return descriptor

        here, passed = at(root, None), ""
        for name in (part for part in path.split("/") if part not in ("", ".")):
            passed = f"{passed}/{name}".lstrip("/")
            try:
                here = at(name, here)
            except (FileNotFoundError, NotADirectoryError):
                return ""
            mode = os.fstat(here).st_mode
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                return passed
    return ""
