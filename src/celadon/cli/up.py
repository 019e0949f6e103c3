"""celadon up: start an environment."""

from pathlib import Path

import click

from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.locale import _


@click.command("up", help=_("Start an environment: network, backing services, router, and what was live."))
@arguments.several(arguments.environment, arguments.manner)
@click.pass_obj
def command(folder: Path, environment: str, manner: Manner) -> int:
    return carry_out(folder, Request("up", environment), manner)
