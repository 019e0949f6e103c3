"""celadon env run: one command with a live release's image and environment."""

import sys
from pathlib import Path

import click

from celadon.app import one_off
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command(
    "run",
    short_help=_("Run a command beside what is live."),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    help=_("Run a command in a new container of the live release, removed afterwards: "
           "celadon env run production saleshub -- npm run report"),
)  # fmt: skip
@arguments.environment
@arguments.service
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def command(folder: Path, environment: str, service: str, words: tuple[str, ...]) -> int:
    argv = words[1:] if words[0] == "--" else words
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    report = output.Terminal(stderr=True)
    return one_off.run(open_workspace(folder), environment, service, argv, report, terminal=terminal)
