"""Pieces that the planners share: new ids, the slot to use, and the road from a frozen release to a stopped old one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from celadon.config.workspace import EnvironmentConfig, Service
from celadon.locale import _
from celadon.plan import retire, steps
from celadon.plan.steps import Candidate, Frozen, Step
from celadon.state import snapshot as labels
from celadon.state.record import Move
from celadon.state.snapshot import BLUE, Built, Live, Release, Snapshot, other


@dataclass(frozen=True)
class Arrival:
    """A release that this deployment makes live: its candidate, what it replaces, and how."""

    release: Release
    candidate: Candidate
    before: Live | None
    replace: bool
    task: tuple[str, ...]

    @property
    def move(self) -> Move:
        return Move(self.release.service, self.before, Live(self.release.id, self.candidate.slot))

    @property
    def leaving(self) -> Candidate | None:
        """The container that users leave."""
        return Candidate(self.release.service, self.before.release, self.before.slot) if self.before else None


def new_id(now: datetime, commit: str, taken: Collection[str]) -> str:
    """A release id such as 20260111-093012-9f12ce5 (UTC); the time moves on where an id is taken."""
    stamp = int(now.strftime("%Y%m%d%H%M%S"))
    while True:
        text = str(stamp)
        candidate = f"{text[:8]}-{text[8:]}-{commit.removeprefix('sha256:')[:7]}"
        if candidate not in taken:
            return candidate
        stamp += 1


def arrival(snapshot: Snapshot, release: Release, *, replace: bool, task: Sequence[str] = ()) -> Arrival:
    """Put a release into the slot that is not live."""
    before = snapshot.live.get((release.environment, release.service))
    slot = other(before.slot) if before else BLUE
    candidate = Candidate(release.service, release.id, slot)
    return Arrival(release, candidate, before, replace, tuple(task))


def road(
    config: EnvironmentConfig, snapshot: Snapshot, arrivals: Sequence[Arrival], frozen: Sequence[Frozen]
) -> tuple[Step, ...]:
    """The order that protects users: freeze → tasks → start → probe → commit → switch → verify → drain → stop.

    Everything before the commit can be undone without a user noticing; nothing that users still reach is stopped
    before the router's old workers have finished with it.
    """
    if not arrivals:
        return ()
    candidates = tuple(a.candidate for a in arrivals)
    moves = tuple(a.move for a in arrivals)
    names = tuple(a.release.service for a in arrivals)
    routed = any(_has_port(config, name) for name in names)
    road: list[Step] = [steps.Prepare(tuple(config.backing))] if missing_parts(config, snapshot) else []
    if frozen:
        road.append(steps.Freeze(tuple(frozen)))
    road += [steps.RunTask(a.release.service, a.release.id, a.task) for a in arrivals if a.task]
    road += [steps.StopFirst(a.leaving) for a in arrivals if a.replace and a.leaving]
    road.append(steps.Start(candidates))
    if routed:
        road.append(steps.TestRouter(moves))
    road += [steps.ProbeInside(candidates), steps.Commit(moves)]
    if routed:
        road.append(steps.Switch(names))
    road += [steps.Retag(names), steps.Verify(candidates, config.options.watch)]
    leaving = tuple(a.leaving for a in arrivals if a.leaving)
    if leaving and routed:
        road.append(steps.Drain(config.options.drain))
    if leaving:
        road.append(steps.Stop(leaving))
    releases, built = retire.surplus(config, snapshot, [(a.release, a.before) for a in arrivals])
    if releases or built:
        road.append(steps.Retire(releases, built))
    return tuple(road)


def _has_port(config: EnvironmentConfig, name: str) -> bool:
    service = config.services.get(name)
    return service is None or service.options.port is not None


def missing_parts(config: EnvironmentConfig, snapshot: Snapshot) -> bool:
    """Whether the router or a backing service of the environment is not running."""
    running = {c.service for c in snapshot.containers if c.environment == config.name and c.running
               and c.role in (labels.ROUTER, labels.BACKING)}  # fmt: skip
    return not {"router", *config.backing} <= running


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
    made: Mapping[str, Built | Release] = {
        b.created: b
        for b in (*snapshot.built, *snapshot.releases)
        if b.service == service and b.build_key == build_key and snapshot.images.get(b.image) == b.image_id
    }
    return made[max(made)] if made else None
