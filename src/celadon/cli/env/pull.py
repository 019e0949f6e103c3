"""celadon env pull: an env file as Doppler, or any command, has it now."""

from dataclasses import asdict
from pathlib import Path

import click

from celadon.adapters import drafts
from celadon.app import audit, pulling
from celadon.cli import arguments, output
from celadon.cli.agreeing import agree
from celadon.config.positions import shown
from celadon.locale import _


@click.command(
    "pull",
    short_help=_("Take variables from Doppler, or from a command."),
    help=_("Write an environment's env file as Doppler, or a command, has it (x-celadon.secrets)."),
)
@arguments.environment
@arguments.yes
@click.option("--dry-run", is_flag=True, help=_("Only show which variables would change."))
@arguments.as_json
@click.pass_obj
def command(folder: Path, environment: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    draft = pulling.pull(folder, environment, lambda words: output.notices([words]))
    changes = draft.changes
    told = {"file": str(draft.path), **asdict(drafts.changed(draft.before, draft.text))}
    if not as_json:
        output.diff(drafts.diff(draft))
    if changes and not dry_run:
        agree(_("Write {file}?").format(file=shown(draft.path)), yes=yes)
        with audit.act(
            audit.of_folder(folder), "env pull", output.notice, environment=environment, files=[shown(draft.path)]
        ):
            drafts.write([draft])
    written = changes and not dry_run
    if as_json:
        output.as_json({**told, "written": written})
    elif not changes:
        output.lines([_("{file} is as its source has it; nothing to do.").format(file=shown(draft.path))])
    elif written:
        output.lines([_("{file} was written. The next deploy takes it.").format(file=shown(draft.path))])
