"""The kill matrix in short: promote, killed at the start of each of its steps. The whole: make torture."""

from tests.e2e.workspace import Workspace
from tests.torture.matrix import HEAD, Arena, blows, strikes


def test_a_promote_killed_at_any_step_loses_nothing_and_is_healed(team: Workspace) -> None:
    arena = Arena(team)
    scars = [arena.suffer(blow) for blow in blows(arena, ["promote"], strikes(["SIGKILL"]))]
    table = "\n".join([HEAD, *map(str, scars)])
    print(table)
    assert len(scars) >= 10 and not [scar for scar in scars if scar.wrong], table
