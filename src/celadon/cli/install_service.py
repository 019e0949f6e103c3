"""celadon install-service: heal at boot."""

from pathlib import Path

import click

from celadon.app import service
from celadon.cli import output
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command("install-service", help=_("Let systemd run `celadon reconcile` at boot and when Docker starts (root)."))
@click.option("--print", "only_print", is_flag=True, help=_("Show the unit, install nothing."))
@click.pass_obj
def command(folder: Path, only_print: bool) -> None:
    workspace = open_workspace(folder)
    if only_print:
        click.echo(service.unit(workspace), nl=False)
        return
    output.lines([_("Installed and enabled: {file}").format(file=service.install(workspace))])
