"""celadon build: images for a later deploy."""

from pathlib import Path

import click

from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.locale import _


@click.command("build", help=_("Build images, one at a time, for a later deploy; nothing that runs changes."))
@arguments.several(arguments.environment, arguments.services, arguments.ref, arguments.force, arguments.manner)
@click.pass_obj
def command(folder: Path, environment: str, services: tuple[str, ...], ref: str, force: bool, manner: Manner) -> int:
    return carry_out(folder, Request("build", environment, services, ref=ref, force=force), manner)
