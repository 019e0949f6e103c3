"""Plan of `rollback`: back to a frozen release, exactly as it was; nothing is built, pulled or read from the file."""

from collections.abc import Sequence

from celadon.config.workspace import EnvironmentConfig
from celadon.errors import RefusedError, UsageError
from celadon.locale import _
from celadon.plan import admission, common, road, steps
from celadon.plan.steps import Candidate, Plan, Step, Unchanged
from celadon.state.snapshot import Release, Snapshot


def plan_rollback(
    config: EnvironmentConfig,
    snapshot: Snapshot,
    services: Sequence[str],
    to: str | None,
    *,
    stop_first: bool = False,
) -> Plan:
    """`services` back to their release before, or those of them that have a release `to` to that.

    `stop_first`: what runs is stopped before its successor starts.

    What has nothing before is left alone. Raises RefusedError when no service can go back or an image is gone,
    UsageError when none of them has a release `to`.
    """
    if to is not None:
        having = [name for name in services if _matching(config, snapshot, name, to)]
        services = having or services  # with none at all, the first one says what it has
    arrivals: list[common.Arrival] = []
    unchanged: list[Unchanged] = []
    changes: list[str] = []
    for name in services:
        target = _target(config, snapshot, name, to)
        live = snapshot.live_release(config.name, name)
        if target is None:
            unchanged.append(Unchanged(name, _("there is no release before {release}").format(
                release=live.id if live else _("nothing"))))  # fmt: skip
            continue
        if live and target.id == live.id:
            unchanged.append(Unchanged(name, _("{release} is live already").format(release=live.id)))
            continue
        _refuse_without_image(config, snapshot, target)
        known = config.services.get(name)
        replaces = stop_first or (known is not None and known.options.strategy == "replace")
        arrivals.append(common.arrival(snapshot, target, replace=replaces, forward=False))
        changes.append(common.change_line(snapshot, target))
    if not arrivals and not any(u for u in unchanged if to):
        raise RefusedError(
            _("Nothing to roll back in {environment}.").format(environment=config.name),
            evidence=[f"{u.service}: {u.reason}" for u in unchanged],
            hint=_("See what is kept: celadon releases {environment}").format(environment=config.name),
        )
    before = common.preparation(config, snapshot) if arrivals else ()
    turns, reasons = admission.turns(config, snapshot, arrivals)
    unrestarted = common.router_notes(config, snapshot) if arrivals else []
    notes = (*common.downtimes(config, arrivals), *reasons, *unrestarted)
    way = (*before, *road.whole(config, snapshot, turns, ()))
    return Plan("rollback", config.name, tuple(services), way, tuple(unchanged), tuple(changes), notes, protected=True,
                promise=common.promise(arrivals))  # fmt: skip


def plan_drill(config: EnvironmentConfig, snapshot: Snapshot, services: Sequence[str], to: str | None) -> Plan:
    """Proof that a rollback would work: its candidates are started and probed, then removed; nothing is switched.

    Workers are left alone: one that starts would begin to work. Raises as `plan_rollback` does.
    """
    rolled = plan_rollback(config, snapshot, services, to)
    candidates: list[Candidate] = []
    unchanged = list(rolled.unchanged)
    way: list[Step] = []
    for turn in (step.moves for step in rolled.steps if isinstance(step, steps.Commit)):
        starting: list[Candidate] = []
        for move in turn:
            known = config.services.get(move.service)
            if known is None or known.options.port is None or known.options.strategy == "replace":
                unchanged.append(Unchanged(move.service, _("a worker would begin to work")))
            elif move.after:
                starting.append(Candidate(move.service, move.after.release, move.after.slot))
        if starting:
            made = tuple(starting)
            way += [steps.Start(made), steps.ProbeInside(made), steps.Stop(made)]
            candidates += starting
    changes = tuple(
        _("{service}: would {release} start and get healthy?").format(service=c.service, release=c.release)
        for c in candidates
    )
    before = common.preparation(config, snapshot) if way else ()
    names = tuple(c.service for c in candidates)
    return Plan("drill", config.name, names, (*before, *way), tuple(unchanged), changes)


def _refuse_without_image(config: EnvironmentConfig, snapshot: Snapshot, target: Release) -> None:
    if not snapshot.has_image(target.image_id):
        raise RefusedError(
            _("{service}: the image of {release} is gone; somebody removed it.").format(
                service=target.service, release=target.id
            ),
            hint=_("See what is left: celadon releases {environment} {service}").format(
                environment=config.name, service=target.service
            ),
        )


def _target(config: EnvironmentConfig, snapshot: Snapshot, service: str, to: str | None) -> Release | None:
    mine = [r for r in snapshot.releases if (r.environment, r.service) == (config.name, service)]
    if to is None:
        live = snapshot.live_release(config.name, service)
        return next((r for r in mine if live and r.id == live.predecessor), None)
    found = _matching(config, snapshot, service, to)
    if len(found) != 1:
        words = _("{service} has no release {release}.") if not found else _("{release} names several of {service}.")
        raise UsageError(
            words.format(service=service, release=to),
            hint=_("Kept: {releases}").format(releases=", ".join(r.id for r in mine) or _("none")),
        )
    return found[0]


def _matching(config: EnvironmentConfig, snapshot: Snapshot, service: str, to: str) -> list[Release]:
    """The releases of a service that `to` may mean: an id, or four characters or more of its beginning or end."""
    mine = [r for r in snapshot.releases if (r.environment, r.service) == (config.name, service)]
    exact = [r for r in mine if r.id == to]
    return exact or [r for r in mine if len(to) >= 4 and (r.id.startswith(to) or r.id.endswith(to))]
