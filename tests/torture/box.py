"""A small server in a box (QEMU), and a team's workspace on it: systemd, cgroup v2, 2 CPUs, 2 GB, no network.

Packages and images are brought to it; services need as many times longer there as it is slower than a real one.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.workspace import SERVICE

ROOT = Path(__file__).parents[2]
BOX = Path(__file__).parent / "smallserver"
TEAM = "/srv/team"
CELADON = f"/opt/celadon/bin/celadon -C {TEAM}"
IMAGES = ("python:3.14-slim", "nginx:1.30")
GIT = "git -c user.name=Team -c user.email=team@example.com"
HEALTH = {"path": "/api/health", "timeout": "10s", "within": "5m"}  # ten times slower than a real one


@contextmanager
def server(*files: Path) -> Iterator[None]:
    """A fresh one with Celadon, its images, and `files` in /srv; stopped in the end."""
    box("boot")
    try:
        with tempfile.TemporaryDirectory() as name:
            wheels, images = Path(name) / "wheels", Path(name) / "images.tar"
            call([sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(wheels), str(ROOT)])
            call(["docker", "save", "--output", str(images), *IMAGES])
            there(f"mkdir -p {TEAM}")
            box("put", *map(str, (wheels, images, SERVICE, *files)), "/srv")
        there("docker load --quiet --input /srv/images.tar; rm /srv/images.tar")
        there("python3 -m venv /opt/celadon")
        there("/opt/celadon/bin/pip install --quiet --no-index --find-links /srv/wheels celadon")
        yield
    finally:
        box("stop")


def team(hubs: Sequence[str], compose: object) -> None:
    """A workspace with a git repository for each hub; nothing is committed yet."""
    write("compose.yaml", json.dumps(compose))
    for hub in hubs:
        there(f"cp -r /srv/service {TEAM}/{hub} && cd {TEAM}/{hub} && git init --quiet -b main")


def write(file: str, text: str) -> None:
    """A file of the workspace, as it is to be."""
    there(f"cat > {TEAM}/{file} <<'END'\n{text}\nEND")


def commit(hub: str, message: str) -> None:
    there(f"cd {TEAM}/{hub} && git add -A && {GIT} commit --quiet -m '{message}'")


def celadon(words: str) -> str:
    return there(f"{CELADON} {words}")


def there(command: str) -> str:
    return box("run", command)


def tried(command: str) -> "subprocess.CompletedProcess[str]":
    """A command there that may fail."""
    return subprocess.run([str(BOX), "run", command], capture_output=True, text=True, timeout=1800)


def box(*words: str) -> str:
    return call([str(BOX), *words])


def call(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise RuntimeError(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
