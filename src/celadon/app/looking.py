"""Verbs that only look. The number of engine calls does not grow with the number of services."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from celadon.adapters import docker, host, storage
from celadon.app.workspace import Workspace
from celadon.config.workspace import choose
from celadon.errors import RefusedError, UsageError
from celadon.locale import _
from celadon.run import journal, lock
from celadon.run.lock_holder import Holder
from celadon.state import record as outcomes
from celadon.state import snapshot as labels
from celadon.state.record import Deployment, StepRow
from celadon.state.snapshot import Container, Release, Snapshot


@dataclass(frozen=True)
class Row:
    """One service in one environment, as `status` shows it. `memory` and `limit` are bytes; `limit` 0 is no limit."""

    environment: str
    service: str
    release: Release | None
    slot: str
    container: Container | None
    memory: int | None
    role: str


@dataclass(frozen=True)
class Status:
    """The whole workspace at one moment. `free` of `total` bytes: of the fullest disk that it needs."""

    rows: tuple[Row, ...]
    free: int
    total: int
    holder: Holder | None
    now: str
    deployments: tuple[Deployment, ...]  # those that wait or run, oldest first
    lock_problem: str = ""  # why the lock cannot be used


def status(workspace: Workspace, environment: str | None = None) -> Status:
    """What runs, from one look; the number of engine calls does not grow with the number of services."""
    chosen = (workspace.outline.environment(environment),) if environment else workspace.outline.environments
    info = docker.info_asked()  # some milliseconds, that the rest takes as well
    containers = docker.containers(workspace.outline.name)
    seen = Snapshot(
        datetime.now(UTC).replace(microsecond=0), containers, workspace.record.releases(), workspace.record.live()
    )
    rows: list[Row] = []
    for one in chosen:
        names = dict.fromkeys([*workspace.outline.services, *(s for e, s in seen.live if e == one)])
        for service in names:
            live = seen.live.get((one, service))
            container = seen.live_container(one, service)
            release = seen.live_release(one, service)
            slot = live.slot if live else ""
            rows.append(Row(one, service, release, slot, container, _memory(container), labels.IN_SLOT))
        for role in (labels.BACKING, labels.ROUTER):
            for container in seen.of_role(one, role):
                rows.append(Row(one, container.service, None, "", container, _memory(container), role))
    folders = (workspace.outline.folder, *storage.folders(info()))
    disk = min(map(host.disk, folders), key=lambda space: space.free)
    deployments = tuple(d for d in running(workspace) if d.environment in chosen)
    holder, problem = _holder()
    return Status(tuple(rows), disk.free, disk.total, holder, seen.now.isoformat(), deployments, problem)


def _holder() -> tuple[Holder | None, str]:
    """Who holds the host's lock, and why that cannot be said: who only looks still sees everything else."""
    try:
        return lock.holder(), ""
    except RefusedError as problem:
        return None, " ".join((problem.message, problem.hint))


def running(workspace: Workspace) -> tuple[Deployment, ...]:
    """Deployments of this workspace that run or wait, oldest first."""
    return tuple(d for d in reversed(workspace.record.open()) if journal.alive(workspace.layout.events(d.id)))


def _memory(container: Container | None) -> int | None:
    return host.memory_of(container.pid) if container and container.running else None


def releases(workspace: Workspace, environment: str | None, service: str | None) -> tuple[tuple[Release, str], ...]:
    """Kept releases, newest first, each with "live", "rollback" (what a rollback would bring back) or ""."""
    if environment:
        workspace.outline.environment(environment)
    live = workspace.record.live()
    every = workspace.record.releases()
    if service:
        choose(service, dict.fromkeys([*workspace.outline.services, *(r.service for r in every)]), _("service"))
    found = []
    for release in reversed(every):
        if environment in (None, release.environment) and service in (None, release.service):
            now = live.get((release.environment, release.service))
            current = next((r for r in every if now and (r.environment, r.service, r.id)
                            == (release.environment, release.service, now.release)), None)  # fmt: skip
            mark = "live" if now and now.release == release.id else ""
            mark = "rollback" if current and current.predecessor == release.id else mark
            found.append((release, mark))
    return tuple(found)


def history(workspace: Workspace, environment: str | None, limit: int) -> tuple[Deployment, ...]:
    """The last deployments, newest first."""
    if environment:
        workspace.outline.environment(environment)
    return tuple(_as_it_is(workspace, d) for d in workspace.record.deployments(environment, limit))


def _as_it_is(workspace: Workspace, deployment: Deployment) -> Deployment:
    """A killed deployment could not journal its end: the lock on its journal tells."""
    if deployment.outcome in outcomes.OPEN and not journal.alive(workspace.layout.events(deployment.id)):
        return replace(deployment, outcome=outcomes.INTERRUPTED)
    return deployment


def deployment(workspace: Workspace, number: int) -> tuple[Deployment, tuple[StepRow, ...], Path]:
    """One deployment with its steps and its log. Raises UsageError when there is none of that number."""
    found = next((d for d in workspace.record.deployments(None, 100_000) if d.id == number), None)
    if found is None:
        raise UsageError(_("There is no deployment {number}.").format(number=number), hint="celadon history")
    return _as_it_is(workspace, found), workspace.record.steps(number), workspace.layout.log(number)


def container_of(workspace: Workspace, environment: str, service: str) -> Container:
    """The running container that users of a service reach; backing services and the router count as services.

    Raises UsageError when there is none.
    """
    name = workspace.outline.environment(environment)
    found = [c for c in docker.containers(workspace.outline.name) if c.environment == name]
    seen = Snapshot(datetime.now(UTC).replace(microsecond=0), tuple(found), live=workspace.record.live())
    container = seen.live_container(name, service)
    standing = (labels.BACKING, labels.ROUTER)
    container = container or next((c for c in found if c.service == service and c.role in standing), None)
    if container is None:
        if found:
            choose(service, sorted({c.service for c in found}), _("running service"))
        words = _("{service} does not run in {environment}.").format(service=service, environment=name)
        raise UsageError(words, hint="celadon status")
    return container


def open_shell(container: Container, argv: Sequence[str], *, terminal: bool) -> int:
    return docker.interactive(container.id, argv, terminal=terminal)


def show_logs(container: Container, *, follow: bool, tail: str, since: str | None) -> int:
    return docker.logs(container.id, follow=follow, tail=tail, since=since)
