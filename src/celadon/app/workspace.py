"""A workspace that was found: its names, its folder on disk, its record."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from celadon.config.outline import find_file, load_outline
from celadon.config.workspace import Outline
from celadon.errors import ConfigError, EngineError, UsageError
from celadon.locale import _
from celadon.state.layout import Layout, refuse_planted
from celadon.state.names import remember, remembered
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

    A file that is gone or cannot be read any more keeps nobody from looking or from going back: the names are those
    of the last time, and `notices` say so. Raises UsageError and ConfigError where there was none, RefusedError where
    another user of the host may have put it there.
    """
    outline, complaints = _outline(folder)
    layout = Layout(outline.folder, Path(outline.key) if outline.key else None)
    record = Record(layout.record)
    notices = [*complaints]
    if record.aside:
        notices.append(_("The record was ruined; it was put aside as {file}.").format(file=record.aside))
    if record.empty:  # a new workspace, or one that lost its record, or its whole folder
        with suppress(EngineError):  # who looks at the history needs no engine
            notices += _from_elsewhere(record, layout, outline.name)
    return Workspace(outline, layout, record, tuple(notices))


def _from_elsewhere(record: Record, layout: Layout, workspace: str) -> list[str]:
    """Fill an empty record with what frozen releases and containers know; returns what to tell the operator."""
    from celadon.adapters import docker

    containers = docker.containers(workspace)
    if not containers and not layout.every_release():
        return []
    from celadon.run.rebuild import rebuild  # YAML and pydantic: not for every `status`

    return rebuild(record, layout, workspace, containers)


def _outline(folder: Path) -> tuple[Outline, list[str]]:
    """The names in the file, or those of the last time, with what is to be said of it."""
    try:
        outline = load_outline(find_file(folder))
    except (UsageError, ConfigError) as problem:
        if known := remembered(folder):
            words = _("What was read of it last goes on: you can look, roll back, and heal.")
            return known, [problem.message, *problem.evidence, words]
        raise
    refuse_planted(Layout(outline.folder))
    remember(outline)
    return outline, []
