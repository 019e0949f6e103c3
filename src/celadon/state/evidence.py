"""What is known of an image, in files beside the releases: kept as long as a release or a build has the image."""

import json
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from celadon.state.layout import Layout, write_private

PROVENANCE, SBOM, SIGNATURE = "provenance", "sbom", "signature"
_ID = re.compile(r"sha256:([0-9a-f]{64})")


def scan(environment: str) -> str:
    """The kind under which an environment's last scan of an image is kept."""
    return f"scan-{environment}"


def file(layout: Layout, image_id: str, kind: str) -> Path | None:
    """Where this kind of evidence of an image is kept; None for what is no image id."""
    match = _ID.fullmatch(image_id)
    return layout.evidence / match[1] / f"{kind}.json" if match else None


def keep(layout: Layout, image_id: str, kind: str, document: Mapping[str, Any]) -> None:
    """Keep one kind of evidence of an image, in place of an earlier one."""
    if place := file(layout, image_id, kind):
        write_private(place, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def found(layout: Layout, image_id: str, kind: str) -> dict[str, Any] | None:
    """What is kept of this kind; None where nothing is, or nothing that can be read."""
    place = file(layout, image_id, kind)
    try:
        kept = json.loads(place.read_text(encoding="utf-8")) if place else None
    except (OSError, ValueError, RecursionError):
        return None
    return kept if isinstance(kept, dict) else None


def prune(layout: Layout, image_ids: Collection[str]) -> None:
    """Remove what is kept of images other than `image_ids`."""
    kept = {match[1] for one in image_ids if (match := _ID.fullmatch(one))}
    for folder in layout.evidence.glob("*"):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
