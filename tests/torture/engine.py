"""The Docker engine of this host, restarted as an update would, with live-restore or without."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.workspace import run, wait_for

SETTINGS = Path("/etc/docker/daemon.json")
PID = Path("/var/run/docker.pid")
ENGINE = Path(__file__).parents[2] / "dev" / "engine"


def restart(_runner: int = 0) -> None:
    """Stop the engine and start it again; returns when it answers."""
    subprocess.run([ENGINE, "restart"], check=True, capture_output=True)


@contextmanager
def live_restore(wanted: bool) -> Iterator[None]:
    """The engine with live-restore on or off, and as it was afterwards."""
    before = SETTINGS.read_text() if SETTINGS.exists() else None
    known = json.loads(before or "{}")
    _set({**known, "live-restore": wanted})
    try:
        yield
    finally:
        _set({"live-restore": False, **known})
        if before is None:
            SETTINGS.unlink()


def _set(settings: dict[str, object]) -> None:
    SETTINGS.parent.mkdir(exist_ok=True)
    SETTINGS.write_text(json.dumps(settings))
    os.kill(int(PID.read_text()), signal.SIGHUP)
    wanted = str(settings["live-restore"]).lower()
    wait_for(lambda: run(["docker", "info", "--format", "{{.LiveRestoreEnabled}}"]).strip() == wanted)
