"""`make bench`: what users notice of a build beside them, and of one that wants more memory than its cap."""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from bench.build import CAP, PORT, Team, at_work
from bench.load import Load

# Five seconds of every processor, as bundlers take them; and memory that grows to 600 MB meanwhile. `number` keeps both
# out of every cache.
HASH = "from hashlib import sha256; all(sha256(bytes(999)) for _ in range(4_000_000))"
BUSY = f'RUN : {{number}}; for one in $(seq $(nproc)); do python3 -c "{HASH}" & done; wait\n'
GROW = "x = []; [x.append(b'1' * (3 << 20) + bytes(sum(range(10**6)) % 2)) for _ in range(200)]"
HUNGRY = f'RUN : {{number}}; python3 -c "{GROW}"\n'
QUIET = 10.0  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with at_work() as team:
        rows = [beside(team, number) for number in range(arguments.runs)]
    show(rows)
    return 1 if any(figures["failed"] for row in rows for figures in row.values()) else 0


def beside(team: Team, number: int) -> dict[str, dict[str, float]]:
    """The figures of a service in quiet, and beside each kind of build, once each."""
    rows = {"in quiet": latency(lambda: time.sleep(QUIET))}
    for turn, (name, step, argv, code) in enumerate((
        ("beside `celadon build`", BUSY, team.build(), 0),
        ("beside `docker buildx build`", BUSY, team.straight(), 0),
        (f"beside one killed at {CAP}", HUNGRY, team.build(), 1),
    )):  # fmt: skip
        print(f"run {number + 1}: {name}", file=sys.stderr, flush=True)
        team.commit(step.format(number=f"{team.folder.name} {number} {turn}"))
        rows[name] = latency(lambda argv=argv, code=code: ended(argv, code))  # type: ignore[misc]
    return rows


def ended(argv: Sequence[str], code: int) -> None:
    """Raises RuntimeError where a build ends otherwise than with `code`."""
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != code:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}")


def latency(work: Callable[[], object]) -> dict[str, float]:
    """The figures of 100 requests/s while `work` is done."""
    with Load([f"http://127.0.0.1:{PORT}/api/health#service"], rate=100, slow=0, ahead=True) as load:
        time.sleep(1)
        load.phase("work")
        work()
        found: dict[str, float] = load.stop()["phases"]["work"]
        return found


def show(rows: Sequence[dict[str, dict[str, float]]]) -> None:
    """Medians of the runs, and their ratio to quiet."""
    quiet = statistics.median(row["in quiet"]["p99_ms"] for row in rows)
    for name in rows[0]:
        p99 = statistics.median(row[name]["p99_ms"] for row in rows)
        total, failed = (sum(row[name][key] for row in rows) for key in ("total", "failed"))
        print(f"{name:30} p99 {p99:5.1f} ms ({p99 / quiet:.2f} x), {failed:.0f} of {total:.0f} failed")


if __name__ == "__main__":
    sys.exit(main())
