"""celadon import: an old compose file and its nginx.conf become a workspace."""

from dataclasses import asdict
from pathlib import Path

import click

from celadon.app import audit, importing
from celadon.app.importing import Proposal
from celadon.cli import arguments, output
from celadon.cli.agreeing import agree
from celadon.config.positions import shown
from celadon.errors import DONE
from celadon.locale import _
from celadon.setup.tale import BY_HAND, CARRIED, CONTRADICTION, LEFT

_KINDS = {CARRIED: _("became"), LEFT: _("left out"), BY_HAND: _("by hand"), CONTRADICTION: "!" + _("contradiction")}


@click.command(
    "import",
    help=_(
        "Make compose.yaml out of a compose file whose services are there once for each environment (hub-staging, "
        "hub-prod, profiles), or only once, and the nginx.conf before them. A diff and a table come first."
    ),
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--nginx", "nginx", metavar="FILE", multiple=True, type=click.Path(path_type=Path),
              help=_("nginx's configuration; without it, what the compose file mounts into nginx."))  # fmt: skip
@arguments.yes
@click.option("--dry-run", is_flag=True, help=_("Show the diff and the table, write nothing."))
@arguments.as_json
@click.pass_obj
def command(folder: Path, file: Path, nginx: tuple[Path, ...], yes: bool, dry_run: bool, as_json: bool) -> int:
    proposal = importing.propose(file, nginx, folder)
    if not as_json:
        output.diff(proposal.diff())
        _show(proposal)
    if not dry_run and proposal.drafts:
        agree(_("Write these files?"), yes=yes)
        proposal.write()
        audit.wrote(folder.resolve(), "import", output.notice, [shown(draft.path) for draft in proposal.drafts])
    if as_json:
        output.as_json(_document(proposal, dry_run=dry_run))
    else:
        output.lines([_last_word(proposal, dry_run=dry_run)])
    return DONE


def _show(proposal: Proposal) -> None:
    output.lines([""])
    output.table(("", _("WHERE"), _("BEFORE"), _("NOW")), [
        (_KINDS[row.kind], str(row.spot), row.what, row.became) for row in proposal.rows
    ], whole=(_("WHERE"),))  # fmt: skip
    output.lines([""])


def _document(proposal: Proposal, *, dry_run: bool) -> dict[str, object]:
    """What --json prints: the table, the files, and whether they are written."""
    return {
        "rows": [{"kind": row.kind, **asdict(row.spot), "what": row.what, "now": row.became} for row in proposal.rows],
        "files": [shown(draft.path) for draft in proposal.drafts],
        "kept": [shown(draft.path) for draft in proposal.kept],
        "written": bool(proposal.drafts) and not dry_run,
    }


def _last_word(proposal: Proposal, *, dry_run: bool) -> str:
    files = ", ".join(shown(draft.path) for draft in proposal.drafts)
    if not files:
        return _("Nothing to write: everything is as it would be.")
    if dry_run:
        return _("Nothing was written. These would be: {files}").format(files=files)
    kept = ", ".join(shown(draft.path) for draft in proposal.kept)
    there = _("What was there is kept as {file}.").format(file=kept) + " " if kept else ""
    return _("Written: {files}. {there}Next: celadon check").format(files=files, there=there)
