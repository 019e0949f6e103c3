"""The first hour: what the folders say, as a proposal; and its files, written when somebody has agreed."""

from collections.abc import Iterable
from pathlib import Path

from celadon.adapters import drafts, host
from celadon.adapters.drafts import Draft
from celadon.config.positions import shown
from celadon.errors import CeladonError, ConfigError, Problem, UsageError
from celadon.locale import _
from celadon.setup import existing, proposing, scanning, writing
from celadon.setup.finding import Seen
from celadon.setup.proposing import Proposal
from celadon.setup.wishes import Wishes

STAGING, PRODUCTION, WEB = range(4400, 4500), range(4500, 4600), 80


def look(folder: Path, skip: Iterable[str] = ()) -> Seen:
    """What lies below `folder`, less what its compose file has already.

    Raises UsageError where there is nothing that could be a service, or a compose file without `x-celadon`.
    """
    workspace = folder.resolve()
    for name in skip:
        if not (workspace / name).is_dir():
            raise UsageError(_("--skip: there is no folder {folder}.").format(folder=name))
    there = existing.existing(workspace)
    found, without = scanning.scan(workspace, skip)
    if there:
        found = tuple(one for one in found if str((workspace / one.path).resolve()) not in there.folders)
    elif not found:
        raise UsageError(
            _("No folder in {folder} has a Dockerfile: there is nothing to deploy yet.").format(folder=workspace),
            hint=_("Clone your repositories into it, one folder each, and try again."),
        )
    return Seen(workspace.name, found, without, _free(), there)


def propose(seen: Seen, wishes: Wishes) -> Proposal:
    """The workspace that they make, and what had to be guessed of it. Raises UsageError."""
    if seen.there and (wishes.name or wishes.host or wishes.urls or wishes.listens):
        words = _("{file} is there already: its name, addresses and ports are changed in it.")
        raise UsageError(words.format(file=seen.there.file))
    return proposing.propose(seen, wishes)


def files(folder: Path, proposal: Proposal) -> tuple[list[Draft], tuple[str, ...]]:
    """What would be written, less what is so already; and what is to be known of files that stay as they are."""
    made = writing.drafts(folder.resolve(), proposal.sketch)
    return [one for one in made if changes(one)], writing.remarks(folder.resolve())


def write(changed: Iterable[Draft]) -> None:
    """Write them, each whole. Raises CeladonError where the system refuses one; those before it are written."""
    try:
        drafts.write(list(changed))
    except OSError as problem:
        raise CeladonError(
            _("Not everything could be written: {problem}.").format(problem=problem),
            hint=_("Mend that and run it again: what is written is kept, and the rest is added."),
        ) from None


def changes(draft: Draft) -> bool:
    """Whether writing it would change anything. Raises ConfigError for what is in its way."""
    try:
        return draft.changes
    except OSError as problem:
        raise ConfigError([Problem(shown(draft.path), 0, 0, "", str(problem.strerror))]) from None


def _free() -> tuple[int, int]:
    """A port for staging and one for production that nobody listens on; their first ones where all are taken."""
    staging = next((port for port in STAGING if host.can_listen("", port)), STAGING[0])
    production = next((port for port in (WEB, *PRODUCTION) if host.can_listen("", port)), WEB)
    return staging, production
