"""celadon cleanup: what nothing needs any more goes; nobody else's."""

from pathlib import Path

import click

from celadon.app import cleaning
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _, ngettext
from celadon.locale.numbers import size
from celadon.locale.words import called


@click.command(
    "cleanup",
    help=_(
        "Remove releases beyond `keep`, images without a name, and build cache while the disk is below its floor. "
        "Only what this workspace made, and nothing that runs, is live, or that a rollback brings back."
    ),
)
@click.option("--dry-run", is_flag=True, help=_("Only show what would go, how large it is, and why."))
@arguments.several(arguments.as_json)
@click.pass_obj
def command(folder: Path, dry_run: bool, as_json: bool) -> None:
    workspace = open_workspace(folder)
    with output.Terminal(stderr=as_json) as terminal:
        if dry_run:
            waste, freed = cleaning.look(workspace, terminal), None
        else:
            cleaned = cleaning.clean(workspace, terminal)
            waste, freed = cleaned.waste, cleaned.freed
    rows = waste.rows()
    if as_json:
        keys = ("kind", "name", "bytes", "why")
        output.as_json({"objects": [dict(zip(keys, row, strict=True)) for row in rows], "bytes": waste.bytes,
                        "freed": freed})  # fmt: skip
        return
    if rows:
        heads = (_("WHAT"), _("NAME"), _("SIZE"), _("WHY"))
        output.table(heads, [(called(kind), name, size(count), why) for kind, name, count, why in rows])
    output.lines([_summary(len(rows), waste.bytes, freed)])


def _summary(count: int, bytes_: int, freed: int | None) -> str:
    if not count:
        return _("Nothing to clean up.")
    if freed is None:
        words = ngettext("{n} object may go, about {bytes}. Nothing was changed.",
                         "{n} objects may go, about {bytes}. Nothing was changed.", count)  # fmt: skip
        return words.format(n=count, bytes=size(bytes_))
    words = ngettext("{n} object went; {bytes} more are free.", "{n} objects went; {bytes} more are free.", count)
    return words.format(n=count, bytes=size(max(0, freed)))
