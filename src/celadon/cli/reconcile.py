"""celadon reconcile: make the server equal to the record, by hand or at boot."""

from pathlib import Path

import click

from celadon.app import healing
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command("reconcile", help=_("Heal what a killed run or a reboot left; every verb that acts does it first."))
@arguments.several(arguments.environments, arguments.as_json)
@click.pass_obj
def command(folder: Path, environments: tuple[str, ...], as_json: bool) -> None:
    with output.Terminal(stderr=as_json) as terminal:
        done = healing.heal_all(open_workspace(folder), environments, terminal)
    if as_json:
        output.as_json(done)
        return
    lines = [f"{environment}: {line}" for environment, told in done.items() for line in told]
    output.lines(lines or [_("Nothing to do: the server is what the record says.")])
