"""Pieces that the planners share: what arrives and what departs, new ids, the slot to use, reusable images."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.plan import render, steps
from celadon.plan.steps import Candidate, Step
from celadon.state import snapshot as labels
from celadon.state.snapshot import BLUE, ROUTER, Built, Live, Move, Release, Snapshot, other


@dataclass(frozen=True)
class Arrival:
    """A release that this deployment makes live: its candidate, what it replaces, and how."""

    release: Release
    candidate: Candidate
    before: Live | None
    replace: bool
    task: tuple[str, ...]
    forward: bool

    @property
    def move(self) -> Move:
        return Move(self.release.service, self.before, Live(self.release.id, self.candidate.slot), self.forward)

    @property
    def leaving(self) -> Candidate | None:
        """The container that users leave."""
        return Candidate(self.release.service, self.before.release, self.before.slot) if self.before else None


@dataclass(frozen=True)
class Departure:
    """A service that runs, but is no longer in the file: users leave it, then it is stopped."""

    service: str
    live: Live

    @property
    def move(self) -> Move:
        return Move(self.service, self.live, None)

    @property
    def leaving(self) -> Candidate:
        return Candidate(self.service, self.live.release, self.live.slot)


def refuse_foreign_tags(config: EnvironmentConfig, snapshot: Snapshot, services: Iterable[str]) -> None:
    """Two workspaces of one host may both have a service of one name: their image tags must not mix.

    Raises RefusedError.
    """
    tags = {f"{service}:{environment}": service for service in services for environment in config.settings.environments}
    known = {r.image_id for r in snapshot.releases} | {b.image_id for b in snapshot.built}
    images = snapshot.disk.images.values() if snapshot.disk else ()
    for image in images:
        for tag in tags.keys() & set(image.tags):
            # A label of an image that this workspace deployed itself came from a registry.
            if image.id not in known and image.workspace not in ("", config.workspace):
                raise RefusedError(
                    _("The image tag {tag} belongs to the workspace {owner}.").format(tag=tag, owner=image.workspace),
                    hint=_("Give the service {service} another name in one of the two.").format(service=tags[tag]),
                )


def departures(config: EnvironmentConfig, snapshot: Snapshot) -> tuple[Departure, ...]:
    """What runs in the environment and is no longer in the file."""
    return tuple(
        Departure(service, live)
        for (environment, service), live in snapshot.live.items()
        if environment == config.name and service not in config.services
    )


def departure_line(departure: Departure) -> str:
    return _("{service}: {release} → nothing (it is no longer in the file)").format(
        service=departure.service, release=departure.live.release
    )


def promise(arrivals: Iterable[Arrival], departures: Iterable[Departure] = ()) -> tuple[tuple[str, ...], ...]:
    """What an operator agrees to: (service, release that is live, image id to come, its settings)."""
    comes = [(a.release.service, a.before, a.release.image_id, a.release.fingerprint) for a in arrivals]
    goes = [(d.service, d.live, "", "") for d in departures]
    return tuple(
        (service, before.release if before else "", image, settings)
        for service, before, image, settings in (*comes, *goes)
    )


def new_id(now: datetime, commit: str, taken: Collection[str]) -> str:
    """A release id such as 20260111-093012-9f12ce5 (UTC); the time moves on where an id is taken."""
    stamp = int(now.strftime("%Y%m%d%H%M%S"))
    while True:
        text = str(stamp)
        candidate = f"{text[:8]}-{text[8:]}-{commit.removeprefix('sha256:')[:7]}"
        if candidate not in taken:
            return candidate
        stamp += 1


def arrival(
    snapshot: Snapshot, release: Release, *, replace: bool, task: Sequence[str] = (), forward: bool = True
) -> Arrival:
    """Put a release into the slot that is not live; not `forward` for a rollback."""
    before = snapshot.live.get((release.environment, release.service))
    slot = other(before.slot) if before else BLUE
    candidate = Candidate(release.service, release.id, slot)
    return Arrival(release, candidate, before, replace, tuple(task), forward)


def downtimes(config: EnvironmentConfig, arrivals: Iterable[Arrival]) -> Iterable[str]:
    """What users will notice of services that are stopped before their successors start."""
    for one in arrivals:
        name = one.release.service
        if one.replace and one.leaving and (name not in config.services or config.services[name].routed):
            yield _(
                "{service} is stopped before its successor starts: it does not answer until that is healthy"
            ).format(service=name)


def preparation(config: EnvironmentConfig, snapshot: Snapshot) -> tuple[Step, ...]:
    """The step that starts what the services stand on, where something of it is missing or the router's doors moved."""
    standing = {c.service: c for c in snapshot.containers if c.environment == config.name and c.running
                and c.role in (labels.ROUTER, labels.BACKING)}  # fmt: skip
    missing = [name for name in (*config.backing, ROUTER) if name not in standing]
    moved = router_moved(config, snapshot)
    if not missing and not moved:
        return ()
    names = tuple(dict.fromkeys([*missing, *([ROUTER] if moved else [])]))
    return (steps.Prepare(names, restarts_router=moved),)


def router_moved(config: EnvironmentConfig, snapshot: Snapshot) -> bool:
    """Whether the router that runs was made for other doors, or mounts a folder that was lost: it must be made anew."""
    router = next((c for c in snapshot.of_role(config.name, ROUTER) if c.running), None)
    return router is not None and (
        router.fingerprint != render.router_fingerprint(config) or config.name in snapshot.adrift
    )


def router_outdated(config: EnvironmentConfig, snapshot: Snapshot) -> list[str]:
    """Why the router that runs is not what `up` would start now, though it serves as well; nothing without one."""
    router = next((c for c in snapshot.of_role(config.name, ROUTER) if c.running), None)
    if router is None:
        return []
    found = []
    if router.confinement != render.router_confinement(config):
        found.append(_("the router runs with fewer restrictions than this version of Celadon applies"))
    reference = config.settings.router.image
    named = snapshot.image_named(reference)
    if named and named != router.image_id:
        found.append(_("{reference} now points to {now}; the router runs {before}").format(
            reference=reference, now=named, before=router.image_id))  # fmt: skip
    return found


def router_notes(config: EnvironmentConfig, snapshot: Snapshot) -> list[str]:
    """What a deployment leaves as it is, because users would notice a restart of the router, and how to change it."""
    if router_moved(config, snapshot) or not (found := router_outdated(config, snapshot)):
        return []
    how = _("the router stays unchanged until `celadon up {environment}` restarts it (about 1 s of downtime)")
    return [*found, how.format(environment=config.name)]


def change_line(snapshot: Snapshot, release: Release) -> str:
    """One line: what the users of a service have, and what they will get."""
    now = snapshot.live_release(release.environment, release.service)
    return _("{service}: {before} → {after} ({subject})").format(
        service=release.service, before=now.id if now else _("nothing"), after=release.id, subject=release.subject
    )


def slot_notes(service: Service) -> Iterable[str]:
    """Things in the definition that Celadon leaves out, said once in the plan."""
    ports = [str(p.get("published")) for p in service.definition.get("ports") or [] if p.get("published")]
    if ports:
        yield _("{service}: the ports {ports} are not published; the router is the door").format(
            service=service.name, ports=", ".join(ports)
        )


def reusable(snapshot: Snapshot, service: str, build_key: str) -> Built | Release | None:
    """An image that was made of the same things and is still there; the newest."""
    known: list[Built | Release] = [*snapshot.built, *snapshot.releases]
    made = [
        one
        for one in known
        if (one.service, one.build_key) == (service, build_key) and snapshot.images.get(one.image) == one.image_id
    ]
    return max(made, key=lambda one: one.created, default=None)
