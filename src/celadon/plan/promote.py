"""Plan of `promote`: the very images that the source environment runs healthy, with the target's own settings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import RefusedError
from celadon.locale import _, ngettext
from celadon.locale.words import called
from celadon.plan import admission, common, confinement, policy, render, road, space
from celadon.plan.steps import Frozen, Plan, Unchanged
from celadon.state.snapshot import Release, Snapshot

COMMITS_SHOWN = 8


def plan_promote(
    config: EnvironmentConfig,
    source: EnvironmentConfig,
    snapshot: Snapshot,
    services: Sequence[str],
    *,
    whole: bool = False,
    stop_first: bool = False,
) -> Plan:
    """`services` from `source` to `config`'s environment, all in one commit and one switch.

    `whole`: these are all services of the file, so what runs beside them is no longer in it and is stopped.
    `stop_first`: what runs is stopped before its successor starts.
    Raises RefusedError for a service that the source environment does not run healthy.
    """
    tested = _tested(source, snapshot, services)
    frozen: list[Frozen] = []
    arrivals: list[common.Arrival] = []
    unchanged: list[Unchanged] = []
    changes: list[str] = []
    notes: list[str] = []
    for name in services:
        service = config.services[name]
        document = render.release_document(config, service)
        fingerprint = render.fingerprint(document)
        if _same(config, snapshot, tested[name], fingerprint):
            reason = _("{environment} runs this image with these settings already").format(environment=config.name)
            unchanged.append(Unchanged(name, reason))
            continue
        kept = _kept(config, snapshot, tested[name], fingerprint)
        release = kept or _release(config, snapshot, tested[name], fingerprint)
        if not kept:
            as_tested = confinement.confined(document, snapshot.live_container(source.name, name))
            frozen.append(Frozen(release, tested[name].image, as_tested, snapshot.signatures.get(name)))
        replaces = stop_first or service.options.strategy == "replace"
        arrivals.append(common.arrival(snapshot, release, replace=replaces, task=service.options.release or ()))
        changes.append(common.change_line(snapshot, release))
        changes += _commits(snapshot.incoming.get(name, ()))
        if name in source.services:  # as it was when it was tested
            notes += _lacking(source.services[name], service, config.name)
            notes += _built_otherwise(source.services[name], service, source.name, config.name)
    departures = common.departures(config, snapshot) if whole else ()
    changes += map(common.departure_line, departures)
    images = {a.release.service: (a.release.commit, tested[a.release.service].image) for a in arrivals}
    asked = policy.asked(config, snapshot, images)
    turns, reasons = admission.turns(config, snapshot, arrivals)
    first, why = space.admit_start(config, snapshot) if arrivals else ((), [])
    notes += [*why, *common.downtimes(config, arrivals), *reasons, *asked.notes]
    way = road.whole(config, snapshot, turns, frozen, departures)
    if way:
        way = (*asked.first, *first, *common.preparation(config, snapshot), *asked.inspections, *way)
        notes += common.router_notes(config, snapshot)
    return Plan(
        "promote", config.name, tuple(services), way, tuple(unchanged), tuple(changes), tuple(notes), protected=True,
        promise=common.promise(arrivals, departures),
    )  # fmt: skip


def _tested(source: EnvironmentConfig, snapshot: Snapshot, services: Sequence[str]) -> dict[str, Release]:
    """The live releases of `services` in `source`. Raises RefusedError unless every one runs healthy."""
    ill: list[str] = []
    tested: dict[str, Release] = {}
    for name in services:
        release, container = snapshot.live_release(source.name, name), snapshot.live_container(source.name, name)
        if release is None:
            ill.append(_("{service}: not deployed to {environment}").format(service=name, environment=source.name))
        elif container is None or not container.sound:
            state = called(container.health or container.state) if container else _("gone")
            ill.append(_("{service}: {state} on {environment}").format(
                service=name, state=state, environment=source.name))  # fmt: skip
        elif container.release != release.id:
            ill.append(_("{service}: {environment} runs {running}, not the recorded {recorded}").format(
                service=name, environment=source.name, running=container.release, recorded=release.id))  # fmt: skip
        elif not snapshot.has_image(release.image_id):
            ill.append(_("{service}: the image {image} is gone").format(service=name, image=release.image))
        else:
            tested[name] = release
    if ill:
        raise RefusedError(
            _("Only what {environment} runs healthy is promoted; nothing was changed.").format(environment=source.name),
            evidence=ill,
            hint=_("celadon deploy {environment}").format(environment=source.name),
        )
    return tested


def _same(config: EnvironmentConfig, snapshot: Snapshot, tested: Release, fingerprint: str) -> bool:
    live = snapshot.live_release(config.name, tested.service)
    running = snapshot.live_container(config.name, tested.service)
    if live is None or running is None or not running.sound:
        return False
    return live.image_id == tested.image_id and live.fingerprint == fingerprint


def _kept(config: EnvironmentConfig, snapshot: Snapshot, tested: Release, fingerprint: str) -> Release | None:
    """The release that was live before with this very image and these settings: it comes again, as it is."""
    live = snapshot.live.get((config.name, tested.service))
    same = (config.name, tested.service, tested.image_id, fingerprint, True)
    for release in snapshot.releases:
        if (release.environment, release.service, release.image_id, release.fingerprint, release.served) == same:
            return replace(release, predecessor=live.release if live else release.predecessor)
    return None


def _release(config: EnvironmentConfig, snapshot: Snapshot, tested: Release, fingerprint: str) -> Release:
    """The tested release in the target: the same id where it is free, so that both columns read alike."""
    live = snapshot.live.get((config.name, tested.service))
    mine = {r.id for r in snapshot.releases if (r.environment, r.service) == (config.name, tested.service)}
    new = tested.id
    if new in mine:
        taken = {r.id for r in snapshot.releases} | {b.id for b in snapshot.built}
        new = common.new_id(snapshot.now, tested.commit, taken)
    return replace(
        tested,
        environment=config.name,
        id=new,
        fingerprint=fingerprint,
        origin=tested.environment,
        created=snapshot.now.isoformat(),
        predecessor=live.release if live else None,
    )


def _commits(incoming: Sequence[str]) -> list[str]:
    lines = [f"    {line}" for line in incoming[:COMMITS_SHOWN]]
    more = len(incoming) - COMMITS_SHOWN
    if more > 0:
        lines.append("    " + ngettext("and {n} more commit", "and {n} more commits", more).format(n=more))
    return lines


def _lacking(tested: Service, target: Service, environment: str) -> list[str]:
    has: Mapping[str, Any] = target.definition.get("environment") or {}
    wants: Mapping[str, Any] = tested.definition.get("environment") or {}
    keys = sorted(wants.keys() - has.keys())
    if not keys:
        return []
    return [_("{service}: {environment} lacks the environment keys {keys}").format(
        service=target.name, environment=environment, keys=", ".join(keys))]  # fmt: skip


def _built_otherwise(tested: Service, target: Service, source: str, environment: str) -> list[str]:
    """Build arguments are baked into an image: those of the target would be ignored, so it is said."""
    theirs = (tested.definition.get("build") or {}).get("args") or {}
    ours = (target.definition.get("build") or {}).get("args") or {}
    keys = sorted(k for k in {*theirs, *ours} if theirs.get(k) != ours.get(k))
    if not keys:
        return []
    return [_("{service}: the build arguments {keys} differ; the image keeps those of {source}").format(
        service=target.name, keys=", ".join(keys), source=source)]  # fmt: skip
