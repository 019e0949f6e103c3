"""celadon deploy: fetch, build, and switch services of an environment."""

from pathlib import Path

import click

from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.locale import _


@click.command("deploy", help=_("Fetch, build and switch services of an environment; all of them, or those named."))
@arguments.several(
    arguments.environment, arguments.services, arguments.ref, arguments.force, arguments.strategy, arguments.manner
)
@click.pass_obj
def command(
    folder: Path,
    environment: str,
    services: tuple[str, ...],
    ref: str,
    force: bool,
    strategy: str | None,
    manner: Manner,
) -> int:
    return carry_out(
        folder, Request("deploy", environment, services, ref=ref, force=force, stop_first=bool(strategy)), manner
    )
