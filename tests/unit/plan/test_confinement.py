"""What services are not allowed by default, and who decides otherwise; a router of an older version in the plans."""

from dataclasses import replace
from typing import Any

import pytest

from celadon.plan import confinement
from celadon.plan.deploy import plan_deploy
from celadon.plan.environment import plan_up
from celadon.plan.promote import plan_promote
from celadon.plan.steps import Freeze, Plan, Prepare
from celadon.state.snapshot import IN_SLOT, Snapshot
from tests.unit.plan.test_plans import config, container, snapshot

NNP = "no-new-privileges:true"
PIDS = confinement.PIDS
LOCKED = {"security_opt": [NNP], "pids_limit": PIDS}
CASE: dict[str, Any] = {
    "services": {"hub": {"x-celadon": {"port": 80, "route": "/"}}},
    "live": {"staging": {"hub": ["20260101-000000-aaaaaaa", "blue"]}},
    "sources": {"hub": ["bbbbbbb", "new"]},
}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, LOCKED),
        ({"security_opt": ["seccomp:x.json"]}, {"security_opt": ["seccomp:x.json", NNP], "pids_limit": PIDS}),
        (
            {"security_opt": ["no-new-privileges:false"]},
            {"security_opt": ["no-new-privileges:false"], "pids_limit": PIDS},
        ),
        ({"security_opt": ["no-new-privileges"]}, {"security_opt": ["no-new-privileges"], "pids_limit": PIDS}),
        ({"pids_limit": -1}, {"pids_limit": -1, "security_opt": [NNP]}),
        (
            {"deploy": {"resources": {"limits": {"pids": 9}}}},
            {"deploy": {"resources": {"limits": {"pids": 9}}}, "security_opt": [NNP]},
        ),
    ],
)
def test_a_services_own_words_count(given: dict[str, Any], made: dict[str, Any]) -> None:
    document = {"services": {"hub": given}, "volumes": {}}
    assert confinement.confined(document) == {"services": {"hub": made}, "volumes": {}}


def test_a_promote_restricts_what_was_tested_restricted() -> None:
    tested = container("staging", IN_SLOT, "hub", "blue", "r1", "running")
    document: dict[str, Any] = {"services": {"hub": {}}}
    assert confinement.confined(document, tested) == document
    half = replace(tested, no_new_privileges=True)
    assert confinement.confined(document, half) == {"services": {"hub": {"security_opt": [NNP]}}}
    whole = replace(half, pids_limit=7)
    assert confinement.confined(document, whole) == {"services": {"hub": LOCKED}}


def frozen(plan: Plan) -> dict[str, Any]:
    (step,) = (step for step in plan.steps if isinstance(step, Freeze))
    return dict(step.releases[0].document["services"]["hub"])


def test_restrictions_are_frozen_and_change_no_fingerprint() -> None:
    made, seen = config(CASE, "staging"), snapshot(CASE)
    deployed = plan_deploy(made, seen, ["hub"], force=False)
    assert LOCKED.items() <= frozen(deployed).items()
    same = replace(seen, sources={"hub": replace(seen.sources["hub"], commit="a" * 7 + "0" * 33)})
    assert [u.service for u in plan_deploy(made, same, ["hub"], force=False).unchanged] == ["hub"]
    promoted = plan_promote(config(CASE, "production"), made, seen, ["hub"])
    assert not LOCKED.keys() & frozen(promoted).keys()  # the container on staging had none of it


def routers(plan: Plan) -> list[tuple[bool, str]]:
    return [(step.restarts_router, step.router_image) for step in plan.steps if isinstance(step, Prepare)]


def test_a_router_of_an_older_version_waits_for_up() -> None:
    made, seen = config(CASE, "staging"), snapshot({**CASE, "old_router": True})
    notes = plan_deploy(made, seen, ["hub"], force=False).notes
    assert sum("fewer restrictions" in note or "`celadon up staging`" in note for note in notes) == 2
    assert not routers(plan_deploy(made, seen, ["hub"], force=False))
    assert routers(plan_up(made, seen)) == [(True, "")]
    assert routers(plan_up(made, snapshot(CASE))) == [(False, "")]


@pytest.mark.parametrize("reference", ["nginx:1.30", "nginx", "docker.io/library/nginx:1.30", "nginx@sha256:1"])
def test_a_tag_that_names_another_image_is_said_and_waits_for_up(reference: str) -> None:
    case = {**CASE, "top": {"router": {"image": reference}}}
    made, seen = config(case, "staging"), snapshot(case)
    moved = replace(seen, images={**seen.images, "nginx:1.30": "sha256:new", "nginx:latest": "sha256:new"})
    unmoved = replace(seen, images={**seen.images, "nginx:1.30": "sha256:", "nginx:latest": "sha256:"})
    notes = plan_deploy(made, moved, ["hub"], force=False).notes
    pinned = "@" in reference
    assert sum("now points to sha256:new" in note for note in notes) == (0 if pinned else 1)
    assert routers(plan_up(made, moved)) == [(False, "") if pinned else (True, "sha256:new")]
    assert not plan_up(made, unmoved).notes and plan_up(made, moved).notes == (() if pinned else notes[:1])


def test_images_are_found_by_the_names_that_people_write() -> None:
    seen = Snapshot(snapshot(CASE).now, images={"nginx:latest": "1", "localhost:5000/a/nginx:2": "2"})
    assert [seen.image_named(name) for name in ("nginx", "library/nginx", "docker.io/nginx:latest")] == ["1"] * 3
    assert [seen.image_named(name) for name in ("localhost:5000/a/nginx:2", "localhost:5000/a/nginx")] == ["2", ""]
