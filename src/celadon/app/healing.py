"""Making the server equal to the record: before every verb that acts, by hand, and at boot."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from celadon.adapters import docker
from celadon.app import actor, audit
from celadon.app.configs import standing
from celadon.app.masking import errors_masked
from celadon.app.telling import tell_the_killed
from celadon.app.workspace import Workspace
from celadon.errors import CeladonError
from celadon.locale import _
from celadon.run import build_network, journal, lock
from celadon.run.lock import Held
from celadon.run.lock_holder import Holder
from celadon.run.notifying import Messenger
from celadon.run.reconcile import close_the_killed, reconcile
from celadon.run.report import Report
from celadon.run.world import World, utc_now
from celadon.state import encryption
from celadon.state import record as outcomes
from celadon.state.layout import Layout

LOCK_LIMIT = 3600.0  # seconds that healing waits for somebody's deployment


@contextmanager
def locked(workspace: Workspace, what: str, timeout: float, report: Report) -> Iterator[Held]:
    """Hold the host's lock for `what`. Whoever waits is told for whom, and its place in the line.

    Documents are then kept as the workspace says, encrypted or not. Raises LockTimeout after `timeout` seconds, and
    KeyFileError without the key.
    """
    me = Holder(os.getpid(), actor.current().name, workspace.outline.name, what, utc_now().isoformat())

    def waiting(other: Holder | None, place: int) -> None:
        report.note(_("Another deployment runs: {holder}. Waiting as number {place} in line …").format(
            holder=other or _("just starting"), place=place))  # fmt: skip

    with lock.held(me, timeout, waiting) as held:
        if encryption.rewrite(workspace.layout):
            report.note(_encrypted(workspace.layout))
        yield held


def _encrypted(layout: Layout) -> str:
    if layout.key is None:
        return _("x-celadon.encryption is gone: what Celadon keeps was written in plain text again.")
    return _("What Celadon keeps was encrypted with the key in {file}.").format(file=layout.key)


def heal(workspace: Workspace, environment: str, report: Report, messenger: Messenger) -> tuple[str, ...]:
    """Finish or clear what a killed run left in an environment; the lock must be held. Returns what was done.

    Who is to be told of a killed run is told through `messenger`, beside it.
    """
    layout, record = workspace.layout, workspace.record
    killed = close_the_killed(record, layout, utc_now().isoformat())
    audit.killed(layout, killed, report.note)
    tell_the_killed(workspace, killed, messenger)
    words = _("deployment {id} ({verb} {environment}) was interrupted")
    closed = tuple(words.format(id=d.id, verb=d.verb, environment=d.environment) for d in killed)
    config = standing(workspace, environment)
    if config is None:
        return (*closed, *build_network.remove())  # somebody may have built for it, and nothing more
    with errors_masked(workspace.outline, layout, (config,)):
        done = reconcile(World(config, layout, record, report))
    if done:
        audit.write(layout, actor.current(), audit.ENDED, "reconcile", report.note, environment=environment,
                    outcome=outcomes.SUCCEEDED, done=list(done))  # fmt: skip
    return closed + done


def heal_in_passing(workspace: Workspace, environment: str, report: Report) -> None:
    """Heal where an operator's verb had nothing else to do; not while a deployment runs, which heals itself."""
    if lock.holder() is None:
        heal_told(workspace, environment, report)


def heal_told(workspace: Workspace, environment: str, report: Report) -> None:
    """Heal one environment under the host's lock, and tell the operator what was done."""
    with Messenger(report) as messenger, locked(workspace, "reconcile", LOCK_LIMIT, report):
        done = heal(workspace, environment, report, messenger)
    for line in done:  # without the lock: nobody has to read what is written to a terminal or a pipe
        report.note(_("healed: {what}").format(what=line))


def heal_the_killed(workspace: Workspace, report: Report) -> None:
    """Heal environments where a runner was killed or could not tidy up; nothing is asked of the engine without any.

    Before a verb plans, so that it plans with what is, and heals even where it then has nothing to do or is refused.
    """
    left = workspace.record.open()
    environments = {d.environment for d in left if not journal.alive(workspace.layout.events(d.id))}
    last = {d.environment: d for d in reversed(workspace.record.deployments())}
    environments |= {name for name, d in last.items() if d.outcome == outcomes.SUCCEEDED and d.message}
    for environment in sorted(environments):
        heal_told(workspace, environment, report)


def heal_all(workspace: Workspace, environments: Sequence[str], report: Report) -> dict[str, tuple[str, ...]]:
    """Heal environments (all where none is named) under the host's lock; returns what was done, by environment."""
    outline = workspace.outline
    names = [outline.environment(name) for name in environments] or list(outline.environments)
    docker.require_engine()
    done: dict[str, tuple[str, ...]] = {}
    failed: list[CeladonError] = []
    whole = audit.act(workspace.layout, "reconcile", report.note, environments=names)
    with whole, Messenger(report) as messenger, locked(workspace, "reconcile", LOCK_LIMIT, report):
        for name in names:
            try:
                done[name] = heal(workspace, name, report, messenger)
            except CeladonError as problem:  # one that cannot be healed must not keep production from it
                report.note(f"{name}: {problem.message}")
                failed.append(problem)
    if failed:
        raise failed[0]
    return done
