"""What deploy, promote, rollback and build do alike on a terminal: show the plan, ask where it must, carry it out."""

import sys
from pathlib import Path

import click

from celadon.app import acting
from celadon.app.acting import Request
from celadon.app.workspace import open_workspace
from celadon.cli import output
from celadon.errors import DONE, UsageError
from celadon.locale import _
from celadon.plan.steps import Plan


def carry_out(folder: Path, request: Request, *, yes: bool, dry_run: bool, as_json: bool = False) -> int:
    """Run a verb that acts, from the plan to the last line; returns the exit code."""
    workspace = open_workspace(folder)
    with output.Terminal(stderr=as_json) as terminal:
        if dry_run:
            show(acting.plan(workspace, request, terminal), as_json=as_json)
            return DONE
        done = acting.act(workspace, request, terminal, lambda plan: _agreed(plan, yes=yes, quiet=as_json))
    if as_json:
        output.as_json({"deployment": done.deployment if done else None, "log": str(done.log) if done else None})
    elif done:
        output.lines([_("Done: deployment {number}, log in {file}").format(number=done.deployment, file=done.log)])
    return DONE


def show(plan: Plan, *, as_json: bool = False) -> None:
    """Print a plan."""
    if as_json:
        output.as_json(
            {
                "verb": plan.verb,
                "environment": plan.environment,
                "services": plan.services,
                "unchanged": {u.service: u.reason for u in plan.unchanged},
                "changes": plan.changes,
                "notes": plan.notes,
                "steps": [{"kind": type(s).__name__, "text": s.describe()} for s in plan.steps],
            }
        )
        return
    output.lines(plan.lines())
    if not plan.steps:
        output.lines([_("Nothing to do.")])


def _agreed(plan: Plan, *, yes: bool, quiet: bool) -> bool:
    if not quiet:
        show(plan)
    if not plan.steps:
        return False
    if yes or not plan.protected:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            _("{verb} of {environment} asks first, and nobody is at the terminal.").format(
                verb=plan.verb, environment=plan.environment
            ),
            hint=_("Say yes with -y."),
        )
    if click.confirm(_("Go on with {environment}?").format(environment=plan.environment)):
        return True
    raise click.Abort
