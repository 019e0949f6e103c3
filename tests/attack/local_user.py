"""A hostile user of the same host: nobody, in a mount namespace whose /run/lock is its own, as after a boot."""

import os
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n")
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
OWN_LOCK = "mount -t tmpfs -o mode=1777 none /run/lock && echo ready && exec cat"


@dataclass(frozen=True)
class Ran:
    """How a command ended, what it said on both streams, how much memory it took at most (bytes), and how long."""

    code: int
    said: str
    memory: int
    seconds: float

    @property
    def words(self) -> str:
        return " ".join(self.said.split())


@dataclass(frozen=True)
class Host:
    """The namespace that process `pid` is in."""

    pid: int

    def root(self, *argv: str) -> Ran:
        return self._run(argv)

    def nobody(self, *argv: str) -> Ran:
        return self._run((*NOBODY, *argv))

    def _run(self, argv: tuple[str, ...]) -> Ran:
        begun = time.monotonic()
        child = subprocess.Popen(
            [*AS_ROOT, "nsenter", f"--target={self.pid}", "--mount", "--wd=/", "timeout", "60", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert child.stdout
        said = child.stdout.read()
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        return Ran(child.returncode, said, used.ru_maxrss * 1024, time.monotonic() - begun)

    def fixed(self, ran: Ran) -> None:
        """Do what the message told root to do."""
        command = re.findall(r"sudo (rm -rf \S+)", ran.words)[-1]
        assert self.root(*shlex.split(command)).code == 0


@contextmanager
def reachable() -> Iterator[Path]:
    """A folder that every user can reach, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="celadon-attack-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        subprocess.run([*AS_ROOT, "rm", "-rf", str(folder)], check=True)


@contextmanager
def host() -> Iterator[Host]:
    """A namespace with an empty /run/lock."""
    argv = [*AS_ROOT, "unshare", "--mount", "--propagation=slave", "sh", "-c", OWN_LOCK]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as inside:
        assert inside.stdout and inside.stdout.readline() == "ready\n"
        yield Host(inside.pid)
        inside.communicate("")
