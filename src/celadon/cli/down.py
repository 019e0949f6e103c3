"""celadon down: stop an environment."""

from pathlib import Path

import click

from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.locale import _


@click.command(
    "down", help=_("Stop and remove an environment's containers and network; `up` brings back what was live.")
)
@click.option("--volumes", is_flag=True, help=_("Remove its data, releases and image tags as well."))
@arguments.several(arguments.environment, arguments.manner)
@click.pass_obj
def command(folder: Path, environment: str, volumes: bool, manner: Manner) -> int:
    return carry_out(folder, Request("down", environment, volumes=volumes), manner)
