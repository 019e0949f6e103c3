"""A command in a container of its own, beside the release that is live: `env run`, and what is left of it."""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from celadon.adapters import compose, docker
from celadon.plan import render
from celadon.run import journal, projection
from celadon.run.world import World
from celadon.state import snapshot as labels
from celadon.state.layout import Layout, make_private
from celadon.state.snapshot import Container


def run(world: World, service: str, argv: Sequence[str], *, terminal: bool) -> int:
    """Run `argv` with the image, environment and mounts of the live release; returns its code, and leaves nothing."""
    candidate = projection.live_candidates(world)[service]
    projection.name_images(world, [candidate])
    document = render.one_off_document(world.config, projection.network(world), projection.place(world, candidate))
    name = f"{world.config.project}-{service}-run-{secrets.token_hex(4)}"
    text, in_memory = projection.to_yaml(document), world.layout.key is not None
    with _kept(world.layout.one_off(world.config.name, name), "" if in_memory else text) as file:
        try:
            given = compose.Document(file, text if in_memory else None)
            return compose.run_here(given, world.config.project, service, argv, name=name, terminal=terminal)
        finally:
            docker.remove([name])  # a command that does not listen goes on when its client is gone


def left(layout: Layout, containers: Iterable[Container]) -> list[Container]:
    """Those that nobody waits for any more."""
    return [c for c in containers
            if c.role == labels.ONE_OFF and not journal.alive(layout.one_off(c.environment, c.name))]  # fmt: skip


def forget_left(layout: Layout, environment: str) -> None:
    """Remove what those were made of."""
    for file in layout.every_one_off(environment):
        if not journal.alive(file):
            file.unlink(missing_ok=True)


@contextmanager
def _kept(file: Path, text: str) -> Iterator[Path]:
    """A private file that is locked while this process lives, and not by what it starts."""
    make_private(file.parent)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write_text(text)
        yield file
    finally:
        file.unlink(missing_ok=True)
        os.close(descriptor)
