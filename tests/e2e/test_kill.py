"""The kill matrix in short: promote, killed at the start of every other step. The whole: make torture."""

from itertools import islice

from tests.e2e.workspace import Workspace
from tests.torture.matrix import HEAD, Arena, blows, strikes


def test_a_promote_that_is_killed_loses_nothing_and_is_healed(team: Workspace) -> None:
    arena = Arena(team)
    scars = [arena.suffer(blow) for blow in islice(blows(arena, ["promote"], strikes(["SIGKILL"])), 1, None, 2)]
    table = "\n".join([HEAD, *map(str, scars)])
    print(table)
    assert len(scars) >= 5 and not [scar for scar in scars if scar.wrong], table
