"""Cleaning up: what nothing needs any more goes, after each deployment and by hand; the host's lock must be held."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from celadon.adapters import storage
from celadon.errors import CommandError, EngineError
from celadon.locale import _, numbers
from celadon.locale.words import called
from celadon.plan import cleanup, space, steps
from celadon.plan.cleanup import Waste
from celadon.run import notifying, observe, projection
from celadon.run.world import World
from celadon.state.disk import Disk, Space


@dataclass(frozen=True)
class Cleaned:
    """What went, and how many bytes are free now that were not before."""

    waste: Waste
    freed: int


def look(world: World, environments: Collection[str] | None = None) -> tuple[Disk, Waste]:
    """What lies on the disk, and what of it may go; releases of `environments` only (None: of all)."""
    seen = observe.snapshot(world.record, world.layout, world.config.workspace, world.now())
    disk, settings = observe.disk(world.layout), world.config.settings
    lacking = space.missing(disk, settings.disk.floor)
    return disk, cleanup.waste(settings.keep, seen, disk, lacking, environments)


def short(world: World, spaces: Iterable[Space]) -> list[tuple[Space, int]]:
    """Those of the engine's file systems that have less free than their floor, with that floor in bytes."""
    floors = [(one, space.floor(world.config.settings.disk.floor, one.total)) for one in spaces]
    return [(one, floor) for one, floor in floors if one.free < floor]


def clean_up(world: World, step: steps.CleanUp) -> None:
    """A deployment's own: what cannot be cleaned up fails nothing."""
    try:
        clean(world, step.environments)
    except (CommandError, EngineError) as problem:
        world.report.note(_("Not everything could be cleaned up: {problem}").format(problem=problem))


def clean(world: World, environments: Collection[str] | None = None) -> Cleaned:
    """Remove what nothing needs; see `look`."""
    disk, going = look(world, environments)
    for kind, name, bytes_, why in going.rows():
        world.report.log(f"{called(kind)} {name} {numbers.size(bytes_)}: {why}")
    projection.forget(world, going.releases, going.built)
    for image in going.images:
        storage.remove_image(image.id)
    storage.prune_cache([c.id for c in going.cache])
    after = observe.disk(world.layout) if going != Waste() else disk  # mostly nothing goes: asked once
    still_there = {*(record.id for record in after.cache), *after.images}
    world.record.builds.forget_made(world.record.builds.made() - still_there)
    for one, floor in short(world, after.spaces):
        world.report.note(cleanup.below(one, floor))
        notifying.disk_low(world.config, world.report, free=one.free, floor=floor, folder=one.folder)
    return Cleaned(going, sum(one.free for one in after.spaces) - sum(one.free for one in disk.spaces))
