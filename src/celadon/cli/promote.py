"""celadon promote: the images that one environment tested go live in the next."""

from pathlib import Path

import click

from celadon.app import acting
from celadon.app.acting import Request
from celadon.app.workspace import open_workspace
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.locale import _


@click.command("promote", help=_("Bring to production (or ENV) the very images that its source environment runs."))
@arguments.several(arguments.services, arguments.to_environment, arguments.yes, arguments.dry_run, arguments.as_json)
@click.pass_obj
def command(folder: Path, services: tuple[str, ...], to: str, yes: bool, dry_run: bool, as_json: bool) -> int:
    environment = acting.target_of_promote(open_workspace(folder), to)
    return carry_out(folder, Request("promote", environment, services), yes=yes, dry_run=dry_run, as_json=as_json)
