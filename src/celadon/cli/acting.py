"""What the verbs that act do alike on a terminal: show the plan, ask where it must, start the runner, follow it."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from celadon.app import acting, healing, runner
from celadon.app.request import Request
from celadon.app.workspace import Workspace
from celadon.cli import output
from celadon.cli.agreeing import agree
from celadon.cli.arguments import Manner
from celadon.cli.opening import open_workspace
from celadon.config.masking import Mask
from celadon.errors import DONE, UsageError
from celadon.locale import _, ngettext
from celadon.plan.steps import Plan

if TYPE_CHECKING:
    from celadon.check.facts import Finding


def carry_out(folder: Path, request: Request, manner: Manner) -> int:
    """Run a verb that acts, from the plan to the last line; returns the exit code."""
    workspace = open_workspace(folder)
    with output.Terminal(stderr=manner.as_json) as terminal:
        if not manner.dry_run:
            healing.heal_the_killed(workspace, terminal)
        wanted = acting.plan(workspace, request, terminal)
    if manner.dry_run or not manner.as_json:
        show(wanted.plan, wanted.findings, wanted.mask, as_json=manner.as_json)
    acting.refuse_errors(wanted)
    if manner.dry_run:
        return DONE
    if not wanted.plan.steps:
        with output.Terminal(stderr=manner.as_json) as terminal:
            healing.heal_in_passing(workspace, wanted.config.name, terminal)
        _tell_end(workspace, None, manner)
        return DONE
    if wanted.plan.protected:
        agree(_("Go on with {environment}?").format(environment=wanted.plan.environment), yes=manner.yes)
    number = runner.start(workspace, wanted)
    if not manner.detach:
        follow(open_workspace(folder), number, quiet=manner.as_json)
    _tell_end(workspace, number, manner)
    return DONE


def _tell_end(workspace: Workspace, number: int | None, manner: Manner) -> None:
    log = workspace.layout.log(number) if number else None
    if manner.as_json:
        output.as_json({"deployment": number, "log": str(log) if log else None})
    elif number and manner.detach:
        output.lines([_("Deployment {number} runs; follow it: celadon attach {number}").format(number=number)])
    elif number:
        output.lines([_("Done: deployment {number}, log in {file}").format(number=number, file=log)])


def follow(workspace: Workspace, number: int, *, quiet: bool = False) -> None:
    """Show a deployment from its start. Ctrl-C cancels it safely; a second one only leaves it."""
    with output.Terminal(stderr=quiet) as terminal, _cancelling(workspace, number, terminal):
        runner.follow(workspace, number, terminal)


@contextmanager
def _cancelling(workspace: Workspace, number: int, terminal: output.Terminal) -> Iterator[None]:
    asked = False

    def interrupt(_sign: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        terminal.note(_("Cancelling; once more Ctrl-C leaves it to itself (celadon attach shows it again)."))
        with suppress(UsageError):  # it just ended; its last word follows
            runner.cancel(workspace, number, terminal.note)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def show(plan: Plan, findings: "Sequence[Finding]", mask: Mask, *, as_json: bool = False) -> None:
    """Print a plan, and what `check` says of what it brings: warnings of Compose one by one, of others their number."""
    if as_json:
        output.as_json(
            {
                "verb": plan.verb,
                "environment": plan.environment,
                "services": plan.services,
                "unchanged": {u.service: u.reason for u in plan.unchanged},
                "changes": mask.value(plan.changes),
                "notes": mask.value(plan.notes),
                "findings": [asdict(finding) for finding in findings],
                "steps": [{"kind": type(s).__name__, "text": mask(s.describe())} for s in plan.steps],
            }
        )
        return
    output.lines(map(mask, plan.lines()))
    if not plan.steps:
        output.lines([_("Nothing to do.")])
    if findings:
        _tell(findings, plan.environment)


def _tell(findings: "Sequence[Finding]", environment: str) -> None:
    from celadon.check import warned  # loaded by now, where there are findings
    from celadon.check.facts import WARNING

    told = [finding for finding in findings if finding.rule in warned.SHOWN]
    output.notices(_("{place}: {what}: {why}").format(place=f.place, what=f.what, why=f.why) for f in told)
    if count := sum(finding.severity == WARNING for finding in findings) - len(told):
        words = ngettext("{n} warning: celadon check {environment}", "{n} warnings: celadon check {environment}", count)
        output.notices([words.format(n=count, environment=environment)])
