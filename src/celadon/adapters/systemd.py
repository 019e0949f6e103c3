"""systemd: a unit that heals a workspace at boot and whenever the Docker engine starts."""

import os
import sys
from pathlib import Path

from celadon.adapters import process
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.state.layout import write_public

UNITS = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")  # there only where systemd is the init system: sd_booted(3)


def unit(workspace: str, folder: Path, user: str) -> str:
    """The text of the unit."""
    command = " ".join(map(_quoted, [sys.executable, "-m", "celadon", "-C", str(folder), "reconcile"]))
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


def install(workspace: str, text: str) -> Path:
    """Write the unit and enable it; returns its file. Raises RefusedError without systemd, or without the right to."""
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
    process.run(["systemctl", "daemon-reload"])
    process.run(["systemctl", "enable", file.name])
    return file


def _quoted(word: str) -> str:
    """A word of ExecStart, whatever is in it: systemd.service(5), "Command lines"."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(c in escaped for c in " \t'\"\\;") else escaped
