"""The names in the workspace's file, kept for the day when it is gone or cannot be read."""

import json
from dataclasses import asdict
from pathlib import Path

from celadon.config.workspace import Outline
from celadon.errors import RefusedError
from celadon.state.layout import Layout, refuse_planted, write_private


def remember(outline: Outline) -> None:
    """Keep the names, as the file has them now."""
    kept, text = Layout(outline.folder).names, json.dumps({**asdict(outline), "folder": "", "file": outline.file.name})
    if not kept.exists() or kept.read_text(encoding="utf-8") != text:
        write_private(kept, text)


def remembered(folder: Path) -> Outline | None:
    """The names as they were when the file in `folder`, or in one above it, could be read last; None without any."""
    for place in (folder.resolve(), *folder.resolve().parents):
        try:
            refuse_planted(Layout(place))
            found = json.loads(Layout(place).names.read_text(encoding="utf-8"))
            several = {key: tuple(found[key]) for key in ("environments", "services")}
            return Outline(**{**found, **several, "folder": place, "file": place / found["file"]})
        except (RefusedError, OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return None
