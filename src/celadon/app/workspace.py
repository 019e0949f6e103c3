"""A workspace that was found: its names, its folder on disk, its record."""

from dataclasses import dataclass
from pathlib import Path

from celadon.config.outline import find_file, load_outline
from celadon.config.workspace import Outline
from celadon.state.layout import Layout
from celadon.state.record import Record


@dataclass(frozen=True)
class Workspace:
    """A workspace that was found: its names, its folder on disk, its record."""

    outline: Outline
    layout: Layout
    record: Record


def open_workspace(folder: Path) -> Workspace:
    """The workspace of `folder`. Raises UsageError without a compose file, ConfigError for one that cannot be read."""
    outline = load_outline(find_file(folder))
    layout = Layout(outline.folder)
    return Workspace(outline, layout, Record(layout.record))
