"""Celadon as a service of the host: one unit a workspace."""

from pathlib import Path

from celadon.adapters import systemd
from celadon.app.workspace import Workspace


def unit(workspace: Workspace) -> str:
    """The systemd unit that heals this workspace, as its owner."""
    outline = workspace.outline
    return systemd.unit(outline.name, outline.folder, outline.folder.owner())


def install(workspace: Workspace) -> Path:
    """Write and enable the unit. Raises RefusedError where the host does not let it."""
    return systemd.install(workspace.outline.name, unit(workspace))
