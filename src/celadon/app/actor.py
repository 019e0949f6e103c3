"""Who acts: the user of this process, and the person who logged in behind it."""

import os
import pwd
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from celadon.config import ownership

NO_LOGIN = 2**32 - 1  # what the kernel says of a process that no login led to
LOGIN = Path("/proc/self/loginuid")


@dataclass(frozen=True)
class Actor:
    """`user` runs the process; `sudo` is who called sudo, as sudo says; `login` who logged in, as the kernel says."""

    uid: int
    user: str
    sudo: str = ""
    login: str = ""
    terminal: str = ""

    @property
    def name(self) -> str:
        """The person: who called sudo, else who runs the process."""
        return self.sudo or self.user


def current() -> Actor:
    """Names come from the system's list of users: the variables USER and LOGNAME may hold anything."""
    uid, sudo = os.geteuid(), os.environ.get("SUDO_UID", "")
    login = _login()
    return Actor(
        uid,
        ownership.name(uid),
        sudo=_known(int(sudo)) if sudo.isascii() and sudo.isdecimal() and len(sudo) < 11 else "",
        login=ownership.name(login) if login is not None else "",
        terminal=_terminal(),
    )


def _known(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return ""


def _login() -> int | None:
    with suppress(OSError, ValueError):
        uid = int(LOGIN.read_text())
        return uid if uid != NO_LOGIN else None
    return None


def _terminal() -> str:
    with suppress(OSError, ValueError):
        return os.ttyname(sys.stdin.fileno())
    return ""
