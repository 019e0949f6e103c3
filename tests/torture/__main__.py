"""`make torture`: every verb, at the start of every step and at random moments, with every signal; a table."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.e2e.workspace import Workspace
from tests.torture.matrix import HEAD, VERBS, Arena, blows, strikes

SIGNS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--moments", type=int, default=20, help="random moments for each verb")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbs", nargs="*", default=list(VERBS), choices=list(VERBS))
    parser.add_argument("--signs", nargs="*", default=SIGNS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        team = Workspace(Path(folder))
        team.make_team()
        try:
            arena = Arena(team)
            scars = []
            print(HEAD, flush=True)
            for blow in blows(arena, arguments.verbs, strikes(arguments.signs), arguments.moments, arguments.seed):
                scars.append(arena.suffer(blow))
                print(scars[-1], flush=True)
        finally:
            team.remove()
    bad = [scar for scar in scars if scar.wrong]
    lost, sent = sum(s.lost for s in scars), sum(s.sent for s in scars)
    print(f"\n{len(scars)} blows, {lost} of {sent} requests lost, {len(bad)} not healed without a trace")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
