"""The command as click knows it: verbs loaded as they are used."""

import difflib
import importlib
from pathlib import Path

import click

from celadon import __version__
from celadon.cli.cells import Formatter
from celadon.cli.verbs import VERBS, help_text
from celadon.errors import UsageError
from celadon.locale import _

# What other tools, and people, call it → the verb here.
ALIKE = {
    "apply": "deploy", "ship": "deploy", "release": "deploy", "publish": "deploy", "push": "deploy", "switch": "deploy",
    "pull": "deploy", "fetch": "deploy", "upgrade": "deploy", "update": "deploy", "redeploy": "deploy",
    "ls": "status", "list": "status", "ps": "status", "details": "status", "info": "status", "stats": "status",
    "top": "status", "containers": "status", "services": "status", "app": "status", "images": "releases",
    "versions": "releases", "tags": "releases",
    "start": "up", "restart": "up", "boot": "up", "setup": "up", "run": "exec", "ssh": "exec", "shell": "exec",
    "stop": "down", "kill": "cancel", "abort": "cancel", "unlock": "cancel", "remove": "down", "rm": "down",
    "destroy": "down", "prune": "cleanup", "clean": "cleanup", "gc": "cleanup", "purge": "cleanup",
    "doctor": "diagnose", "debug": "diagnose", "health": "diagnose", "inspect": "diagnose",
    "lint": "check", "validate": "check", "verify": "check", "config": "check", "test": "check",
    "revert": "rollback", "undo": "rollback", "back": "rollback", "log": "logs", "tail": "logs",
    "events": "history", "deployments": "history", "watch": "attach", "follow": "attach",
    "dry-run": "plan", "diff": "plan", "preview": "plan", "heal": "reconcile", "repair": "reconcile",
    "fix": "reconcile", "help": "docs", "man": "docs", "manual": "docs", "reference": "docs", "schema": "docs",
    "new": "init", "create": "init", "secrets": "env", "systemd": "install-service", "service": "install-service",
}  # fmt: skip

click.Context.formatter_class = Formatter  # of every verb, whatever module it is in


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
            near = _verb_like(args[0].lower())
            meant = _("Did you mean `{name}`?").format(name=f"celadon {near}")
            words = _("There is no verb `{name}`.").format(name=args[0])
            raise UsageError(words, hint=meant if near else _("All verbs: celadon --help"))
        return super().resolve_command(ctx, args)


def _verb_like(word: str) -> str | None:
    """The verb that `word` means: another tool's name of it, or the nearest in letters."""
    if (verb := ALIKE.get(word)) in VERBS:
        return verb
    near = difflib.get_close_matches(word, VERBS, 1) or difflib.get_close_matches(word, ALIKE, 1, 0.8)
    verb = ALIKE.get(near[0], near[0]) if near else None
    return verb if verb in VERBS else None


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
