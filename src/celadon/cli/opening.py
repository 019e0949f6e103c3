"""Opening a workspace for a verb: what was noticed on the way is said before anything else."""

from pathlib import Path

from celadon.app import workspace
from celadon.app.workspace import Workspace
from celadon.cli import output


def open_workspace(folder: Path) -> Workspace:
    """The workspace of `folder`. Raises UsageError without a compose file, ConfigError for one that cannot be read."""
    opened = workspace.open_workspace(folder)
    if opened.notices:
        output.notices(opened.notices)
    return opened
