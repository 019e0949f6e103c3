"""Everything that a workspace needs, as drafts: what is there already is kept, and only what it lacks is added."""

from pathlib import Path

from celadon.adapters.drafts import Draft
from celadon.config.outline import NAMES
from celadon.config.positions import read
from celadon.setup import composing, envfiles, ignoring, keys, scripts
from celadon.setup.facts import WorkspaceSketch


def drafts(folder: Path, sketch: WorkspaceSketch) -> tuple[Draft, ...]:
    """compose.yaml, env files, keys, .gitignore, scripts; those that change nothing are among them.

    A compose file with `x-celadon` gets the services that it lacks, by name; one without is written anew, whole.
    Raises ConfigError for one that is no YAML, UsageError for one that cannot be added to.
    """
    compose = compose_draft(folder, sketch)
    return (compose, *envfiles.drafts(folder, sketch), *keys.drafts(folder), ignoring.draft(folder),
            *scripts.drafts(folder, sketch))  # fmt: skip


def remarks(folder: Path) -> tuple[str, ...]:
    """What an operator should know of files that were left as they are."""
    return tuple(filter(None, [keys.remark(folder)]))


def compose_draft(folder: Path, sketch: WorkspaceSketch) -> Draft:
    file = celadons_own(folder)
    if file is None:
        return Draft(folder / NAMES[0], composing.document(sketch))
    there = read(file).data.get("services") or {}
    lacking = [one for one in sketch.services if one.name not in there]
    return Draft(file, composing.added(file.read_text(encoding="utf-8"), lacking))


def celadons_own(folder: Path) -> Path | None:
    """The compose file in `folder` that has `x-celadon`, if there is one. Raises ConfigError for what is no YAML."""
    found = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    return found if found and "x-celadon" in read(found).data else None
