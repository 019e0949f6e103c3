"""celadon drill: prove that a way back works, before it is needed."""

from pathlib import Path

import click

from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.locale import _


@click.group("drill", help=_("Prove, without switching anything, that a way back works."))
def command() -> None:
    pass


@command.command(
    "rollback", help=_("Start what a rollback would bring back, ask it how it is, and remove it again; users see none.")
)
@arguments.several(arguments.environment, arguments.services, arguments.to_release, arguments.manner)
@click.pass_obj
def rollback(folder: Path, environment: str, services: tuple[str, ...], to: str, manner: Manner) -> int:
    return carry_out(folder, Request("drill", environment, services, to=to), manner)
