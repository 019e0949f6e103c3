"""What members of an environment's `deployers` may do: some verbs, with some options, in that environment only.

This runs as the workspace's owner, who is as good as root; whoever calls it is not trusted. Nothing of a command's
words is believed: they are read as `celadon` reads them, and whatever is not in the list below is refused.
"""

import os
import resource
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from celadon.app import actor, audit, rights
from celadon.app import workspace as workspaces
from celadon.app.looking import running
from celadon.cli import output
from celadon.cli.group import celadon
from celadon.cli.main import run
from celadon.cli.restricted_environment import READ
from celadon.cli.verbs import VERBS
from celadon.config.outline import NAMES
from celadon.errors import BUG, CeladonError, RefusedError, UsageError, bug_report
from celadon.locale import _
from celadon.printable import one_line
from celadon.state.layout import Layout

LONGEST = 4096  # characters of a command
LIMITS = {  # what the caller's shell must leave to programs
    **dict.fromkeys(
        (resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_DATA), resource.RLIM_INFINITY
    ),
    resource.RLIMIT_NOFILE: 512,
}
MANNERS = frozenset({"yes", "dry_run", "as_json", "detach"})
BUILT = frozenset({"environment", "services", "ref", "force"})
BACK = frozenset({"environment", "services", "to"})
ALLOWED = {
    ("attach",): frozenset({"number"}),
    ("build",): BUILT | MANNERS,
    ("cancel",): frozenset({"number"}),
    ("deploy",): BUILT | MANNERS,
    ("history",): frozenset({"environment", "limit", "number", "as_json"}),
    ("logs",): frozenset({"environment", "service", "follow", "tail", "since"}),
    ("plan", "deploy"): BUILT | {"as_json"},
    ("plan", "rollback"): BACK | {"as_json"},
    ("releases",): frozenset({"environment", "service", "as_json"}),
    ("rollback",): BACK | MANNERS,
    ("status",): frozenset({"environment", "as_json"}),
}


def main(folder: str, environment: str, group: str) -> None:
    """Run the command that was asked for, and leave with its code."""
    place = Path(folder)
    try:
        os.chdir(place)
        argv = allowed(place, environment, group)
    except click.exceptions.Exit as end:  # --help
        sys.exit(end.exit_code)
    except CeladonError as problem:
        output.error(problem)
        _record(place, environment)
        sys.exit(problem.exit_code)
    except Exception:
        output.bug(bug_report(["celadon", environment]))
        sys.exit(BUG)
    sys.exit(run(["-C", folder, *argv]))


def allowed(folder: Path, environment: str, group: str) -> list[str]:
    """The words of the command, completed by the environment. Raises CeladonError for what may not be."""
    _refuse_others(folder, group)
    _refuse_limits()
    files = [folder / name for name in NAMES if (folder / name).is_file()]
    if not files:  # `celadon` would look in the folders above, where another workspace may be
        raise UsageError(_("There is no compose.yaml in {folder} or above it.").format(folder=folder))
    rights.refuse_more(group, folder, *files)
    words = _words()
    verb = next((one for one in ALLOWED if tuple(words[: len(one)]) == one), None)
    if verb is None:
        raise RefusedError(
            _("You do not have permission to run this command."),
            hint=_("Commands you can run: {verbs}").format(verbs=", ".join(" ".join(one) for one in ALLOWED)),
        )
    params = _read(verb, words[len(verb) :])
    given = params.get("environment")
    if given not in (None, environment):
        raise RefusedError(
            _("You can only deploy to {environment}.").format(environment=environment),
            hint=f"celadon {' '.join(verb)} {environment}",
        )
    more = [environment] if "environment" in ALLOWED[verb] and given is None and not params.get("number") else []
    if "number" in ALLOWED[verb]:
        more += _number(folder, environment, params.get("number"), chosen=verb != ("history",))
    return [*words, *more]


def _refuse_others(folder: Path, group: str) -> None:
    """sudo says who called it; whether that user is in the group is asked of the system, not of sudo."""
    caller = os.environ.get("SUDO_UID", "")
    if not caller or os.geteuid() != folder.stat().st_uid:
        raise RefusedError(
            _("This program must be run with sudo."), hint=_("The workspace owner and root run `celadon` directly.")
        )
    if not rights.is_member(int(caller), rights.group_id(group)):
        raise RefusedError(
            _("Only members of the group {group} can run this program.").format(group=group),
            hint=_("Ask an administrator to add you to the group: {command}").format(
                command=f"sudo usermod -aG {group} USER"
            ),
        )


def _refuse_limits() -> None:
    """A caller who keeps files short could keep what they do out of the audit log. One who limits CPU time or memory
    could have a deployment killed halfway.
    """
    for limit, least in LIMITS.items():
        _soft, hard = resource.getrlimit(limit)
        if hard not in (least, resource.RLIM_INFINITY) and (least == resource.RLIM_INFINITY or hard < least):
            raise RefusedError(
                _("Your shell limits what programs may use (ulimit -f, -n, -t, -v, -d); start a new one.")
            )
        resource.setrlimit(limit, (hard, hard))


def _words() -> list[str]:
    """The command's words: as they were typed, or as SSH was asked for them (no shell reads those)."""
    words, asked = sys.argv[1:], os.environ.pop(READ, "")
    if not words and asked:
        try:
            words = shlex.split(asked)
        except ValueError as problem:
            words_ = _("The command cannot be parsed: {problem}")
            raise UsageError(words_.format(problem=problem)) from None
    if words[:1] == ["celadon"]:
        words = words[1:]
    if sum(map(len, words)) > LONGEST or any(one_line(word) != word for word in words):
        raise RefusedError(_("The command is too long or contains control characters."))
    return words


def _read(verb: tuple[str, ...], words: Sequence[str]) -> dict[str, object]:
    """What click makes of the words. Raises RefusedError for an option that is not allowed."""
    root = click.Context(celadon, info_name="celadon")
    command: click.Command | None = celadon
    for name in verb:
        assert isinstance(command, click.Group)  # noqa: S101 (for mypy: ALLOWED names groups before their verbs)
        command = command.get_command(root, name)
    assert command is not None  # noqa: S101
    try:
        context = command.make_context(" ".join(verb), list(words), parent=root)
    except click.ClickException as problem:
        raise UsageError(problem.format_message(), hint=f"celadon {' '.join(verb)} --help") from None
    for name in context.params:
        if name not in ALLOWED[verb] and context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise RefusedError(
                _("You do not have permission to use --{option}.").format(option=name.replace("_", "-")),
                hint=f"celadon {' '.join(verb)} --help",
            )
    return dict(context.params)


def _number(folder: Path, environment: str, given: object, *, chosen: bool) -> list[str]:
    """The number of a deployment to this environment, where one is meant. Raises UsageError."""
    if given is None and not chosen:
        return []
    workspace = workspaces.open_workspace(folder)
    every = [d for d in (*running(workspace), *workspace.record.deployments(environment, 100_000))
             if d.environment == environment]  # fmt: skip
    if given is None and every:
        return [str(every[0].id)]
    if given in [d.id for d in every]:
        return []
    raise UsageError(_("No such deployment to {environment}.").format(environment=environment), hint="celadon history")


def _record(folder: Path, environment: str) -> None:
    """A refusal is in the audit log, too: with the verb, when it is one."""
    verb = next((word for word in sys.argv[1:2] if word in VERBS), "")
    audit.write(Layout(folder), actor.current(), audit.REFUSED, verb, output.notice, environment=environment)
