"""The one loop that runs a plan: do, journal, and on failure undo what was done, newest first."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from celadon.errors import Cancelled, CeladonError, cut_evidence
from celadon.locale import _
from celadon.plan import steps
from celadon.plan.steps import Plan, Step
from celadon.run.actions import DO, UNDO
from celadon.run.report import Report
from celadon.run.world import World
from celadon.state import record as outcomes

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Cancel:
    """A wish to stop: before the commit it ends the plan, which is then undone; after it the work is finished."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.heeded = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.heeded:
            self.heeded = False  # the undoing is not to be interrupted
            raise Cancelled(_("Cancelled; nothing was switched."))
        self._report.note(_("Past the point of no return, or undoing: finishing first."))

    @contextmanager
    def installed(self) -> Iterator[None]:
        before = {sign: signal.signal(sign, self) for sign in SIGNALS}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)


def execute(world: World, plan: Plan, deployment: int, cancel: Cancel) -> str:
    """Run the plan's steps in order and return the outcome, which is also journalled.

    Raises the error of the step that failed, when what was done before it has been undone. An error while tidying up
    (users are served, the old slot is not gone yet) undoes nothing: it is noted, and the next command heals it.
    """
    done: list[Step] = []
    number = 0
    try:
        for number, step in enumerate(plan.steps, 1):
            if _committed(done) and not step.after_commit:
                done.clear()  # a turn is over: users have it, and what comes next cannot take it back
                cancel.heeded = True
            if isinstance(step, steps.Commit):
                cancel.heeded = False
            done.append(step)
            _journalled(world, plan, deployment, number, step)
    except Exception as error:
        cancel.heeded = False
        switched = [m.service for s in plan.steps[: number - len(done)] if isinstance(s, steps.Commit) for m in s.moves]
        if switched:
            world.report.note(_("Switched before, and staying: {names}").format(names=", ".join(switched)))
        tidying = bool(done) and done[-1].tidying
        if tidying and all(s.tidying for s in plan.steps[number:]):
            message = error.message if isinstance(error, CeladonError) else str(error)
            world.report.note(_("Users are served, but tidying up failed: {problem}").format(problem=message))
            world.record.finish(deployment, outcomes.SUCCEEDED, world.hide(message), world.now().isoformat())
            return outcomes.SUCCEEDED
        if done and isinstance(done[-1], steps.Commit):
            done.pop()  # a commit that failed moved nothing; any other step may have done a part of its work
        if not tidying:
            undo(world, done)
        outcome = outcomes.REVERTED if _committed(done) and not tidying else outcomes.FAILED
        outcome = outcomes.CANCELLED if isinstance(error, Cancelled) else outcome
        evidence = (
            [cut_evidence(world.hide(line)) for line in error.evidence] if isinstance(error, CeladonError) else ()
        )
        world.record.finish(deployment, outcome, world.hide(str(error)), world.now().isoformat(), evidence)
        raise
    world.record.finish(deployment, outcomes.SUCCEEDED, "", world.now().isoformat())
    return outcomes.SUCCEEDED


def _journalled(world: World, plan: Plan, deployment: int, number: int, step: Step) -> None:
    text, total = world.hide(step.describe()), len(plan.steps)
    world.record.step_started(deployment, number, text, world.now().isoformat())
    world.report.started(number, total, text)
    world.announce(f"{number}/{total} {text}")
    begun = time.monotonic()
    within = replace(world, announce=lambda more: world.announce(f"{number}/{total} {text}: {more}"))
    try:
        DO[type(step)](within, step)
    except BaseException:
        seconds = time.monotonic() - begun
        world.record.step_ended(deployment, number, seconds, outcomes.FAILED)
        world.report.failed(number, total, text, seconds)
        raise
    seconds = time.monotonic() - begun
    world.record.step_ended(deployment, number, seconds, outcomes.SUCCEEDED)
    world.report.ended(number, total, text, seconds)


def undo(world: World, done: list[Step]) -> None:
    """Undo steps, newest first; what cannot be undone is noted and left to reconcile.

    Where users could not be given back what they had, they still use what the older steps made: those stay.
    """
    for step in reversed(done):
        action = UNDO.get(type(step))
        if action is None:
            continue
        if not isinstance(step, steps.Prepare):  # it says itself where there was something to take back
            world.report.note(_("undo: {step}").format(step=step.describe()))
        try:
            action(world, step)
        except Exception as error:
            world.report.note(_("could not be undone: {problem}").format(problem=error))
            if isinstance(step, steps.Commit):
                return


def _committed(done: list[Step]) -> bool:
    return any(isinstance(step, steps.Commit) for step in done)
