"""A second Docker engine of the test's own, with a small disk for its images: one that can really be filled.

It has a network namespace to itself, since an engine without a bridge would remove the other one's, and its mounts end
with it. Its images lie in its own store, or in containerd's: there the disk is below a data root that is not small.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.workspace import run, wait_for

FULL = 50  # MB that a disk has left when it is full
CLASSIC, CONTAINERD = "overlay2", "containerd"  # stores of images


@dataclass(frozen=True)
class SmallEngine:
    """Its address, as DOCKER_HOST wants it; the mounted disk with its images, and the folder that they have there."""

    address: str
    disk: Path
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.address}

    def docker(self, *argv: str) -> str:
        return run(["docker", "--host", self.address, *argv])

    def free(self) -> int:
        """Bytes that its disk has left."""
        return shutil.disk_usage(self.disk).free

    def fill(self, leave: int = FULL) -> Path:
        """Put somebody's file on the disk, so that `leave` MB are free."""
        assert self.disk.is_mount()  # or the host's own disk would be filled
        file = self.disk / "somebody's"
        run(["fallocate", "--length", str(max(0, self.free() - (leave << 20))), str(file)])
        return file


@contextmanager
def small_engine(megabytes: int, store: str) -> Iterator[SmallEngine]:
    with TemporaryDirectory() as name:  # a short one: a socket's path has at most 107 characters
        folder = Path(name)
        disk, data = folder / "disk", folder / "data"
        with mounted(folder / "disk.img", disk, megabytes):
            if store == CONTAINERD:
                data.mkdir()
                (data / "containerd").symlink_to(disk)
            else:
                data.symlink_to(disk)
            with running(folder, store) as address:
                yield SmallEngine(address, disk, data / "containerd" / "daemon" if store == CONTAINERD else disk)


@contextmanager
def mounted(image: Path, disk: Path, megabytes: int) -> Iterator[None]:
    disk.mkdir()
    run(["truncate", "--size", f"{megabytes}M", str(image)])
    run(["mkfs.ext4", "-q", "-m", "0", "-b", "4096", str(image)])
    run(["mount", "-o", "loop", str(image), str(disk)])
    try:
        yield
    finally:
        for _again in range(50):
            with suppress(AssertionError):
                run(["umount", str(disk)])
                break
            time.sleep(0.1)


@contextmanager
def running(folder: Path, store: str) -> Iterator[str]:
    """An engine with its data, its socket and its log in `folder`; yields its address."""
    address, settings = f"unix://{folder / 'docker.sock'}", folder / "daemon.json"
    settings.write_text(json.dumps({"features": {"containerd-snapshotter": store == CONTAINERD}}))
    argv = ["unshare", "--net", "--mount", "dockerd", "--config-file", str(settings), "--host", address]
    argv += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid")]
    argv += ["--bridge", "none", "--iptables=false", "--ip6tables=false"]
    with (folder / "dockerd.log").open("w") as log:
        engine = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(lambda: answers(address))
        yield address
    finally:
        engine.terminate()
        engine.wait(60)


def answers(address: str) -> bool:
    with suppress(AssertionError):
        run(["docker", "--host", address, "info"])
        return True
    return False
