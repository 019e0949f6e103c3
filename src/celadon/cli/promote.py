"""celadon promote: the images that one environment tested go live in the next."""

from pathlib import Path

import click

from celadon.app import configs
from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command("promote", help=_("Bring to production (or ENV) the very images that its source environment runs."))
@arguments.several(arguments.services, arguments.to_environment, arguments.strategy, arguments.manner)
@click.pass_obj
def command(folder: Path, services: tuple[str, ...], to: str, strategy: str | None, manner: Manner) -> int:
    environment = configs.target_of_promote(open_workspace(folder), to)
    return carry_out(folder, Request("promote", environment, services, stop_first=bool(strategy)), manner)
