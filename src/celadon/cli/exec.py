"""celadon exec: a command in the container that users reach."""

import sys
from pathlib import Path

import click

from celadon.app import audit, looking
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command(
    "exec",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    help=_("Run a command in the container that users reach: celadon exec production saleshub -- sh"),
)
@arguments.environment
@arguments.service
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def command(folder: Path, environment: str, service: str, words: tuple[str, ...]) -> int:
    workspace = open_workspace(folder)
    container = looking.container_of(workspace, environment, service)
    argv = words[1:] if words[0] == "--" else words
    with audit.command(workspace.layout, "exec", output.notice, environment, service, argv) as said:
        code = said["code"] = looking.open_shell(container, argv, terminal=sys.stdin.isatty() and sys.stdout.isatty())
        return code
