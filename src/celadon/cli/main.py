"""Where the command begins: one error boundary, fixed exit codes."""

import gc
import io
import os
import sys
from typing import TYPE_CHECKING

from celadon.cli.verbs import help_text

if TYPE_CHECKING:
    import click

    from celadon.errors import UsageError

HELP: tuple[list[str], ...] = ([], ["-h"], ["--help"])


def main() -> None:
    """Run the command and leave with its code: 0 done, 1 failed, 2 usage, 3 bug, 130 cancelled."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?", and ends nothing
    if sys.argv[1:] in HELP and "_CELADON_COMPLETE" not in os.environ:
        sys.stdout.write(help_text())
        return
    gc.set_threshold(50_000)  # loading makes many objects and no garbage; looking for some takes a tenth of `status`
    code = run(sys.argv[1:])
    gc.freeze()  # or the interpreter looks through all that was loaded once more before it ends
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Run a verb; every error becomes words and a code here, and nowhere else."""
    import click

    from celadon.cli.group import celadon
    from celadon.errors import BUG, CANCELLED, DONE, USAGE, CeladonError, Followed, bug_report, of_the_system
    from celadon.locale import _

    try:
        code = celadon.main(argv, prog_name="celadon", standalone_mode=False)
    except CeladonError as problem:
        from celadon.cli import output

        output.bug(problem.trace) if isinstance(problem, Followed) and problem.trace else output.error(problem)
        return problem.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        click.echo(_("Cancelled; nothing was done."), err=True)
        return CANCELLED
    except click.exceptions.NoArgsIsHelpError as problem:
        problem.show()
        return USAGE
    except click.ClickException as problem:
        from celadon.cli import output

        output.error(_of_click(problem))
        return USAGE
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:  # `celadon history | head` is no mistake
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as problem:
        from celadon.cli import output

        if (known := of_the_system(problem)) is None:
            output.bug(bug_report(["celadon", *argv]))
            return BUG
        output.error(known)
        return known.exit_code
    return code if isinstance(code, int) else DONE


def _of_click(problem: "click.ClickException") -> "UsageError":
    """What click finds wrong with the words of a command, said as everything else is said."""
    from celadon.errors import UsageError

    context = getattr(problem, "ctx", None)
    return UsageError(problem.format_message(), hint=f"{context.command_path if context else 'celadon'} --help")


if __name__ == "__main__":
    main()
