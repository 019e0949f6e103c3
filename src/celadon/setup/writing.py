"""Everything that a workspace needs, as drafts: what is there already is kept, and only what it lacks is added."""

from pathlib import Path

from celadon.adapters.drafts import Draft
from celadon.check.folders import text_of
from celadon.config.outline import NAMES
from celadon.config.positions import read
from celadon.setup import composing, envfiles, ignoring, keys, scripts
from celadon.setup.existing import compose_file
from celadon.setup.facts import WorkspaceSketch


def drafts(folder: Path, sketch: WorkspaceSketch) -> tuple[Draft, ...]:
    """compose.yaml, env files, keys, .gitignore, scripts; those that change nothing are among them.

    A compose file with `x-celadon` gets the services that it lacks, by name; one without is written anew, whole.
    Raises ConfigError for one that is no YAML, UsageError for one that cannot be added to.
    """
    return (_compose(folder, sketch), *envfiles.drafts(folder, sketch), *keys.drafts(folder), ignoring.draft(folder),
            *scripts.drafts(folder, sketch))  # fmt: skip


def remarks(folder: Path) -> tuple[str, ...]:
    """What an operator should know of files that were left as they are."""
    return tuple(filter(None, [keys.remark(folder)]))


def _compose(folder: Path, sketch: WorkspaceSketch) -> Draft:
    file = compose_file(folder)
    data = read(file).data if file else {}
    if file is None or "x-celadon" not in data:
        return Draft(folder / NAMES[0], composing.document(sketch))
    lacking = [one for one in sketch.services if one.name not in (data.get("services") or {})]
    return Draft(file, composing.added(text_of(file), lacking))
