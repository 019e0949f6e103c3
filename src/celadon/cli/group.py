"""The command as click knows it: verbs loaded as they are used."""

import difflib
import importlib
from pathlib import Path

import click

from celadon import __version__
from celadon.cli.verbs import VERBS, help_text
from celadon.errors import UsageError
from celadon.locale import _


class Verbs(click.Group):
    """A group whose verbs are modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"celadon.cli.{VERBS[name][0]}")
        command: click.Command = module.command
        return command

    def get_help(self, ctx: click.Context) -> str:
        return help_text().rstrip("\n")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, 1)
            hint = _(" Did you mean `{name}`?").format(name=near[0]) if near else ""
            ctx.fail(_("There is no verb `{name}`.").format(name=args[0]) + hint)
        return super().resolve_command(ctx, args)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="celadon")
@click.option("-C", "folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def celadon(ctx: click.Context, folder: Path) -> None:
    try:
        Path.cwd()
    except FileNotFoundError:  # removed behind the terminal's back
        hint = _("Go to another one, or, where it was made anew: {command}").format(command='cd "$PWD"')
        raise UsageError(_("The folder that you are in is no longer there."), hint=hint) from None
    ctx.obj = folder
