"""Plan of `build` and `deploy`: which services are built or pulled, which are left alone, and the road to live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import UsageError
from celadon.locale import _, numbers
from celadon.plan import admission, common, confinement, policy, render, road, space, steps
from celadon.plan.steps import Frozen, Plan, Step, Unchanged
from celadon.state.snapshot import Built, Release, Snapshot, Source


@dataclass(frozen=True)
class _Image:
    """The image a service will run: `tag` names it for the engine; `step` makes it, None where it is there already."""

    built: Built
    tag: str
    step: Step | None


def plan_build(config: EnvironmentConfig, snapshot: Snapshot, services: Sequence[str], *, force: bool) -> Plan:
    """Images for a later deploy, and nothing else."""
    made: list[Step] = []
    unchanged: list[Unchanged] = []
    taken: set[str] = set()
    for name in services:
        service, source = config.services[name], snapshot.sources[name]
        image = _image(config, snapshot, service, source, force=force, taken=taken)
        if image.step:
            made.append(image.step)
        else:
            unchanged.append(Unchanged(name, _("{commit} is built already ({image})").format(
                commit=source.short, image=image.tag)))  # fmt: skip
    common.refuse_foreign_tags(config, snapshot, services)
    new = [step.built for step in made if isinstance(step, steps.Build | steps.Pull)]
    asked = policy.asked(config, snapshot, {one.service: (one.commit, one.image) for one in new})
    first, why = space.admit(config, snapshot, made)
    notes = (*_build_notes(config, snapshot, made), *why, *asked.notes)
    last = (steps.CleanUp((config.name,)),) if made else ()
    way = (*asked.first, *first, *made, *last)
    return Plan("build", config.name, tuple(services), way, tuple(unchanged), notes=notes)


def _build_notes(config: EnvironmentConfig, snapshot: Snapshot, made: Sequence[Step]) -> tuple[str, ...]:
    """What builds may take. Raises RefusedError where the host does not hold it."""
    if snapshot.memory is None or not any(isinstance(step, steps.Build) for step in made):
        return ()
    memory = admission.build_memory(config.settings.build, snapshot.memory, snapshot.builder)
    return (_("a build gets at most {memory} of memory").format(memory=numbers.size(memory)),)


def refuse_deploy(config: EnvironmentConfig) -> None:
    """Raises UsageError for an environment that takes its releases from another: it runs what was tested there."""
    if config.options.from_:
        raise UsageError(
            _("{environment} takes its releases from {source}: nothing is built for it.").format(
                environment=config.name, source=config.options.from_
            ),
            hint=_("celadon deploy {source}, then celadon promote --to {environment}").format(
                environment=config.name, source=config.options.from_
            ),
        )


def plan_deploy(
    config: EnvironmentConfig,
    snapshot: Snapshot,
    services: Sequence[str],
    *,
    force: bool,
    whole: bool = False,
    stop_first: bool = False,
) -> Plan:
    """All of `services` to their sources' commits, in one commit and one switch.

    `whole`: these are all services of the file, so what runs beside them is no longer in it and is stopped.
    `stop_first`: what runs is stopped before its successor starts.
    """
    making: list[Step] = []
    frozen: list[Frozen] = []
    arrivals: list[common.Arrival] = []
    unchanged: list[Unchanged] = []
    changes: list[str] = []
    notes: list[str] = []
    taken = {r.id for r in snapshot.releases} | {b.id for b in snapshot.built}
    for name in services:
        service, source = config.services[name], snapshot.sources[name]
        document = render.release_document(config, service)
        reason = None if force else _why_left(config, snapshot, service, source, render.fingerprint(document))
        if reason:
            unchanged.append(Unchanged(name, reason))
            continue
        image = _image(config, snapshot, service, source, force=force, taken=taken)
        release = _release(config, snapshot, image, document, taken)
        if image.step:
            making.append(image.step)
        frozen.append(Frozen(release, image.tag, confinement.confined(document), snapshot.signatures.get(name)))
        arrivals.append(_arrival(snapshot, release, service, stop_first=stop_first))
        changes.append(common.change_line(snapshot, release))
        notes += common.slot_notes(service)
    common.refuse_foreign_tags(config, snapshot, services)
    departures = common.departures(config, snapshot) if whole else ()
    changes += map(common.departure_line, departures)
    asked = policy.asked(config, snapshot, {f.release.service: (f.release.commit, f.image) for f in frozen})
    turns, reasons = admission.turns(config, snapshot, arrivals)
    starts_only = arrivals and not making
    first, why = space.admit_start(config, snapshot) if starts_only else space.admit(config, snapshot, making)
    notes += [*_build_notes(config, snapshot, making), *why, *common.downtimes(config, arrivals), *reasons]
    notes += asked.notes
    way = road.whole(config, snapshot, turns, frozen, departures)
    before = common.preparation(config, snapshot) if way else ()
    notes += common.router_notes(config, snapshot) if way else []
    return Plan(
        "deploy",
        config.name,
        tuple(services),
        (*asked.first, *first, *before, *making, *asked.inspections, *way),
        tuple(unchanged),
        tuple(changes),
        tuple(notes),
    )


def _arrival(snapshot: Snapshot, release: Release, service: Service, *, stop_first: bool) -> common.Arrival:
    replaces = stop_first or service.options.strategy == "replace"
    return common.arrival(snapshot, release, replace=replaces, task=service.options.release or ())


def _why_left(
    config: EnvironmentConfig, snapshot: Snapshot, service: Service, source: Source, fingerprint: str
) -> str | None:
    live = snapshot.live_release(config.name, service.name)
    running = snapshot.live_container(config.name, service.name)
    if live is None or running is None or not running.sound:
        return None
    if live.build_key != render.build_key(source.commit, service) or live.fingerprint != fingerprint:
        return None
    return _("{commit} is live already and nothing of its environment changed").format(commit=source.short)


def _image(
    config: EnvironmentConfig, snapshot: Snapshot, service: Service, source: Source, *, force: bool, taken: set[str]
) -> _Image:
    key = render.build_key(source.commit, service)
    made = None if force else common.reusable(snapshot, service.name, key)
    if made:
        same = Built(service.name, made.id, made.image_id, made.commit, made.subject, key, made.created)
        return _Image(same, made.image, None)
    new = common.new_id(snapshot.now, source.commit, taken)
    built = Built(service.name, new, "", source.commit, source.subject, key, snapshot.now.isoformat())
    if source.pulled:
        return _Image(built, built.image, steps.Pull(built, source.repository))
    return _Image(built, built.image, steps.Build(built, source, service.definition["build"]))


def _release(
    config: EnvironmentConfig, snapshot: Snapshot, image: _Image, document: Mapping[str, object], taken: set[str]
) -> Release:
    """A release of a new image has the image's id; of an image that is used already, an id of its own."""
    built = image.built
    release_id = built.id
    if snapshot.release(config.name, built.service, release_id):
        release_id = common.new_id(snapshot.now, built.commit, taken)
    live = snapshot.live.get((config.name, built.service))
    return Release(
        environment=config.name,
        service=built.service,
        id=release_id,
        image_id=built.image_id,
        commit=built.commit,
        subject=built.subject,
        build_key=built.build_key,
        fingerprint=render.fingerprint(document),
        origin="pull" if isinstance(image.step, steps.Pull) else "build",
        created=snapshot.now.isoformat(),
        predecessor=live.release if live else None,
    )
