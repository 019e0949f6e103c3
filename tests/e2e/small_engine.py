"""A second Docker engine of the test's own, with a small disk for its data: one that can really be filled.

It has a network namespace to itself: an engine without a bridge would remove the other one's.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.workspace import run, wait_for

FULL = 50  # MB that a disk has left when it is full


@dataclass(frozen=True)
class SmallEngine:
    """Its address, as DOCKER_HOST wants it, and the mounted disk with its data."""

    address: str
    disk: Path

    @property
    def env(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.address}

    def docker(self, *argv: str) -> str:
        return run(["docker", "--host", self.address, *argv])

    def fill(self, leave: int = FULL) -> Path:
        """Put somebody's file on the disk, so that `leave` MB are free."""
        free = int(run(["stat", "--file-system", "--format", "%a %S", str(self.disk)]).split()[0]) * 4096
        file = self.disk / "somebody's"
        run(["fallocate", "--length", str(max(0, free - (leave << 20))), str(file)])
        return file


@contextmanager
def small_engine(folder: Path, megabytes: int) -> Iterator[SmallEngine]:
    image, disk, socket = folder / "disk.img", folder / "disk", folder / "docker.sock"
    disk.mkdir(parents=True)
    run(["truncate", "--size", f"{megabytes}M", str(image)])
    run(["mkfs.ext4", "-q", "-m", "0", "-b", "4096", str(image)])
    run(["mount", "-o", "loop", str(image), str(disk)])
    log = (folder / "dockerd.log").open("w")
    engine = subprocess.Popen(
        ["unshare", "--net", "dockerd", "--data-root", str(disk / "docker"), "--exec-root", str(folder / "exec"),
         "--pidfile", str(folder / "pid"), "--host", f"unix://{socket}", "--bridge", "none", "--iptables=false",
         "--ip6tables=false"],
        stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    made = SmallEngine(f"unix://{socket}", disk)
    try:
        wait_for(lambda: socket.exists() and answers(made))
        yield made
    finally:
        engine.terminate()
        engine.wait(60)
        for _again in range(50):
            with suppress(AssertionError):
                run(["umount", str(disk)])
                break
            time.sleep(0.1)


def answers(engine: SmallEngine) -> bool:
    with suppress(AssertionError):
        engine.docker("info")
        return True
    return False
