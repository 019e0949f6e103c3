"""Stories on a real engine: each gets a workspace of its own and leaves nothing behind."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import images
from tests.e2e.workspace import Workspace

STORIES = {"e2e", "attack"}  # the folders whose tests talk to the engine

# What a shell starts in the background is deaf to Ctrl-C, and so would be all that stories start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if STORIES & {*item.path.parts}:
            item.add_marker(pytest.mark.engine)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace without services."""
    made = Workspace(tmp_path)
    yield made
    made.remove()


@pytest.fixture
def shop(empty: Workspace) -> Workspace:
    """One service, at /shop."""
    empty.add("shop", route="/shop")
    empty.write()
    return empty


@pytest.fixture
def team(empty: Workspace) -> Workspace:
    """Two hubs, one at / and one at /shop; the first calls the second."""
    empty.make_team()
    return empty


@pytest.fixture
def registry() -> Iterator[str]:
    """A real registry on loopback, "127.0.0.1:PORT"."""
    with images.serving() as address:
        yield address
