"""`make bench`: what users notice of a build beside them, and of one that wants more memory than its cap."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence

from bench.build import CAP, PORT, Team, at_work
from bench.load import Load, Request
from celadon.adapters.buildx import Progress
from celadon.plan.expect import FAILED, FINISHED, BuildStep
from celadon.state.layout import Layout

# What a bundler does: every processor for some seconds, or one with memory that grows to 600 MB in fifteen.
HASHES = "all(sha256(bytes(999)) for _ in range({times}))"
BUSY = "for one in $(seq $(nproc)); do python3 -c 'from hashlib import sha256; {}' & done; wait"
GROWS = "python3 -c 'from hashlib import sha256; x = [bytes([1]) * (1 << 20) for _ in range(600) if {}]'"
WORKS, HUNGERS = BUSY.format(HASHES.format(times=5_000_000)), GROWS.format(HASHES.format(times=24_000))
QUIET = 10.0  # seconds
GOAL = 1.5  # x of quiet: the step that is killed

Span = tuple[float, float]  # seconds since 1970


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    found: dict[str, list[Request]] = {}
    with at_work() as team:
        for number in range(arguments.runs):
            print(f"run {number + 1} of {arguments.runs}", file=sys.stderr, flush=True)
            for name, requests in one_run(team, number).items():
                found.setdefault(name, []).extend(requests)
    return 0 if show(found) else 1


def one_run(team: Team, number: int) -> dict[str, list[Request]]:
    """100 requests a second: those in quiet, those beside each build, and of these those beside its step."""
    spans: dict[str, Span] = {}
    with Load([f"http://127.0.0.1:{PORT}/api/health#service"], rate=100, slow=0, ahead=True) as load:
        time.sleep(1)
        begun = time.time()
        time.sleep(QUIET)
        spans["in quiet"] = begun, time.time()
        for turn, (name, build, step) in enumerate((
            ("docker buildx build", straight, WORKS),
            ("celadon build", through_celadon, WORKS),
            (f"celadon build, killed at {CAP} of 600 MB", through_celadon, HUNGERS),
        )):  # fmt: skip
            team.commit(f"RUN : {team.folder.name} {number} {turn}; {step}\n")
            time.sleep(1)
            begun = time.time()
            step_span = build(team, 1 if step == HUNGERS else 0)
            spans[f"{name}: the step"], spans[f"{name}: the command"] = step_span, (begun, time.time())
        load.stop()
        requests = load.requests()
    return {name: [r for r in requests if begun <= r.due < over] for name, (begun, over) in spans.items()}


def straight(team: Team, code: int) -> Span:
    """Build with Buildx alone, under no cap; when its step ran."""
    steps: list[BuildStep] = []
    progress = Progress(lambda _line: None, steps.append)
    for line in ended(team.straight(), code).splitlines():
        progress.feed(line)
    return ran(steps)


def through_celadon(team: Team, code: int) -> Span:
    ended(team.build(), code)
    layout = Layout(team.folder)
    events = map(json.loads, layout.events(layout.last_log()).read_text().splitlines())
    return ran(BuildStep(*one["words"]) for one in events if one["event"] == "build_step")


def ended(argv: Sequence[str], code: int) -> str:
    """What a build says to its end. Raises RuntimeError where that is not `code`."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != code:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}")
    return done.stdout


def ran(steps: Iterable[BuildStep]) -> Span:
    """When the step that works ran."""
    one = next(step for step in steps if "RUN :" in step.name and step.state in (FINISHED, FAILED))
    return one.at, one.at + one.seconds


def show(found: dict[str, list[Request]]) -> bool:
    """Returns whether the goals are met: nobody failed, and a build that dies at its cap was hardly noticed."""
    quiet = p99(found["in quiet"])
    for name, requests in found.items():
        failed = sum(not one.ok for one in requests)
        print(f"{name:56} p99 {p99(requests):5.1f} ms, {p99(requests) / quiet:.2f} x, "
              f"{failed} of {len(requests)} failed")  # fmt: skip
    killed = next(requests for name, requests in found.items() if "killed" in name)
    return p99(killed) <= GOAL * quiet and all(one.ok for requests in found.values() for one in requests)


def p99(requests: Sequence[Request]) -> float:
    """The latency in ms that one in a hundred exceeds."""
    return 1000 * sorted(one.seconds for one in requests)[int(0.99 * len(requests))]


if __name__ == "__main__":
    sys.exit(main())
