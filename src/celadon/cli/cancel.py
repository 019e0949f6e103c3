"""celadon cancel: stop a deployment, safely."""

from pathlib import Path

import click

from celadon.app import runner
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command(
    "cancel", help=_("Stop a deployment: before its commit it is undone, after it the work is finished first.")
)
@arguments.deployment
@click.pass_obj
def command(folder: Path, number: int | None) -> None:
    deployment = runner.cancel(open_workspace(folder), number, output.notice)
    output.lines([
        _("Deployment {number} ({verb} {environment}) was asked to stop: celadon attach {number}").format(
            number=deployment.id, verb=deployment.verb, environment=deployment.environment
        )
    ])  # fmt: skip
