"""Promote and rollback, a hundred times in turn under load: nothing is lost, and nothing grows.

With `--streams` that many websockets are open all the while; each one that ends opens again.
"""

import argparse
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.listener import UPGRADE, Listener
from tests.e2e.workspace import Workspace, run
from tests.torture.matrix import VERBS, Arena

DRAIN = "5s"  # with streams every switch takes that long: they listen as long as they may
WARM = 3  # cycles after which everything has its final size


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.cycles", description=__doc__)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--streams", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        team = Workspace(Path(folder))
        team.environment = {"drain": DRAIN} if arguments.streams else {}
        team.make_team()
        try:
            return report(*cycle(team, arguments.cycles, arguments.streams))
        finally:
            team.remove()


def cycle(team: Workspace, count: int, streams: int = 0) -> tuple[dict[str, int], dict[str, int], int, int, int]:
    """Go round `count` times; returns the sizes after WARM cycles and at the end, verbs that failed, requests."""
    arena = Arena(team)
    arena.ready("promote")
    tabs = [Tab(team.production) for _number in range(streams)]
    failed = lost = sent = 0
    early: dict[str, int] = {}
    for number in range(1, count + 1):
        with arena.load() as load:
            codes = [team.celadon(*VERBS[verb], expect=None).code for verb in ("promote", "rollback")]
            figures = load.stop()
        failed += sum(code != 0 for code in codes)
        lost, sent = lost + figures["failed"], sent + figures["total"]
        if number == WARM:
            early = sizes(team)
        print(f"cycle {number}: {codes}, {figures['failed']} of {figures['total']} lost", flush=True)
    for tab in tabs:
        tab.close()
    broken = sum(tab.broken for tab in tabs)
    if tabs:
        print(f"{sum(tab.ended for tab in tabs)} streams ended, {broken} of them otherwise than by a clean close")
    lost += broken
    return early, sizes(team), failed, lost, sent


class Tab(threading.Thread):
    """A browser tab that opens its websocket again whenever it ends, until the tab is closed."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.ended = self.broken = 0
        self._port, self._closed = port, threading.Event()
        self.start()

    def close(self) -> None:
        """Open none again, once the present one ends."""
        self._closed.set()

    def run(self) -> None:
        while not self._closed.is_set():
            listener = Listener(self._port, UPGRADE)
            listener.join()
            self.ended += 1
            self.broken += listener.end != "closed"


def report(early: dict[str, int], late: dict[str, int], failed: int, lost: int, sent: int) -> int:
    print(f"\n{failed} verbs failed, {lost} of {sent} requests lost\n")
    print(f"{'':44}{f'after {WARM}':>12}{'at the end':>12}")
    for name, size in late.items():
        print(f"{name:44}{early[name]:12}{size:12}{'' if size <= early[name] else '  grew'}")
    grew = [name for name, size in late.items() if size > early[name] and not name.startswith("journal")]
    return 1 if failed or lost or grew else 0


def sizes(team: Workspace) -> dict[str, int]:
    """What could grow. The journal (history, logs) is meant to, up to its limits."""
    state = team.folder / ".celadon"
    logs = [*(state / "logs").glob("*"), *state.glob("state.db*")]
    rest = [f for f in state.rglob("*") if f.is_file() and f not in logs]
    routers = [int(run(["docker", "inspect", "--format", "{{.State.Pid}}", name]))
               for name in team.containers("label=celadon.role=router")]  # fmt: skip
    return {
        "containers": len(team.containers()),
        "images": len([n for n in run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).split()
                       if team.name in n]),
        "networks": len(run(["docker", "network", "ls", "--quiet", "--filter", f"name={team.name}"]).split()),
        "nginx workers": sum(len(list(children(pid))) for pid in routers),
        "open files of the routers": sum(open_files(p) for pid in routers for p in (pid, *children(pid))),
        "state: files": len(rest),
        "state: bytes": sum(f.stat().st_size for f in rest),
        "journal: files (50 deployments are kept)": len(logs),
        "journal: bytes": sum(f.stat().st_size for f in logs),
    }  # fmt: skip


def children(pid: int) -> Iterator[int]:
    yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def open_files(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 (names, not paths, of a folder that changes)
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
