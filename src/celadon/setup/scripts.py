"""Thin scripts under the names that hands know: each is one verb."""

from collections.abc import Iterator
from pathlib import Path

from celadon.adapters.drafts import Draft
from celadon.setup.facts import WorkspaceSketch

TEXT = """\
#!/bin/sh
# {what}
exec celadon -C "$(dirname "$0")/.." {verb} "$@"
"""


def drafts(folder: Path, sketch: WorkspaceSketch) -> tuple[Draft, ...]:
    """The scripts of all environments, in scripts/."""
    return tuple(
        Draft(folder / "scripts" / f"{name}.sh", TEXT.format(what=what, verb=verb), 0o755)
        for name, verb, what in _verbs(sketch)
    )


def _verbs(sketch: WorkspaceSketch) -> Iterator[tuple[str, str, str]]:
    """Script, verb, and what it does."""
    deployed = [one.name for one in sketch.environments if not one.from_]
    for name in deployed:
        yield f"deploy-{name}", f"deploy {name}", f"Deploy to {name}: the services named, or all that changed."
        yield f"deploy-all-{name}", f"deploy {name}", f"Deploy all services that changed to {name}, as one."
    for one in sketch.environments:
        if one.from_:
            yield f"promote-{one.name}", f"promote --to {one.name}", f"Bring to {one.name} what {one.from_} runs."
            yield f"rollback-{one.name}", f"rollback {one.name}", f"{one.name} goes back to the release before."
    if deployed:
        yield "build-sequential", f"build {deployed[0]}", "Build images, one at a time, for a later deploy."
    yield "cleanup-docker", "cleanup", "Remove what nothing needs any more; only what Celadon made."
    yield "diagnose-resources", "diagnose", "What is wrong with this server, and what will be."
