"""celadon logs: what a service prints."""

from pathlib import Path

import click

from celadon.app import looking
from celadon.cli import arguments
from celadon.cli.opening import open_workspace
from celadon.errors import UsageError
from celadon.locale import _


@click.command("logs", help=_("What a service prints; of the container that users reach."))
@arguments.environment
@arguments.service
@click.option("-f", "--follow", is_flag=True, help=_("Go on showing."))
@click.option("-n", "--tail", default="100", show_default=True, help=_("How many lines, or `all`."))
@click.option("--since", help=_("A time, or an age such as 10m."))
@click.pass_obj
def command(folder: Path, environment: str, service: str, follow: bool, tail: str, since: str | None) -> int:
    if tail != "all" and not tail.isdecimal():
        raise UsageError(_("--tail is a number of lines, or `all`, not `{value}`.").format(value=tail))
    container = looking.container_of(open_workspace(folder), environment, service)
    return looking.show_logs(container, follow=follow, tail=tail, since=since)
