"""Whatever the plan and wherever it ends: each routed service has a healthy slot behind it, and undoing leads back."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from celadon.errors import CeladonError
from celadon.plan import steps
from celadon.plan.steps import Candidate, Plan, Step
from celadon.state.snapshot import Live, Snapshot
from tests.unit.plan.test_plans import planned, snapshot

OLDER, OLD, NEW = "20260101-000000-aaaaaaa", "20260102-000000-bbbbbbb", "20260103-000000-ccccccc"
NAMES = ("web", "shop", "fin", "jobs")


@dataclass
class Server:
    """As little of a server as traffic needs: which slots run and are healthy, what is live, where the router leads."""

    live: dict[str, Live]
    routed: dict[str, Live]
    healthy: set[tuple[str, str]] = field(default_factory=set)
    starting: set[tuple[str, str]] = field(default_factory=set)
    undrained: set[tuple[str, str]] = field(default_factory=set)  # requests may still be under way there

    def do(self, step: Step) -> None:
        match step:
            case steps.Start(candidates):
                assert not {slot(c) for c in candidates} & self.healthy, "a candidate takes a slot in use"
                self.starting |= {slot(c) for c in candidates}
            case steps.ProbeInside(candidates):
                self.healthy |= {slot(c) for c in candidates}
                self.starting -= {slot(c) for c in candidates}
            case steps.StopFirst(candidate):
                self.healthy -= {slot(candidate)}
            case steps.Commit(moves):
                for move in moves:
                    assert self.live.get(move.service) == move.before
                    self._move(move.service, move.after)
            case steps.Switch():
                self.undrained |= {(s, now.slot) for s, now in self.routed.items() if self.live.get(s) != now}
                self.routed = {s: now for s, now in self.live.items() if s in ROUTED}
            case steps.Drain():
                self.undrained.clear()
            case steps.Stop(candidates):
                going = {slot(c) for c in candidates}
                assert not going & self.undrained, "requests under way are cut"
                self.healthy -= going

    def undo(self, step: Step) -> None:
        match step:
            case steps.Start(candidates):
                self.starting -= {slot(c) for c in candidates}
                self.healthy -= {slot(c) for c in candidates}
            case steps.StopFirst(candidate):
                self.healthy |= {slot(candidate)}
            case steps.Commit(moves):
                for move in moves:
                    self._move(move.service, move.before)
                self.do(steps.Switch(()))
                self.do(steps.Drain(0))

    def _move(self, service: str, now: Live | None) -> None:
        self.live.pop(service, None)
        if now:
            self.live[service] = now

    def unserved(self) -> set[str]:
        """Services that the router leads to a slot which cannot answer."""
        return {s for s, now in self.routed.items() if (s, now.slot) not in self.healthy}


ROUTED = NAMES[:3]


def slot(candidate: Candidate) -> tuple[str, str]:
    return candidate.service, candidate.slot


def server(seen: Snapshot, environment: str) -> Server:
    live = {service: now for (e, service), now in seen.live.items() if e == environment}
    made = Server(dict(live), {s: now for s, now in live.items() if s in ROUTED})
    made.healthy = {(s, now.slot) for s, now in live.items()}
    return made


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """A workspace of up to four services, one of them a worker, somewhere in its life, and a verb."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    environment, verb = draw(
        st.sampled_from([("staging", "deploy"), ("staging", "rollback"), ("production", "promote"),
                         ("production", "rollback"), ("production", "drill")])
    )  # fmt: skip
    services = {name: options(draw, name) for name in names}
    standing = draw(st.lists(st.sampled_from(NAMES), unique=True))  # also services that left the file
    live = {name: [draw(st.sampled_from([OLD, NEW])), draw(st.sampled_from(["blue", "green"]))] for name in standing}
    tested = {name: [draw(st.sampled_from([OLD, NEW])), "blue"] for name in names}
    everything = {environment: live} if environment == "staging" else {"production": live, "staging": tested}
    releases = [[environment, name, OLDER] for name in standing]
    releases += [[environment, name, row[0], OLDER] for name, row in live.items()]
    sources = {name: [draw(st.sampled_from(["bbbbbbb", "ccccccc"])), "a change"] for name in names}
    request = {"verb": verb, "environment": environment, "force": draw(st.booleans())}
    case = {"services": services, "live": everything, "releases": releases, "sources": sources, "request": request,
            "top": {"keep": draw(st.integers(1, 3))}}  # fmt: skip
    if draw(st.booleans()):  # memory may be too short for all candidates at once
        used = {name: draw(st.integers(50, 400)) for name in NAMES}
        case["memory"] = {"free": draw(st.integers(300, 1200)), "total": 2048, "used": used}
    return case


def options(draw: st.DrawFn, name: str) -> dict[str, Any]:
    if name not in ROUTED:
        return {"x-celadon": {"strategy": draw(st.sampled_from(["overlap", "replace"]))}}
    route = "/" if name == "web" else f"/{name}"
    return {"x-celadon": {"port": 8000 + NAMES.index(name), "route": route, "health": "/health"}}


def plan_of(case: dict[str, Any]) -> Plan:
    try:
        made = planned(case)
    except CeladonError:
        assume(False)
    assume(made.steps)
    return made


@settings(max_examples=150, deadline=None)
@given(cases())
def test_after_any_prefix_every_routed_service_is_served(case: dict[str, Any]) -> None:
    now = server(snapshot(case), case["request"]["environment"])
    for step in plan_of(case).steps:
        now.do(step)
        assert not now.unserved(), step.describe()
    assert now.healthy == {(s, live.slot) for s, live in now.live.items()}  # and nothing is left over


@settings(max_examples=150, deadline=None)
@given(cases(), st.data())
def test_a_failure_at_any_step_leads_back(case: dict[str, Any], data: st.DataObject) -> None:
    plan, seen = plan_of(case), snapshot(case)
    environment = case["request"]["environment"]
    before, now = server(seen, environment), server(seen, environment)
    last = data.draw(st.integers(0, len(plan.steps) - 1))
    for step in plan.steps[:last]:
        now.do(step)
    failed = plan.steps[last]
    assume(not failed.tidying)  # users are served: what comes then undoes nothing
    assume(sum(isinstance(s, steps.Commit) for s in plan.steps) <= 1)  # one by one, each turn leads back to the last
    done = plan.steps[:last] if isinstance(failed, steps.Commit) else plan.steps[: last + 1]
    for step in reversed(done):
        now.undo(step)
        assert not now.unserved(), step.describe()
    assert (now.live, now.routed, now.healthy, now.starting) == (before.live, before.routed, before.healthy, set())
