"""Arguments that verbs share, with their completion."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from celadon.locale import _

Function = TypeVar("Function", bound=Callable[..., Any])


def _names(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    def complete(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
        from celadon.config.outline import find_file, load_outline
        from celadon.errors import CeladonError

        root = ctx.find_root()
        folder = root.params.get("folder") or Path()
        try:
            outline = load_outline(find_file(Path(folder)))
        except CeladonError:
            return []  # completion never complains
        names = outline.environments if kind == "environment" else outline.services
        return [name for name in names if name.startswith(begun)]

    return complete


def _a_ref(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from celadon.errors import UsageError

    if value is not None and (not value or value.startswith("-") or any(letter.isspace() for letter in value)):
        words = _("`{value}` is no branch, tag or commit.").format(value=value)
        raise UsageError(words, hint="celadon deploy ENV --ref main")
    return value


LARGEST = (1 << 63) - 1  # that SQLite can count to


class _Number(click.IntRange):
    name = "number"  # as what is wrong with one says it

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return min(int(super().convert(value, param, ctx)), LARGEST)


NUMBER = _Number(min=1)
environment = click.argument("environment", metavar="ENV", shell_complete=_names("environment"))
environment_or_all = click.argument(
    "environment", metavar="[ENV]", required=False, shell_complete=_names("environment")
)
environments = click.argument("environments", metavar="[ENV]...", nargs=-1, shell_complete=_names("environment"))
deployment = click.argument("number", metavar="[NUMBER]", type=NUMBER, required=False)
service = click.argument("service", shell_complete=_names("service"))
services = click.argument("services", metavar="[SERVICE]...", nargs=-1, shell_complete=_names("service"))
ref = click.option("--ref", callback=_a_ref, help=_("A branch, tag or commit (for an image from a registry: its tag)."))
force = click.option("--force", is_flag=True, help=_("Build even where nothing changed."))
to_environment = click.option(
    "--to", "to", metavar="ENV", shell_complete=_names("environment"), help=_("Where to promote to.")
)
to_release = click.option("--to", "to", metavar="RELEASE", help=_("A kept release, instead of the one before."))
strategy = click.option(
    "--strategy",
    type=click.Choice(["replace"]),
    help=_("Stop what runs before its successor starts, where memory does not hold both: a downtime."),
)
yes = click.option("-y", "--yes", is_flag=True, help=_("Do not ask."))
as_json = click.option("--json", "as_json", is_flag=True, help=_("For machines."))


@dataclass(frozen=True)
class Manner:
    """How a verb that acts is to be done: asking or not, really or only shown, followed or left to itself."""

    yes: bool = False
    dry_run: bool = False
    as_json: bool = False
    detach: bool = False


_MANNERS = (
    yes,
    click.option("--dry-run", is_flag=True, help=_("Show the plan, change nothing.")),
    click.option("--json", "as_json", is_flag=True, help=_("For machines.")),
    click.option("--detach", is_flag=True, help=_("Do not follow it: print its number and return.")),
)


def manner(function: Callable[..., int]) -> Callable[..., int]:
    """The options that all verbs that act share, gathered in the argument `manner`."""

    @functools.wraps(function)
    def gathered(*args: Any, yes: bool, dry_run: bool, as_json: bool, detach: bool, **words: Any) -> int:
        return function(*args, manner=Manner(yes, dry_run, as_json, detach), **words)

    return several(*_MANNERS)(gathered)


def several(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Apply decorators in the order in which they are written."""

    def apply(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return apply
