"""celadon up: start an environment."""

from pathlib import Path

import click

from celadon.app import environment as environments
from celadon.app.workspace import open_workspace
from celadon.cli import arguments, output
from celadon.locale import _


@click.command("up", help=_("Start an environment: network, backing services, router, and what was live."))
@arguments.environment
@click.pass_obj
def command(folder: Path, environment: str) -> None:
    with output.Terminal() as terminal:
        environments.up(open_workspace(folder), environment, terminal)
