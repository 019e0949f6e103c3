"""celadon env: variables of environments, and where they come from."""

import click

from celadon.cli.env import check, diff, edit, pull, run
from celadon.locale import _


@click.group("env", help=_("Variables of environments: pulled, compared, checked, edited; no value is ever shown."))
def command() -> None:
    pass


for one in (pull, diff, check, edit, run):
    command.add_command(one.command)
