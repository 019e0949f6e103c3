"""celadon deploy: fetch, build, and switch services of an environment."""

from pathlib import Path

import click

from celadon.app.acting import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.locale import _


@click.command("deploy", help=_("Fetch, build and switch services of an environment; all of them, or those named."))
@arguments.several(
    arguments.environment, arguments.services, arguments.ref, arguments.force, arguments.yes, arguments.dry_run,
    arguments.as_json,
)  # fmt: skip
@click.pass_obj
def command(
    folder: Path, environment: str, services: tuple[str, ...], ref: str, force: bool, yes: bool, dry_run: bool,
    as_json: bool,
) -> int:  # fmt: skip
    request = Request("deploy", environment, services, ref=ref, force=force)
    return carry_out(folder, request, yes=yes, dry_run=dry_run, as_json=as_json)
