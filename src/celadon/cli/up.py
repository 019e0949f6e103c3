"""celadon up: start an environment."""

from pathlib import Path

import click

from celadon import app
from celadon.cli import arguments, output
from celadon.locale import _


@click.command("up", help=_("Start an environment: network, backing services, router, and what was live."))
@arguments.environment
@click.pass_obj
def command(folder: Path, environment: str) -> None:
    with output.Terminal() as terminal:
        app.up(app.open_workspace(folder), environment, terminal)
