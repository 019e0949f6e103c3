"""The configuration that an environment runs with: kept as it was rendered, in force from the commit on.

A deployment that is undone leaves the one before in force; heals and rollbacks need no file of the team's.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from celadon.config.load import load_frozen
from celadon.config.workspace import EnvironmentConfig
from celadon.run.world import World
from celadon.state import encryption
from celadon.state.layout import Layout
from celadon.state.record import Record
from celadon.state.snapshot import Move


def adopt(world: World, moves: Sequence[Move] = ()) -> None:
    """Commit `moves` and the configuration that they came with, as the last thing: nothing may go wrong after it."""
    environment, layout = world.config.name, world.layout
    name = _name(world)
    encryption.write(layout, layout.rendered(environment, name), world.config.text)
    needed = (name, world.record.rendering(environment))
    for file in layout.every_rendered(environment):
        if file.stem not in needed:
            file.unlink(missing_ok=True)
    world.record.move(environment, moves, name)


def is_adopted(world: World) -> bool:
    """Whether the configuration that the world has is the one in force."""
    return world.record.rendering(world.config.name) == _name(world)


def _name(world: World) -> str:
    return f"rendered-{hashlib.sha256(world.config.text.encode()).hexdigest()[:16]}"


def give_back(world: World, moves: Sequence[Move]) -> World:
    """Commit `moves` and the configuration before the last commit; returns the world as it is with that one."""
    environment = world.config.name
    name = world.record.rendering_before(environment) or world.record.rendering(environment) or ""
    world.record.move(environment, moves, name)
    with suppress(OSError):  # the newest is what a lost record is rebuilt with
        os.utime(world.layout.rendered(environment, name))
    return in_force(world)


def in_force(world: World) -> World:
    """The world with the configuration that is in force, whatever a deployment under way would bring."""
    config = kept(world.record, world.layout, world.config.workspace, world.config.name, world.config.file)
    return replace(world, config=config) if config else world


def kept(
    record: Record, layout: Layout, workspace: str, environment: str, compose_file: Path
) -> EnvironmentConfig | None:
    """The configuration in force; None where nothing was ever deployed."""
    name = record.rendering(environment)
    file = layout.rendered(environment, name) if name else None
    if file is None or not file.exists():
        return None
    return load_frozen(encryption.read(layout, file), workspace, layout.workspace, compose_file, environment)
