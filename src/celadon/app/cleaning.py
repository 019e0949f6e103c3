"""Cleaning up by hand: the whole workspace, under the host's lock."""

from dataclasses import replace

from celadon.app import audit
from celadon.app.configs import read
from celadon.app.healing import LOCK_LIMIT, heal_the_killed, locked
from celadon.app.workspace import Workspace
from celadon.plan import cleanup
from celadon.plan.cleanup import Waste
from celadon.run import cleaning
from celadon.run.cleaning import Cleaned
from celadon.run.report import Report
from celadon.run.world import World


def look(workspace: Workspace, report: Report) -> Waste:
    """What `clean` would remove now; noted where even that would not keep the floor."""
    world = _world(workspace, report)
    disk, waste = cleaning.look(world)
    for one, floor in cleaning.short(world, [replace(one, free=one.free + waste.bytes) for one in disk.spaces]):
        report.note(cleanup.below(one, floor))
    return waste


def clean(workspace: Workspace, report: Report) -> Cleaned:
    """Remove what nothing needs, of every environment."""
    heal_the_killed(workspace, report)
    with (
        audit.act(workspace.layout, "cleanup", report.note) as said,
        locked(workspace, "cleanup", LOCK_LIMIT, report),
    ):
        cleaned = cleaning.clean(_world(workspace, report))
        said["removed"] = len(cleaned.waste.rows())
        return cleaned


def _world(workspace: Workspace, report: Report) -> World:
    """`keep` and the floor are the workspace's own, as the file has them now: any environment will do."""
    outline = workspace.outline
    config = read(outline, outline.environments[0])
    return World(config, workspace.layout, workspace.record, report)
