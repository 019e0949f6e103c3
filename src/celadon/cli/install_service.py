"""celadon install-service: reconcile at boot."""

from pathlib import Path

import click

from celadon.adapters import systemd
from celadon.app import audit, service
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
        click.echo(f"\n# {systemd.TEMPORARY}\n{service.temporary_files()}", nl=False)
        return
    with audit.act(workspace.layout, "install-service", output.notice):
        file = service.install(workspace)
    output.lines([_("Installed and enabled: {file}").format(file=file)])
