"""`make torture`: every verb, at the start of every step and at random moments, with every signal; a table.

With `--engine` the blow is a restart of the Docker engine: `live` with live-restore and the router on the host's own
network, where nothing may be lost; `cold` without, where production must be back by itself.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.e2e.workspace import Workspace
from tests.torture import engine
from tests.torture.matrix import HEAD, VERBS, Arena, Scar, blows, strikes

SIGNS = ("SIGKILL", "SIGTERM", "SIGHUP")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--moments", type=int, default=20, help="random moments for each verb")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbs", nargs="*", default=list(VERBS), choices=list(VERBS))
    parser.add_argument("--signs", nargs="*", default=SIGNS)
    parser.add_argument("--engine", choices=["live", "cold"])
    arguments = parser.parse_args()
    if arguments.engine:
        with engine.live_restore(arguments.engine == "live"):
            scars = suffer(arguments)
    else:
        scars = suffer(arguments)
    bad = [scar for scar in scars if scar.wrong]
    lost, sent = sum(s.lost for s in scars), sum(s.sent for s in scars)
    print(f"\n{len(scars)} blows, {lost} of {sent} requests lost, {len(bad)} not healed without a trace")
    return 1 if bad else 0


def suffer(arguments: argparse.Namespace) -> list[Scar]:
    """Let every blow fall on a team of its own, and print what came of it."""
    signs = {"ENGINE": engine.restart} if arguments.engine else strikes(arguments.signs)
    scars = []
    with tempfile.TemporaryDirectory() as folder:
        team = Workspace(Path(folder))
        if arguments.engine == "live":
            team.top["router"] = {"network": "host"}
        team.make_team()
        try:
            arena = Arena(team, may_lose=arguments.engine == "cold")
            print(HEAD, flush=True)
            for blow in blows(arena, arguments.verbs, signs, arguments.moments, arguments.seed):
                scars.append(arena.suffer(blow))
                print(scars[-1], flush=True)
        finally:
            team.remove()
    return scars


if __name__ == "__main__":
    sys.exit(main())
