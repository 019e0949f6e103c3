"""celadon notify: whether the messages of an environment arrive."""

from pathlib import Path

import click

from celadon.app import telling
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.errors import DONE, FAILED
from celadon.locale import _
from celadon.run import notifying


@click.command("notify", help=_("Send a test message to every address of an environment, and say which took it."))
@arguments.several(arguments.environment, arguments.as_json)
@click.pass_obj
def command(folder: Path, environment: str, as_json: bool) -> int:
    taken = telling.try_it(open_workspace(folder), environment)
    if as_json:
        output.as_json([{"number": n, "scheme": one.scheme, "taken": good} for n, (one, good) in taken.items()])
    for place, (one, good) in taken.items() if not as_json else ():
        words = _("✓ {name} took it") if good else _("✗ {name} did not take it, or not within ten seconds")
        output.styled(words.format(name=notifying.named(place, one)), "green" if good else "bold red")
    return DONE if all(good for _one, good in taken.values()) else FAILED
