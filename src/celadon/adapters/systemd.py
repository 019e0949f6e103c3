"""systemd: a unit that runs `reconcile` for a workspace at boot and whenever the Docker engine starts."""

import os
import re
import sys
from pathlib import Path

from celadon.adapters import process
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.printable import one_line
from celadon.state.layout import write_public

UNITS = Path("/etc/systemd/system")
TEMPORARY = Path("/etc/tmpfiles.d/celadon.conf")
BOOTED = Path("/run/systemd/system")  # there only where systemd is the init system: sd_booted(3)


USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?")  # as systemd takes it: neither a specifier nor white space


def unit(workspace: str, folder: Path, user: str) -> str:
    """The text of the unit; `workspace` is a good name. Raises RefusedError for what systemd could misread."""
    if not USER.fullmatch(user):
        raise RefusedError(_("The user name {user!r} cannot be used in a systemd unit.").format(user=one_line(user)))
    command = " ".join(map(_quoted, [sys.executable, "-P", "-m", "celadon", "-C", str(folder), "reconcile"]))
    return f"""[Unit]
Description=Celadon: make the server equal to the record of {workspace}
After=docker.service
Requires=docker.service

[Service]
Type=oneshot
User={user}
ExecStart={command}
TimeoutStartSec=15min

[Install]
WantedBy=docker.service multi-user.target
"""


def temporary(folder: Path, mode: int, group: str) -> str:
    """The text of the entry that makes `folder` at boot, before any user could: tmpfiles.d(5)."""
    return f"d {folder} {mode:04o} root {group} -\n"


def install(workspace: str, text: str, temporary_files: str) -> Path:
    """Write the unit and enable it, and make the temporary files; returns the unit's file.

    Raises RefusedError without systemd, or without the right to.
    """
    if not BOOTED.is_dir():
        raise RefusedError(
            _("This host was not booted with systemd."),
            hint=_("Let its init system run this after Docker: celadon install-service --print"),
        )
    if os.geteuid() != 0:
        raise RefusedError(
            _("Only root may install a service."), hint=_("sudo {command}").format(command=" ".join(sys.argv))
        )
    file = UNITS / f"celadon-{workspace}.service"
    write_public(file, text)
    write_public(TEMPORARY, temporary_files)
    process.run(["systemd-tmpfiles", "--create", str(TEMPORARY)])
    process.run(["systemctl", "daemon-reload"])
    process.run(["systemctl", "enable", file.name])
    return file


def _quoted(word: str) -> str:
    """A word of ExecStart: systemd.service(5), "Command lines". Raises RefusedError for what could end its line."""
    if one_line(word) != word:
        raise RefusedError(
            _("systemd cannot run a command with control characters in its arguments: {word!r}.").format(word=word),
            hint=_("Rename the folder."),
        )
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(c in escaped for c in " \t'\"\\;") else escaped
