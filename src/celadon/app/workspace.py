"""A workspace that was found: its names, its folder on disk, its record."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from celadon.config.outline import find_file, load_outline
from celadon.config.workspace import Outline
from celadon.errors import EngineError
from celadon.locale import _
from celadon.state.layout import Layout
from celadon.state.record import Record


@dataclass(frozen=True)
class Workspace:
    """A workspace that was found: its names, its folder on disk, its record."""

    outline: Outline
    layout: Layout
    record: Record
    notices: tuple[str, ...] = ()


def open_workspace(folder: Path) -> Workspace:
    """The workspace of `folder`; a record that was lost is rebuilt, and `notices` say so.

    Raises UsageError without a compose file, ConfigError for one that cannot be read.
    """
    outline = load_outline(find_file(folder))
    layout = Layout(outline.folder)
    record = Record(layout.record)
    notices = (
        [_("The record was ruined; it was put aside as {file}.").format(file=record.aside)] if record.aside else []
    )
    if record.empty:  # a new workspace, or one that lost its record, or its whole folder
        from celadon.run.rebuild import rebuild  # YAML and the engine: not for every `status`

        with suppress(EngineError):  # who looks at the history needs no engine
            notices += rebuild(record, layout, outline.name)
    return Workspace(outline, layout, record, tuple(notices))
