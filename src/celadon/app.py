"""The use cases. The command line calls only these; each reads like the runbook: observe, plan, act."""

import getpass
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from celadon.adapters import compose, docker, host
from celadon.config.load import load_environment, load_frozen
from celadon.config.outline import find_file, load_outline
from celadon.config.workspace import EnvironmentConfig, Outline, choose
from celadon.errors import CeladonError, RefusedError, UsageError
from celadon.locale import _
from celadon.plan.deploy import plan_build, plan_deploy, refuse_deploy
from celadon.plan.promote import plan_promote
from celadon.plan.render import router_fingerprint
from celadon.plan.rollback import plan_rollback
from celadon.plan.steps import Plan, Prepare
from celadon.run import lock, observe, projection
from celadon.run.execute import execute
from celadon.run.lock import Holder
from celadon.run.reconcile import reconcile
from celadon.run.report import Both, LogFile, Report
from celadon.run.world import World, utc_now
from celadon.state import snapshot as labels
from celadon.state.layout import Layout
from celadon.state.record import Deployment, Record, StepRow
from celadon.state.snapshot import Container, Release, Snapshot

Confirm = Callable[[Plan], bool]


@dataclass(frozen=True)
class Workspace:
    """A workspace that was found: its names, its folder on disk, its record."""

    outline: Outline
    layout: Layout
    record: Record


@dataclass(frozen=True)
class Request:
    """What an operator asks for. `services` empty means all; `to` is a release (rollback)."""

    verb: str
    environment: str
    services: tuple[str, ...] = ()
    ref: str | None = None
    force: bool = False
    to: str | None = None


@dataclass(frozen=True)
class Done:
    """How a deployment ended: its number, the plan that was carried out, the log's file."""

    deployment: int
    plan: Plan
    log: Path


def open_workspace(folder: Path) -> Workspace:
    """The workspace of `folder`. Raises UsageError without a compose file, ConfigError for one that cannot be read."""
    outline = load_outline(find_file(folder))
    layout = Layout(outline.folder)
    return Workspace(outline, layout, Record(layout.record))


def plan(workspace: Workspace, request: Request, report: Report) -> Plan:
    """What `request` would do now; nothing is changed."""
    docker.require()
    return _planned(workspace, request, _configs(workspace, request), report)


def act(workspace: Workspace, request: Request, report: Report, confirm: Confirm) -> Done | None:
    """Plan, ask, and carry out under the host's lock. None when there is nothing to do or the operator declines.

    The plan is made again under the lock: what was confirmed is what is done, or nothing.
    Raises the error of the step that failed, when everything before it has been undone.
    """
    docker.require()
    configs = _configs(workspace, request)
    wanted = _planned(workspace, request, configs, report)
    if not wanted.steps:
        confirm(wanted)
        return None
    if not confirm(wanted):
        return None
    with _locked(workspace, request, configs[0], report):
        _heal(workspace, configs[0], report)
        final = _planned(workspace, request, configs, report, fetch_again=False)
        if final.protected and final.changes != wanted.changes:
            raise RefusedError(
                _("The server changed while you were asked; nothing was done."),
                evidence=final.changes,
                hint=_("Look at the new plan and say yes again."),
            )
        return _carried_out(workspace, request, configs[0], final, report)


def _carried_out(
    workspace: Workspace, request: Request, config: EnvironmentConfig, final: Plan, report: Report
) -> Done:
    now = utc_now().isoformat()
    services = [s for s in final.services if s not in {u.service for u in final.unchanged}]
    number = workspace.record.begin(config.name, request.verb, services, getpass.getuser(), os.getpid(), now)
    log = LogFile(workspace.layout.log(number))
    try:
        for line in final.lines():
            log.log(line)
        execute(World(config, workspace.layout, workspace.record, Both(report, log)), final, number)
    except CeladonError as error:
        for text in (error.message, *error.evidence, error.hint):
            log.log(text)
        error.log = str(workspace.layout.log(number))
        raise
    finally:
        log.close()
    return Done(number, final, workspace.layout.log(number))


def _planned(
    workspace: Workspace, request: Request, configs: Sequence[EnvironmentConfig], report: Report, *,
    fetch_again: bool = True,
) -> Plan:  # fmt: skip
    config = configs[0]
    services = _services(workspace, request, config)
    seen = observe.snapshot(workspace.record, config.workspace, utc_now())
    if request.verb == "rollback":
        return plan_rollback(config, seen, services, request.to)
    if request.verb == "promote":
        source = configs[1]
        seen = replace(seen, incoming=observe.incoming(config, workspace.layout, seen, source.name))
        return plan_promote(config, source, seen, services, whole=not request.services)
    told = report.detail if fetch_again else report.log
    if request.verb == "deploy":
        refuse_deploy(config)
    seen = replace(seen, sources=observe.sources(config, workspace.layout, services, request.ref, told))
    if request.verb == "build":
        return plan_build(config, seen, services, force=request.force)
    return plan_deploy(config, seen, services, force=request.force, whole=not request.services)


def _services(workspace: Workspace, request: Request, config: EnvironmentConfig) -> tuple[str, ...]:
    """The services that are meant: those named, or all; for rollback, those that the record knows."""
    if request.verb == "rollback":
        known = [service for (environment, service) in workspace.record.live() if environment == config.name]
    else:
        known = list(config.services)
    return tuple(dict.fromkeys(choose(name, known, _("service")) for name in request.services)) or tuple(known)


def _configs(workspace: Workspace, request: Request) -> tuple[EnvironmentConfig, ...]:
    """The configuration of the environment, and for a promote of its source. A rollback reads what was kept."""
    outline = workspace.outline
    name = outline.environment(request.environment)
    if request.verb == "rollback":
        return (kept_config(workspace, name),)
    config = load_environment(outline.file, name, compose.render)
    if request.verb != "promote":
        return (config,)
    if not config.options.from_:
        raise UsageError(
            _("{environment} takes no releases from another environment.").format(environment=name),
            hint=_("Say where they come from: x-celadon.environments.{environment}.from").format(environment=name),
        )
    return config, load_environment(outline.file, config.options.from_, compose.render)


def kept_config(workspace: Workspace, environment: str) -> EnvironmentConfig:
    """The environment as it was last deployed, whatever became of the file and its env files since.

    Raises UsageError when nothing was ever deployed.
    """
    outline = workspace.outline
    file = workspace.layout.rendered(environment)
    if not file.exists():
        raise UsageError(
            _("Nothing was deployed to {environment} yet.").format(environment=environment),
            hint=f"celadon deploy {environment}",
        )
    return load_frozen(file.read_text(), outline.name, outline.folder, outline.file, environment)


def target_of_promote(workspace: Workspace, to: str | None) -> str:
    """The environment that `promote` means: the one named, or the only one that takes releases from another."""
    outline = workspace.outline
    if to is not None:
        return outline.environment(to)
    taking = promoted_environments(workspace)
    if len(taking) == 1:
        return taking[0]
    raise UsageError(
        _("Say where to promote to: {names}.").format(names=", ".join(taking or outline.environments)),
        hint=_("celadon promote --to {environment}").format(environment=(taking or outline.environments)[-1]),
    )


def promoted_environments(workspace: Workspace) -> list[str]:
    first = load_environment(workspace.outline.file, workspace.outline.environments[0], compose.render)
    return [name for name, options in first.settings.environments.items() if options.from_]


@contextmanager
def _locked(workspace: Workspace, request: Request, config: EnvironmentConfig, report: Report) -> Iterator[None]:
    what = " ".join([request.verb, request.environment, *request.services])
    me = Holder(os.getpid(), getpass.getuser(), workspace.outline.name, what, utc_now().isoformat())

    def waiting(other: Holder | None) -> None:
        report.note(_("Another deployment runs: {holder}. Waiting …").format(holder=other or _("just starting")))

    with lock.held(me, config.settings.build.lock_timeout, waiting):
        yield


def _heal(workspace: Workspace, config: EnvironmentConfig, report: Report) -> None:
    """Finish or clear what an earlier run left, in the environment that this one acts in."""
    if not workspace.layout.rendered(config.name).exists():
        return
    kept = kept_config(workspace, config.name)
    for line in reconcile(World(kept, workspace.layout, workspace.record, report)):
        report.note(_("healed: {what}").format(what=line))


# Up and down


def up(workspace: Workspace, environment: str, report: Report) -> None:
    """Start an environment: network, backing services, router, and everything that the record has as live."""
    docker.require()
    name = workspace.outline.environment(environment)
    config = load_environment(workspace.outline.file, name, compose.render)
    request = Request("up", name)
    with _locked(workspace, request, config, report):
        seen = observe.snapshot(workspace.record, config.workspace, utc_now())
        router = next((c for c in seen.of_role(name, labels.ROUTER) if c.running), None)
        moved = router is not None and router.fingerprint != router_fingerprint(config)
        step = Prepare((*config.backing, labels.ROUTER), restarts_router=moved)
        _carried_out(workspace, request, config, Plan("up", name, tuple(config.backing), (step,)), report)
        _heal(workspace, config, report)


def down(workspace: Workspace, environment: str, report: Report, *, volumes: bool) -> None:
    """Stop and remove an environment's containers and network; with `volumes` also its data, releases and tags.

    Without `volumes` the record stays, and `up` brings back what was live.
    """
    docker.require()
    name = workspace.outline.environment(environment)
    config = kept_config(workspace, name)
    with _locked(workspace, Request("down", name), config, report):
        compose.down(workspace.layout.compose(name), config.project, volumes=volumes)
        left = [c for c in docker.containers(config.workspace) if c.environment == name]
        docker.remove([c.id for c in left])
        if volumes:
            _forget(workspace, config)


def _forget(workspace: Workspace, config: EnvironmentConfig) -> None:
    record, layout, name = workspace.record, workspace.layout, config.name
    before = {r.image for r in record.releases()}
    services = sorted({r.service for r in record.releases() if r.environment == name})
    record.forget_environment(name)
    projection.move_tags(World(config, layout, record, _Silent()), services)
    kept = {r.image for r in record.releases()}
    for built in record.built():
        if built.image not in kept and not record.live():
            record.remove_built(built.service, built.id)
            before.add(built.image)
    kept |= {b.image for b in record.built()}
    docker.untag(sorted(before - kept))
    for folder in (layout.environment(name), layout.router(name), layout.root / "releases" / name):
        shutil.rmtree(folder, ignore_errors=True)


class _Silent:
    """A report that nobody reads."""

    def started(self, number: int, total: int, text: str) -> None: ...
    def ended(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def failed(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def detail(self, text: str) -> None: ...
    def note(self, text: str) -> None: ...
    def log(self, text: str) -> None: ...


# Looking


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
    """The whole workspace at one moment."""

    rows: tuple[Row, ...]
    free: int
    total: int
    holder: Holder | None
    now: str


def status(workspace: Workspace) -> Status:
    """What runs, from one look; the number of engine calls does not grow with the number of services."""
    containers = docker.containers(workspace.outline.name)
    seen = Snapshot(utc_now(), containers, workspace.record.releases(), workspace.record.live())
    rows: list[Row] = []
    for environment in workspace.outline.environments:
        names = dict.fromkeys([*workspace.outline.services, *(s for e, s in seen.live if e == environment)])
        for service in names:
            live = seen.live.get((environment, service))
            container = seen.live_container(environment, service)
            release = seen.live_release(environment, service)
            slot = live.slot if live else ""
            rows.append(Row(environment, service, release, slot, container, _memory(container), labels.IN_SLOT))
        for role in (labels.BACKING, labels.ROUTER):
            for container in seen.of_role(environment, role):
                rows.append(Row(environment, container.service, None, "", container, _memory(container), role))
    disk = host.disk(workspace.outline.folder)
    return Status(tuple(rows), disk.free, disk.total, lock.holder(), seen.now.isoformat())


def _memory(container: Container | None) -> int | None:
    return host.memory_of(container.pid) if container and container.running else None


def releases(workspace: Workspace, environment: str | None, service: str | None) -> tuple[tuple[Release, str], ...]:
    """Kept releases, newest first, each with "live", "rollback" (what a rollback would bring back) or ""."""
    if environment:
        workspace.outline.environment(environment)
    live = workspace.record.live()
    every = workspace.record.releases()
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
    return workspace.record.deployments(environment, limit)


def deployment(workspace: Workspace, number: int) -> tuple[Deployment, tuple[StepRow, ...], Path]:
    """One deployment with its steps and its log. Raises UsageError when there is none of that number."""
    found = next((d for d in workspace.record.deployments(None, 100_000) if d.id == number), None)
    if found is None:
        raise UsageError(_("There is no deployment {number}.").format(number=number), hint="celadon history")
    return found, workspace.record.steps(number), workspace.layout.log(number)


def container_of(workspace: Workspace, environment: str, service: str) -> Container:
    """The running container that users of a service reach; backing services and the router count as services.

    Raises UsageError when there is none.
    """
    name = workspace.outline.environment(environment)
    found = [c for c in docker.containers(workspace.outline.name) if c.environment == name]
    seen = Snapshot(utc_now(), tuple(found), live=workspace.record.live())
    container = seen.live_container(name, service)
    container = container or next((c for c in found if c.service == service and c.role != labels.IN_SLOT), None)
    if container is None:
        choose(service, sorted({c.service for c in found}), _("running service"))
        raise UsageError(_("{service} does not run in {environment}.").format(service=service, environment=name))
    return container


def open_shell(container: Container, argv: Sequence[str], *, terminal: bool) -> int:
    return docker.interactive(container.id, argv, terminal=terminal)


def show_logs(container: Container, *, follow: bool, tail: str, since: str | None) -> int:
    return docker.logs(container.id, follow=follow, tail=tail, since=since)
