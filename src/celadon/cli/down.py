"""celadon down: stop an environment."""

import sys
from pathlib import Path

import click

from celadon.app import environment as environments
from celadon.app.workspace import open_workspace
from celadon.cli import arguments, output
from celadon.errors import UsageError
from celadon.locale import _


@click.command(
    "down", help=_("Stop and remove an environment's containers and network; `up` brings back what was live.")
)
@arguments.environment
@click.option("--volumes", is_flag=True, help=_("Remove its data, releases and image tags as well."))
@arguments.yes
@click.pass_obj
def command(folder: Path, environment: str, volumes: bool, yes: bool) -> None:
    workspace = open_workspace(folder)
    workspace.outline.environment(environment)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(_("down asks first, and nobody is at the terminal."), hint=_("Say yes with -y."))
        loss = _("Its data is removed for good. ") if volumes else ""
        click.confirm(loss + _("Stop {environment}?").format(environment=environment), abort=True)
    with output.Terminal() as terminal:
        environments.down(workspace, environment, terminal, volumes=volumes)
