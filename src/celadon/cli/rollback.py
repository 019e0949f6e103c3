"""celadon rollback: back to a kept release, exactly as it was."""

from pathlib import Path

import click

from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.locale import _


@click.command("rollback", help=_("Go back to the release before (or RELEASE), with its own image and settings."))
@arguments.several(
    arguments.environment, arguments.services, arguments.to_release, arguments.strategy, arguments.manner
)
@click.pass_obj
def command(
    folder: Path, environment: str, services: tuple[str, ...], to: str, strategy: str | None, manner: Manner
) -> int:
    return carry_out(folder, Request("rollback", environment, services, to=to, stop_first=bool(strategy)), manner)
