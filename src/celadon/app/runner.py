"""The runner: a deployment is a process of its own, and terminals only follow it."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from celadon.app import actor, audit
from celadon.app.acting import Wanted, carry_out
from celadon.app.audit import DeploymentAudit, Warn
from celadon.app.looking import running
from celadon.app.telling import News
from celadon.app.workspace import Workspace, open_workspace
from celadon.errors import (
    BUG,
    DONE,
    Cancelled,
    CeladonError,
    Followed,
    RefusedError,
    UsageError,
    bug_report,
    of_the_system,
)
from celadon.locale import _
from celadon.run import journal
from celadon.run.detach import detached
from celadon.run.execute import Cancel
from celadon.run.journal import End, Journal
from celadon.run.report import Report
from celadon.run.world import utc_now
from celadon.state import record as outcomes
from celadon.state.record import Deployment

KEPT = 50  # deployments whose log is kept


def start(workspace: Workspace, wanted: Wanted) -> int:
    """Begin to carry out what was agreed to, in a process that outlives this one; returns the deployment's number.

    `workspace` is closed by it: an open record does not survive a fork.
    """
    layout, request, who = workspace.layout, wanted.request, actor.current()
    with workspace.record.beginning(
        wanted.config.name, request.verb, wanted.plan.concerned, who.name, utc_now().isoformat(),
        after=layout.last_log(),
    ) as number:  # fmt: skip
        # Locked before the fork: no moment looks like death.
        told = Journal(layout.events(number), layout.log(number), wanted.mask)
    for file in (layout.log(number - KEPT), layout.events(number - KEPT)):
        file.unlink(missing_ok=True)
    log = DeploymentAudit(layout, number, request, told.note, who)
    log.asked(wanted.plan.concerned)
    workspace.record.close()
    detached(lambda: _run(workspace.outline.folder, wanted, told, log))
    told.close()
    return number


def _run(folder: Path, wanted: Wanted, told: Journal, log: DeploymentAudit) -> None:
    """The runner's life. Every error becomes the journal's last word."""
    cancel = Cancel(told)
    try:
        with cancel.installed():
            _journalled(open_workspace(folder), wanted, told, log, cancel)
        end = End()
    except Exception as problem:
        end = _last_word(problem, wanted)
    told.end(end)


def _journalled(workspace: Workspace, wanted: Wanted, told: Journal, log: DeploymentAudit, cancel: Cancel) -> None:
    outcome, message, number = outcomes.SUCCEEDED, "", log.number
    news = News(wanted.configs, number, told)
    workspace.record.run_by(number, os.getpid())
    try:
        carry_out(workspace, wanted, told, cancel, news, log)
    except Exception as problem:
        outcome = outcomes.CANCELLED if isinstance(problem, Cancelled) else outcomes.FAILED
        message = wanted.mask(str(problem))
        raise
    finally:
        cancel.heeded = False  # what is done is done
        workspace.record.finish(number, outcome, message, utc_now().isoformat())
        log.ended(workspace.record)
        news.over(workspace)


def _last_word(problem: Exception, wanted: Wanted) -> End:
    known = problem if isinstance(problem, CeladonError) else of_the_system(problem)
    if known is None:
        return End(BUG, str(problem), trace=bug_report(["celadon", str(wanted.request)]))
    return End(known.exit_code, known.message, known.evidence, known.hint)


def follow(workspace: Workspace, number: int, report: Report) -> None:
    """Tell `report` what a deployment told, from its start to its end.

    Raises Followed when it failed, CeladonError when its runner was killed.
    """
    file = workspace.layout.events(number)
    if not file.exists():
        raise UsageError(
            _("The log of deployment {number} is not kept any more.").format(number=number), hint="celadon history"
        )
    report.detail(_("the whole log: {file}").format(file=workspace.layout.log(number)))
    end = journal.follow(file, report)
    if end.code == DONE:
        return
    failed = Followed(end.message, evidence=end.evidence, hint=end.hint, code=end.code, trace=end.trace)
    failed.log = str(workspace.layout.log(number))
    raise failed


def chosen(workspace: Workspace, number: int | None) -> Deployment:
    """The deployment `number`, or the one that runs, or the last one. Raises UsageError when there is none."""
    every = workspace.record.deployments(None, 1000)
    if number is None:
        candidates: Sequence[Deployment] = running(workspace)[:1] or every
    else:
        candidates = [d for d in every if d.id == number]
    if not candidates:
        words = _("There is no deployment {number}.") if number else _("Nothing was deployed here yet.")
        raise UsageError(words.format(number=number), hint="celadon history")
    return candidates[0]


def _running(workspace: Workspace, number: int | None) -> Deployment | None:
    return next((d for d in running(workspace) if number in (None, d.id)), None)


def cancel(workspace: Workspace, number: int | None, warn: Warn) -> Deployment:
    """Ask a deployment to stop: before the commit it is undone, after it the work is finished. Returns at once.

    Raises UsageError when none runs, RefusedError where it belongs to another user.
    """
    deployment = _running(workspace, number)
    if deployment is not None and not deployment.pid:
        time.sleep(1)  # it is just being born, and tells its process id first of all
        deployment = _running(workspace, deployment.id)
    if deployment is None or not deployment.pid:
        raise UsageError(_("No such deployment runs here."), hint="celadon status")
    try:
        os.kill(deployment.pid, signal.SIGTERM)  # it lives, its journal is locked: this is no other process's id
    except PermissionError:
        raise RefusedError(
            _("Deployment {number} belongs to {user}.").format(number=deployment.id, user=deployment.by),
            hint=_("Ask {user}, or: sudo celadon cancel").format(user=deployment.by),
        ) from None
    audit.write(workspace.layout, actor.current(), audit.ENDED, "cancel", warn, environment=deployment.environment,
                deployment=deployment.id, outcome=outcomes.SUCCEEDED)  # fmt: skip
    return deployment
