"""Where the command begins: one error boundary, fixed exit codes."""

import os
import sys

from celadon.cli.verbs import help_text

TYPE_CHECKING = False  # typing is dear to import, and type checkers know this name as well
if TYPE_CHECKING:
    from celadon.errors import CeladonError

HELP: tuple[list[str], ...] = ([], ["-h"], ["--help"])


def main() -> None:
    """Run the command and leave with its code: 0 done, 1 failed, 2 usage, 3 bug, 130 cancelled."""
    if sys.argv[1:] in HELP and "_CELADON_COMPLETE" not in os.environ:
        sys.stdout.write(help_text())
        return
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Run a verb; every error becomes words and a code here, and nowhere else."""
    import click

    from celadon.cli.group import celadon
    from celadon.errors import BUG, CANCELLED, DONE, USAGE, CeladonError
    from celadon.locale import _

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
    except Exception as problem:
        from celadon.cli import output

        if (known := _of_the_system(problem)) is None:
            output.bug(_bug_report(argv))
            return BUG
        output.error(known)
        return known.exit_code
    return code if isinstance(code, int) else DONE


def _of_the_system(problem: Exception) -> "CeladonError | None":
    """What the operating system refuses (a full disk, a missing right) is no bug, and is said in words."""
    import errno
    import sqlite3

    from celadon.errors import CeladonError
    from celadon.locale import _

    refused = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
    if isinstance(problem, OSError) and problem.errno in refused:
        return CeladonError(
            _("The system refuses: {problem}.").format(problem=problem),
            hint=_("Look at the disk and at who owns the workspace: df -h . ; ls -la .celadon"),
        )
    if isinstance(problem, sqlite3.Error):
        return CeladonError(
            _("The record cannot be written: {problem}.").format(problem=problem),
            hint=_("Look at the disk and at who owns the workspace: df -h . ; ls -la .celadon"),
        )
    return None


def _bug_report(argv: list[str]) -> str:
    import traceback

    from celadon import __version__

    place = f"celadon {__version__}, Python {sys.version.split()[0]}, {sys.platform}"
    return f"{place}\nceladon {' '.join(argv)}\n{traceback.format_exc()}"


if __name__ == "__main__":
    main()
