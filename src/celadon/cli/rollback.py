"""celadon rollback: back to a kept release, exactly as it was."""

from pathlib import Path

import click

from celadon.app.acting import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.locale import _


@click.command("rollback", help=_("Go back to the release before (or RELEASE), with its own image and settings."))
@arguments.several(
    arguments.environment, arguments.services, arguments.to_release, arguments.yes, arguments.dry_run, arguments.as_json
)
@click.pass_obj
def command(
    folder: Path, environment: str, services: tuple[str, ...], to: str, yes: bool, dry_run: bool, as_json: bool
) -> int:
    request = Request("rollback", environment, services, to=to)
    return carry_out(folder, request, yes=yes, dry_run=dry_run, as_json=as_json)
