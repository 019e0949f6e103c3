"""`make bench`: the same build through Celadon and straight through Buildx."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.peak import Peak
from bench.sides import GIT, HERE, run

PORT = 4630
GOAL, MEMORY_GOAL = 1.05, 80 << 20  # of Buildx alone; bytes
# Some fifteen seconds of one processor, a small front end's install and bundle; `number` keeps it out of every cache.
WORK = 'RUN : {number}; python3 -c "from hashlib import sha256; all(sha256(bytes(999)) for _ in range(24_000_000))"\n'
CAP = "300m"


class Team:
    """One service in a workspace of its own, live at PORT."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder, folder / "bench-built"
        self.command = [str(Path(sys.executable).with_name("celadon")), "-C", str(folder)]
        shutil.copytree(HERE / "service", self.source, ignore=shutil.ignore_patterns("__pycache__"))
        self._dockerfile = (self.source / "Dockerfile").read_text()
        run(["git", "init", "--quiet", "--initial-branch", "main"], self.source)
        options = {"port": 8000, "route": "/", "health": "/api/health"}
        address = f"127.0.0.1:{PORT}"
        environment = {"listen": [address], "url": f"http://{address}", "watch": "1s"}
        document = {
            "name": "benchbuild",
            "x-celadon": {"environments": {"staging": environment}, "build": {"memory": CAP}},
            "services": {"bench-built": {"build": "./bench-built", "x-celadon": options}},
        }
        (folder / "compose.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def commit(self, step: str) -> None:
        """A commit whose Dockerfile ends with `step`, and a file that changes nothing of the image."""
        (self.source / ".dockerignore").write_text("note\n")
        (self.source / "note").write_text(str(time.time()))
        (self.source / "Dockerfile").write_text(self._dockerfile + step)
        run(["git", "add", "--all"], self.source)
        run([*GIT, "commit", "--quiet", "--message", step[:40] or "first"], self.source)

    def build(self) -> list[str]:
        return [*self.command, "build", "staging"]

    def straight(self) -> list[str]:
        return ["docker", "buildx", "build", "--progress=rawjson", "--load", "--provenance=false", "--tag",
                "bench-built:straight", str(self.source)]  # fmt: skip

    def step_seconds(self) -> float:
        """What the build itself took in Celadon's last deployment: without fetching, planning and cleaning up."""
        last = json.loads(run([*self.command, "history", "--json", "-n", "1"]))[0]["id"]
        steps = json.loads(run([*self.command, "history", "--show", str(last), "--json"]))["steps"]
        return float(next(s["seconds"] for s in steps if s["text"].startswith("build ")))


@contextmanager
def at_work() -> Iterator[Team]:
    """A team whose service is live, for the length of a benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="celadon-bench-"))
    team = Team(folder)
    try:
        team.commit("")
        run([*team.command, "deploy", "staging"])
        yield team
    finally:
        run([*team.command, "down", "staging", "--volumes", "-y"])
        subprocess.run(["docker", "image", "rm", "--force", "bench-built:straight"], capture_output=True)
        shutil.rmtree(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with at_work() as team:
        good = compare(team, arguments.runs)
    return 0 if good else 1


def compare(team: Team, runs: int) -> bool:
    """Cold and cached, in turn, `runs` times; medians, and Celadon's own memory. Returns whether the goals are met: of
    the whole command when something is built, of its build step when all is cached."""
    seconds: dict[tuple[str, str], list[float]] = {}
    peaks = []
    for number in range(runs):
        for side in ("buildx", "celadon"):
            for kind in ("cold", "cached"):
                step = WORK.format(number=f"{side} {number} {team.folder.name}")
                team.commit(step)
                with Peak(own_memory, often=5) as memory:
                    took = timed(team.straight() if side == "buildx" else team.build())
                seconds.setdefault((side, kind), []).append(took)
                if side == "celadon":
                    seconds.setdefault(("the build step", kind), []).append(team.step_seconds())
                    peaks.append(memory.most)
    ratios = {}
    for kind in ("cold", "cached"):
        straight, whole, step = (
            statistics.median(seconds[side, kind]) for side in ("buildx", "celadon", "the build step")
        )
        ratios[kind] = {"whole": whole / straight, "step": step / straight}
        print(f"build, {kind}: docker buildx build {straight:.2f} s")
        print(f"  celadon's build step {step:.2f} s, {step / straight:.2f} x")
        print(f"  the whole `celadon build` {whole:.2f} s, {whole / straight:.2f} x")
    print(f"celadon's own memory during a build: at most {max(peaks) / (1 << 20):.0f} MiB (terminal and runner)")
    return ratios["cold"]["whole"] <= GOAL and ratios["cached"]["step"] <= GOAL and max(peaks) < MEMORY_GOAL


def timed(argv: list[str]) -> float:
    begun = time.monotonic()
    run(argv)
    return time.monotonic() - begun


def own_memory() -> int:
    """What Celadon's own processes take together (PSS, bytes)."""
    return sum(map(proportional, celadons()))


def celadons() -> list[Path]:
    """The processes of the command, the runner among them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"/celadon") for word in words[:2]):
            found.append(folder)
    return found


def proportional(folder: Path) -> int:
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main())
