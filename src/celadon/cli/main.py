"""The command: verbs loaded as they are used, one error boundary, fixed exit codes."""

import importlib
import os
import sys
import traceback
from pathlib import Path

import click

from celadon import __version__
from celadon.errors import BUG, CANCELLED, DONE, USAGE, CeladonError
from celadon.locale import _

# Verb → its module and its line in --help. Modules are imported when a verb runs: `--help` stays instant.
VERBS = {
    "build": ("build", _("Build images, one at a time, for a later deploy.")),
    "completion": ("completion", _("Print the shell's completion script.")),
    "deploy": ("deploy", _("Fetch, build and switch services of an environment, without losing a request.")),
    "down": ("down", _("Stop an environment; the record stays.")),
    "exec": ("exec", _("Run a command in the container that users reach.")),
    "history": ("history", _("What was deployed, promoted and rolled back, by whom, and how it ended.")),
    "logs": ("logs", _("What a service prints.")),
    "plan": ("plan", _("Show what deploy, promote or rollback would do.")),
    "promote": ("promote", _("Bring to production the very images that staging runs.")),
    "releases": ("releases", _("Releases that are kept, and what a rollback brings back.")),
    "rollback": ("rollback", _("Go back to the release before, exactly as it was.")),
    "status": ("status", _("What runs where, in one table.")),
    "up": ("up", _("Start an environment: network, backing services, router, what was live.")),
}


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Verbs")):
            formatter.write_dl([(name, text) for name, (_module, text) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, 1)
            hint = _(" Did you mean `{name}`?").format(name=near[0]) if near else ""
            ctx.fail(_("There is no verb `{name}`.").format(name=args[0]) + hint)
        return super().resolve_command(ctx, args)


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help=_("Deploys many Docker services to one small server, and never hurts what runs there."),
)
@click.version_option(__version__, prog_name="celadon")
@click.option(
    "-C", "folder", metavar="FOLDER", default=".", help=_("The workspace, or a folder in it (default: here)."),
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)  # fmt: skip
@click.pass_context
def celadon(ctx: click.Context, folder: Path) -> None:
    ctx.obj = folder


def main() -> None:
    """Run the command and leave with its code: 0 done, 1 failed, 2 usage, 3 bug, 130 cancelled."""
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    try:
        code = celadon.main(argv, prog_name="celadon", standalone_mode=False)
    except CeladonError as problem:
        from celadon.cli import output

        output.error(problem)
        return problem.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        click.echo(_("Cancelled; nothing was done."), err=True)
        return CANCELLED
    except click.ClickException as problem:
        problem.show()
        return USAGE
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:  # `celadon history | head` is no mistake
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception:
        from celadon.cli import output

        output.bug(_bug_report(argv))
        return BUG
    return code if isinstance(code, int) else DONE


def _bug_report(argv: list[str]) -> str:
    place = f"celadon {__version__}, Python {sys.version.split()[0]}, {sys.platform}"
    return f"{place}\nceladon {' '.join(argv)}\n{traceback.format_exc()}"


if __name__ == "__main__":
    main()
