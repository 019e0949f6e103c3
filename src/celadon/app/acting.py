"""Verbs that change the server. Each reads like the runbook: observe, plan, ask, act under the lock."""

import getpass
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from celadon.adapters import compose, docker
from celadon.app.workspace import Workspace
from celadon.config.load import load_environment, load_frozen
from celadon.config.workspace import EnvironmentConfig, choose
from celadon.errors import CeladonError, RefusedError, UsageError
from celadon.locale import _
from celadon.plan.deploy import plan_build, plan_deploy, refuse_deploy
from celadon.plan.promote import plan_promote
from celadon.plan.rollback import plan_rollback
from celadon.plan.steps import Plan
from celadon.run import lock, observe
from celadon.run.execute import execute
from celadon.run.lock import Holder
from celadon.run.reconcile import reconcile
from celadon.run.report import Both, LogFile, Report
from celadon.run.world import World, utc_now

Confirm = Callable[[Plan], bool]


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


def plan(workspace: Workspace, request: Request, report: Report) -> Plan:
    """What `request` would do now; nothing is changed."""
    docker.require()
    return _planned(workspace, request, _configs(workspace, request), report, utc_now())


def act(workspace: Workspace, request: Request, report: Report, confirm: Confirm) -> Done | None:
    """Plan, ask, heal what an earlier run left, and carry out, under the host's lock.

    None when there was nothing to do, or the operator declined.

    The plan is made again under the lock: what was confirmed is what is done, or nothing.
    Raises the error of the step that failed, when everything before it has been undone.
    """
    docker.require()
    configs = _configs(workspace, request)
    now = utc_now()
    wanted = _planned(workspace, request, configs, report, now)
    if not confirm(wanted) and wanted.steps:
        return None
    with locked(workspace, request, configs[0], report):
        heal(workspace, configs[0], report)
        if not wanted.steps:
            return None
        final = _planned(workspace, request, configs, report, now, again=True)
        if final.protected and final.changes != wanted.changes:
            raise RefusedError(
                _("The server changed while you were asked; nothing was done."),
                evidence=final.changes,
                hint=_("Look at the new plan and say yes again."),
            )
        if final.lines() != wanted.lines():
            report.note(_("What was found under the lock differs from the plan above; this is done:"))
            for line in final.lines():
                report.note(line)
        return carried_out(workspace, request, configs[0], final, report)


def carried_out(workspace: Workspace, request: Request, config: EnvironmentConfig, final: Plan, report: Report) -> Done:
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
    workspace: Workspace,
    request: Request,
    configs: Sequence[EnvironmentConfig],
    report: Report,
    now: datetime,
    *,
    again: bool = False,
) -> Plan:
    config = configs[0]
    services = _services(workspace, request, config)
    seen = observe.snapshot(workspace.record, config.workspace, now)
    if request.verb == "rollback":
        return plan_rollback(config, seen, services, request.to)
    if request.verb == "promote":
        source = configs[1]
        seen = replace(seen, incoming=observe.incoming(config, workspace.layout, seen, source.name))
        return plan_promote(config, source, seen, services, whole=not request.services)
    told = report.log if again else report.detail
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
def locked(workspace: Workspace, request: Request, config: EnvironmentConfig, report: Report) -> Iterator[None]:
    what = " ".join([request.verb, request.environment, *request.services])
    me = Holder(os.getpid(), getpass.getuser(), workspace.outline.name, what, utc_now().isoformat())

    def waiting(other: Holder | None) -> None:
        report.note(_("Another deployment runs: {holder}. Waiting …").format(holder=other or _("just starting")))

    with lock.held(me, config.settings.build.lock_timeout, waiting):
        yield


def heal(workspace: Workspace, config: EnvironmentConfig, report: Report) -> None:
    """Finish or clear what an earlier run left, in the environment that this one acts in."""
    if not workspace.layout.rendered(config.name).exists():
        return
    kept = kept_config(workspace, config.name)
    for line in reconcile(World(kept, workspace.layout, workspace.record, report)):
        report.note(_("healed: {what}").format(what=line))
