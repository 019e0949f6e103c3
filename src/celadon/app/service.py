"""Celadon as a service of the host: one unit a workspace."""

from pathlib import Path

from celadon.adapters import systemd
from celadon.app.workspace import Workspace
from celadon.config import ownership
from celadon.config.values import NAME
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.run import lock_folder


def unit(workspace: Workspace) -> str:
    """The systemd unit that runs `reconcile` for this workspace, as its owner."""
    outline = workspace.outline
    if not NAME.fullmatch(outline.name):  # a variable that Compose puts in: the file would bear its name
        raise RefusedError(
            _("The systemd unit is named after the workspace, so the name `{name}` must not contain variables.").format(
                name=outline.name
            ),
            hint=_("Set `name` in compose.yaml to a fixed value."),
        )
    return systemd.unit(outline.name, outline.folder, ownership.name(outline.folder.stat().st_uid))


def temporary_files() -> str:
    """The tmpfiles.d entry for the folder of the host's lock."""
    group = lock_folder.engine_group() or 0
    return systemd.temporary(lock_folder.FOLDER, lock_folder.MODE, lock_folder.group_name(group))


def install(workspace: Workspace) -> Path:
    """Write and enable the unit. Raises RefusedError where the host does not let it."""
    return systemd.install(workspace.outline.name, unit(workspace), temporary_files())
