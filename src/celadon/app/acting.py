"""Verbs that change the server: observe, plan, and once agreed carry out under the lock, healing first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from celadon.app.audit import DeploymentAudit
from celadon.app.configs import configs_of
from celadon.app.healing import heal, locked
from celadon.app.masking import errors_masked, mask_of
from celadon.app.request import Request
from celadon.app.telling import News
from celadon.app.workspace import Workspace
from celadon.config.masking import Mask
from celadon.config.workspace import EnvironmentConfig, choose
from celadon.errors import CommandError, EngineError, RefusedError
from celadon.locale import _
from celadon.plan import space
from celadon.plan.deploy import plan_build, plan_deploy, refuse_deploy
from celadon.plan.environment import plan_down, plan_up
from celadon.plan.promote import plan_promote
from celadon.plan.rollback import plan_drill, plan_rollback
from celadon.plan.steps import Plan
from celadon.run import observe, signatures, ways
from celadon.run.execute import Cancel, execute
from celadon.run.lock import Held
from celadon.run.report import Report
from celadon.run.world import World, utc_now
from celadon.state import encryption
from celadon.state.disk import Disk
from celadon.state.snapshot import Snapshot

if TYPE_CHECKING:
    from celadon.check.facts import Finding


@dataclass(frozen=True)
class Wanted:
    """A request with the configuration it was planned with, what was seen, and the plan that the operator saw.

    `findings` are what `check` says of what the plan brings; `mask` hides the secrets that are in play.
    """

    request: Request
    configs: tuple[EnvironmentConfig, ...]
    seen: Snapshot
    plan: Plan
    mask: Mask
    findings: "tuple[Finding, ...]" = ()

    @property
    def config(self) -> EnvironmentConfig:
        return self.configs[0]


def plan(workspace: Workspace, request: Request, report: Report) -> Wanted:
    """What `request` would do now; nothing is changed."""
    encryption.key_of(workspace.layout)  # where it is missing, nothing is begun
    configs = configs_of(workspace, request)
    if request.verb == "deploy":
        refuse_deploy(configs[0])
    if request.services:  # a slip of the pen is said before anything is asked of the engine
        _services(workspace, request, configs[0])
    with errors_masked(workspace.outline, workspace.layout, configs):
        seen = observe.snapshot(workspace.record, workspace.layout, configs[0].workspace, utc_now())
        seen = _with_sources(workspace, request, configs, seen, report)
        planned = _planned(workspace, request, configs, seen)
        mask = mask_of(workspace.outline, workspace.layout, configs)
        return Wanted(request, configs, seen, planned, mask, _checked(configs[0], planned))


def _checked(config: EnvironmentConfig, plan: Plan) -> "tuple[Finding, ...]":
    from celadon.app import checking  # two dozen modules: `attach` and `cancel` need not pay

    return checking.of_plan(config, plan)


def refuse_errors(wanted: Wanted) -> None:
    """Raises RefusedError where `check` finds an error in what the plan brings."""
    from celadon.app import checking

    checking.refuse(wanted.findings, wanted.config.name)


def carry_out(
    workspace: Workspace, wanted: Wanted, report: Report, cancel: Cancel, news: News, log: DeploymentAudit
) -> None:
    """Carry out what was agreed to, under the host's lock; `news` and the audit log hear when it begins.

    What an earlier run left is healed first. The plan is made again under the lock: what was agreed to is what is
    done, or nothing. Raises the error of the step that failed, when everything before it has been undone.
    """
    request, config = wanted.request, wanted.config
    with locked(workspace, str(request), config.settings.build.lock_timeout, report) as held:
        if request.verb not in ("up", "down"):  # these begin with less than a heal needs
            for line in heal(workspace, config.name, report, news.messenger):
                report.note(_("healed: {what}").format(what=line))
        seen = observe.snapshot(workspace.record, workspace.layout, config.workspace, wanted.seen.now)
        if held.waited:  # an hour may have passed: what was newest then may be old now
            seen = _with_sources(workspace, request, wanted.configs, seen, report)
        else:
            was = wanted.seen
            seen = replace(
                seen,
                sources=was.sources,
                incoming=was.incoming,
                disk=was.disk,
                builder=was.builder,
                signatures=was.signatures,
            )
        final = _planned(workspace, request, wanted.configs, seen)
        _refuse_surprises(wanted.plan, final, report)
        same = seen.sources == wanted.seen.sources
        refuse_errors(wanted if same else replace(wanted, findings=_checked(config, final)))
        workspace.record.run(log.number, final.concerned, utc_now().isoformat())
        for line in final.lines():
            report.log(line)
        log.begun(workspace.record)
        news.begun(workspace, final)
        announce = partial(_announced, wanted.mask, held)
        world = World(config, workspace.layout, workspace.record, report, announce=announce, hide=wanted.mask)
        execute(world, final, log.number, cancel)


def _announced(mask: Mask, held: Held, text: str) -> None:
    held.say(mask(text))


def _refuse_surprises(shown: Plan, final: Plan, report: Report) -> None:
    if final.protected and final.promise != shown.promise:
        raise RefusedError(
            _("The server changed while you were asked; nothing was done."),
            evidence=final.changes,
            hint=_("Look at the new plan and say yes again."),
        )
    if (final.changes, final.steps) != (shown.changes, shown.steps):  # notes say how things are at the moment
        report.note(_("What was found under the lock differs from the plan above; this is done:"))
        for line in final.lines():
            report.note(line)


def _with_sources(
    workspace: Workspace, request: Request, configs: Sequence[EnvironmentConfig], seen: Snapshot, report: Report
) -> Snapshot:
    """What a verb needs beyond the server: the commits to build, or those that a promote brings."""
    config = configs[0]
    if request.verb == "promote":
        incoming = observe.incoming(config, workspace.layout, seen, configs[1].name)
        signed = signatures.of_releases(config, workspace.layout, seen, configs[1].name)
        return replace(seen, incoming=incoming, disk=_disk(workspace, builds=False), signatures=signed)
    if request.verb in ("deploy", "build"):
        services = _services(workspace, request, config)
        sources = observe.sources(config, workspace.layout, services, request.ref, report.detail)
        return replace(
            seen,
            sources=sources,
            disk=_disk(workspace, builds=True),
            builder=ways.builder(config.settings.build),
            signatures=signatures.of_sources(config, workspace.layout, sources),
        )
    return seen


def _disk(workspace: Workspace, *, builds: bool) -> Disk | None:
    """What lies on the disk; None where the engine cannot say: what is not known refuses nothing.

    For what only starts it is enough to know that there is room.
    """
    try:
        if not builds and not space.is_tight(room := observe.room(workspace.layout)):
            return room
        return observe.disk(workspace.layout)
    except (CommandError, EngineError):
        return None


def _planned(workspace: Workspace, request: Request, configs: Sequence[EnvironmentConfig], seen: Snapshot) -> Plan:
    config = configs[0]
    if request.verb == "down":
        return plan_down(config, volumes=request.volumes)
    if request.verb == "up":
        return plan_up(config, seen)
    services = _services(workspace, request, config)
    if request.verb == "rollback":
        return plan_rollback(config, seen, services, request.to, stop_first=request.stop_first)
    if request.verb == "drill":
        return plan_drill(config, seen, services, request.to)
    if request.verb == "promote":
        whole = not request.services
        return plan_promote(config, configs[1], seen, services, whole=whole, stop_first=request.stop_first)
    if request.verb == "build":
        return plan_build(config, seen, services, force=request.force)
    return plan_deploy(
        config, seen, services, force=request.force, whole=not request.services, stop_first=request.stop_first
    )


def _services(workspace: Workspace, request: Request, config: EnvironmentConfig) -> tuple[str, ...]:
    """The services that are meant: those named, or all; for a rollback, those that the record knows."""
    if request.verb in ("rollback", "drill"):
        known = [service for (environment, service) in workspace.record.live() if environment == config.name]
    else:
        known = list(config.services)
    return tuple(dict.fromkeys(choose(name, known, _("service")) for name in request.services)) or tuple(known)
