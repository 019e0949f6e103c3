"""Cleaning up: what nothing needs any more goes, after each deployment and by hand; the host's lock must be held."""

from celadon.adapters import storage
from celadon.locale import numbers
from celadon.plan import cleanup, space, steps
from celadon.plan.cleanup import Waste
from celadon.run import notifying, observe, projection
from celadon.run.world import World
from celadon.state.disk import Disk


def look(world: World) -> tuple[Disk, Waste]:
    """What lies on the disk, and what of it may go."""
    seen = observe.snapshot(world.record, world.layout, world.config.workspace, world.now())
    disk, settings = observe.disk(world.layout), world.config.settings
    lacking = space.missing(disk, settings.disk.floor)
    return disk, cleanup.waste(settings.keep, seen, disk, lacking)


def clean_up(world: World, _step: steps.CleanUp) -> None:
    clean(world)


def clean(world: World) -> int:
    """Remove what nothing needs; returns the bytes that are free now and were not before."""
    disk, going = look(world)
    for kind, name, bytes_, why in going.rows():
        world.report.log(f"{kind} {name} {numbers.size(bytes_)}: {why}")
    projection.forget(world, going.releases, going.built)
    for image in going.images:
        storage.remove_image(image.id)
    storage.prune_cache([c.id for c in going.cache])
    after = observe.disk(world.layout)
    world.record.builds.forget_cached(world.record.builds.cached() - {record.id for record in after.cache})
    for one in after.spaces:
        floor = space.floor(world.config.settings.disk.floor, one.total)
        if one.free < floor:
            world.report.note(cleanup.below(one, floor))
            notifying.disk_low(world.config, world.report, free=one.free, floor=floor, folder=one.folder)
    return sum(one.free for one in after.spaces) - sum(one.free for one in disk.spaces)
