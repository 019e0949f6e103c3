"""`make bench`: promote and rollback of five services through Celadon and through the scripts of others, in one run."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.load import Load
from bench.peak import Peak
from bench.sides import SCRIPTS, SERVICES, Celadon, Script

RATE = 200
QUIET_AFTER = 6.0  # seconds of load after a command: what it broke must have time to show


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="how often each is measured; medians are printed")
    parser.add_argument("--only", action="store_true", help="Celadon alone")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as on a user's machine: Python keeps what it compiled
    folder = Path(tempfile.mkdtemp(prefix="celadon-bench-"))
    rows: list[dict[str, Any]] = []
    celadon = Celadon(folder)
    try:
        celadon.set_up()
        # The scripts move tags that Celadon's record does not have: they go last, and the tags go with them.
        for side in (celadon, *(() if arguments.only else SCRIPTS)):
            rows += measured(side, arguments.runs)
        commands = small_commands(celadon.status())
    finally:
        celadon.tear_down()
        shutil.rmtree(folder)
        remove_images()
    show(rows)
    for line in commands:
        print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))
    return 1 if any(r["failed"] for r in rows if r["side"] == celadon.name) else 0


def measured(side: Celadon | Script, runs: int) -> list[dict[str, Any]]:
    """Promote and rollback in turn, `runs` times each, every time under a load of its own."""
    if isinstance(side, Script):
        side.set_up()
    rows = []
    try:
        for number in range(runs):
            for verb, version, argv in (("promote", "2", side.promote()), ("rollback", "1", side.rollback())):
                print(f"{side.name}: {verb}, run {number + 1} of {runs}", file=sys.stderr, flush=True)
                row = {"side": side.name, "verb": verb, **one_run(side.base, argv, version)}
                if isinstance(side, Celadon):
                    row["healthy_to_users"] = side.healthy_to_users()
                rows.append(row)
    finally:
        if isinstance(side, Script):
            side.tear_down()
    return rows


def one_run(base: str, argv: Sequence[str], version: str) -> dict[str, Any]:
    """One command under load. `on_new` is the seconds until all users of all five got nothing but `version`."""
    with Load([f"{base}/{name}/api/health#{name}" for name in SERVICES], rate=RATE) as load:
        time.sleep(1)
        load.phase("command")
        begun, free = time.monotonic(), free_memory()
        with Peak(lambda: free - free_memory()) as memory:
            done = subprocess.run(argv, capture_output=True, text=True)
        seconds = time.monotonic() - begun
        time.sleep(QUIET_AFTER)
        figures = load.stop()["phases"]["command"]
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    seen = figures["versions"].values()
    switched = all(v["last"] == version for v in seen)
    firsts = [v[version]["first_ms"] for v in seen if version in v]
    lasts = [facts["last_ms"] for v in seen for name, facts in v.items()
             if isinstance(facts, dict) and name != version]  # fmt: skip
    return {
        "seconds": seconds,
        "on_new": max([*firsts, *lasts]) / 1000 if switched else None,
        "sent": figures["total"],
        "failed": figures["failed"],
        "kinds": figures["failed_by_kind"],
        "gap": figures["longest_gap_ms"] / 1000,
        "memory": memory.most,
    }


def free_memory() -> int:
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(facts["MemAvailable"].split()[0]) * 1024


def show(rows: list[dict[str, Any]]) -> None:
    print(
        f"\nFive services, each ready 2 s after its start, {RATE} requests/s (half keep-alive, 10 % POST, 3-s requests)"
    )
    print(f"{'':24}{'':10}  command  users on new  requests  failed  longest gap  memory peak")
    for side in dict.fromkeys(r["side"] for r in rows):
        for verb in ("promote", "rollback"):
            mine = [r for r in rows if (r["side"], r["verb"]) == (side, verb)]
            new = [r["on_new"] for r in mine]
            on_new = f"{statistics.median(new):8.1f} s" if None not in new else "     never"
            print(
                f"{side:24}{verb:10}{median(mine, 'seconds'):7.1f} s    {on_new}{sum(r['sent'] for r in mine):10}"
                f"{sum(r['failed'] for r in mine):8}{median(mine, 'gap'):11.2f} s"
                f"{median(mine, 'memory') / (1 << 20):9.0f} MiB"
            )
    waits = [r["healthy_to_users"] for r in rows if "healthy_to_users" in r]
    print(f"celadon: healthy to users {1000 * statistics.median(waits):.0f} ms, at most {1000 * max(waits):.0f} ms")


def median(rows: list[dict[str, Any]], key: str) -> float:
    return statistics.median(r[key] for r in rows)


def small_commands(status: list[str]) -> list[str]:
    """Start-up and status beside what they are compared with, run in turn: ratios of medians."""
    lines = []
    for name, ours, name_of_theirs, theirs in (
        ("celadon --help", [status[0], "--help"], "python -c pass", [sys.executable, "-c", "pass"]),
        ("celadon status", status, "docker compose ls", ["docker", "compose", "ls"]),
    ):
        pairs = [(timed(ours), timed(theirs)) for _ in range(15)]
        mine, other = (statistics.median(p[n] for p in pairs) for n in (0, 1))
        lines.append(f"{name}: {1000 * mine:.0f} ms, {name_of_theirs}: {1000 * other:.0f} ms, ratio {mine / other:.2f}")
    return lines


def timed(argv: Sequence[str]) -> float:
    begun = time.monotonic()
    subprocess.run(argv, capture_output=True, check=True)
    return time.monotonic() - begun


def remove_images() -> None:
    """The tags that the plain script moved."""
    call: Callable[[list[str]], Any] = lambda argv: subprocess.run(argv, capture_output=True, text=True)  # noqa: E731
    names = call(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).stdout.split()
    mine = [n for n in names if n.split(":")[0] in {f"bench-{service}" for service in SERVICES}]
    if mine:
        call(["docker", "image", "rm", *mine])


if __name__ == "__main__":
    sys.exit(main())
