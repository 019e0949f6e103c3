"""celadon attach: look at a deployment that runs."""

from pathlib import Path

import click

from celadon.app import runner
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command("attach", help=_("Show a deployment from its start and follow it; Ctrl-C only leaves it."))
@arguments.deployment
@click.pass_obj
def command(folder: Path, number: int | None) -> None:
    workspace = open_workspace(folder)
    deployment = runner.chosen(workspace, number)
    output.lines([_("Deployment {number}: {verb} {environment}, by {user}, since {since}").format(
        number=deployment.id, verb=deployment.verb, environment=deployment.environment, user=deployment.by,
        since=deployment.asked)])  # fmt: skip
    with output.Terminal() as terminal:
        runner.follow(workspace, deployment.id, terminal)
