"""Deploying, as an operator lives it. The first story is the broken deploy."""

import subprocess
import time
from pathlib import Path

import pytest
from bench.load import Load

from tests.e2e.workspace import Workspace, run, wait_for


def test_a_broken_build_touches_nothing_and_says_where(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    dockerfile = (shop.folder / shop.unique("shop") / "Dockerfile").read_text()
    broken = dockerfile + 'RUN echo "the reason stands here" && exit 7\n'
    shop.commit("shop", {"VERSION": "2\n", "Dockerfile": broken}, "broken")

    failed = shop.celadon("deploy", "staging", expect=1)

    assert 'RUN echo "the reason stands here" && exit 7' in failed.err
    assert "\n  the reason stands here" in failed.err
    assert shop.version("/shop") == "1"
    assert shop.slots() == ["shop-blue"]
    assert shop.celadon("history", "--json").json[0]["outcome"] == "failed"
    log = shop.folder / ".celadon" / "logs" / "2.log"
    assert "the reason stands here" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_first_deploy_serves_and_says_what_it_did(team: Workspace) -> None:
    done = team.celadon("deploy", "staging")

    assert team.version() == "1" and team.version("/shop") == "1"
    assert team.get("/shop/api/health")[1]["greeting"] == "hello staging"
    assert team.get("/api/peer")[1]["peer"]["service"] == "shop"  # hub to hub, by service name, through the router
    order = ["start router", "build hub", "build shop", "freeze", "start the candidates", "probe", "commit", "switch"]
    places = [done.out.index(words) for words in order]
    assert places == sorted(places)
    for name in ("hub", "shop"):
        row = team.live(name)
        assert row["slot"] == "blue" and row["well"] and row["restarts"] == 0
        assert (
            row["image_id"]
            == row["running_image_id"]
            == team.image(name, "staging")
            == team.image(name, row["release"])
        )
    assert not team.image("hub", "production")
    nothing = team.celadon("logs", "production", team.unique("hub"), expect=2).err
    assert f"{team.unique('hub')} does not run in production." in nothing and "→ celadon status" in nothing


def test_what_did_not_change_is_left_alone_unless_forced(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    before = team.containers()
    again = team.celadon("deploy", "staging")
    assert again.out.count("left alone") == 2 and "Nothing to do." in again.out
    assert team.containers() == before

    team.commit("shop", {"VERSION": "2\n"}, "only the shop")
    done = team.celadon("deploy", "staging")
    assert "hub" in done.out.split("left alone")[0] and team.version("/shop") == "2"
    assert team.slots() == ["hub-blue", "shop-green"]

    team.celadon("deploy", "staging", team.unique("hub"), "--force")
    assert team.slots() == ["hub-green", "shop-green"]


def test_a_changed_environment_needs_no_new_build(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    image = shop.live("shop")["image_id"]
    (shop.folder / "config" / ".env.staging").write_text("GREETING=good evening\n")
    done = shop.celadon("deploy", "staging")
    assert "build shop" not in done.out
    assert shop.get("/shop/api/health")[1]["greeting"] == "good evening"
    assert shop.live("shop")["image_id"] == image


def test_a_candidate_that_never_gets_healthy_never_meets_a_user(shop: Workspace) -> None:
    shop.services[shop.unique("shop")]["x-celadon"]["health"] = {"path": "/api/health", "within": "3s"}
    shop.write()
    shop.celadon("deploy", "staging")
    shop.services[shop.unique("shop")]["environment"]["HEALTH"] = "503"
    shop.write()
    failed = shop.celadon("deploy", "staging", expect=1)
    assert "did not become healthy within 3 s" in failed.err
    assert "503" in failed.err and "/shop/api/health" in failed.err  # what was asked, and what came
    assert "shop 1 listens on 8000" in failed.err  # its last lines
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]
    assert len(shop.celadon("releases", "--json").json) == 1


def test_a_candidate_that_ends_at_once_is_known_at_once(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shop.commit("shop", {"app.py": "import sys\nprint('no configuration')\nsys.exit(4)\n"}, "ends")
    begun = time.monotonic()
    failed = shop.celadon("deploy", "staging", expect=1)
    assert time.monotonic() - begun < 20  # not the 45 s that a slow starter may take
    assert "exit code 4" in failed.err and "no configuration" in failed.err
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]


def test_a_candidate_that_ended_says_how_it_ended(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    service = shop.services[shop.unique("shop")]
    service["environment"] |= {"READY_AFTER": "60", "CRASH_AFTER": "0.5"}
    shop.write()
    assert "it ended by itself with exit code 3" in shop.celadon("deploy", "staging", expect=1).err

    del service["environment"]["CRASH_AFTER"]
    shop.write()
    terminal = shop.start("deploy", "staging")
    candidate = wait_for(lambda: shop.containers("label=celadon.slot=green", "status=running"))
    run(["docker", "kill", *candidate])
    told, _err = terminal.communicate(timeout=60)
    assert "somebody ended it through the engine, by SIGKILL (exit code 137)" in told and "Deploy again" in told

    service |= {"mem_limit": "64m", "command": ["python3", "-c", "b'x' * (300 << 20)"]}
    shop.write()
    failed = shop.celadon("deploy", "staging", expect=1).err
    assert "took more memory than its mem_limit and was killed by the kernel (exit code 137)" in failed
    assert "Raise mem_limit" in failed
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]


def test_a_candidate_that_crashes_after_the_switch_is_taken_back(shop: Workspace) -> None:
    shop.environment["watch"] = "8s"
    shop.write()
    shop.celadon("deploy", "staging")
    shop.services[shop.unique("shop")]["environment"]["CRASH_AFTER"] = "5"
    shop.write()
    failed = shop.celadon("deploy", "staging", expect=1)
    assert "fell" in failed.err and "out of luck" in failed.err
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]
    reverted = shop.celadon("history", "--json").json[0]
    assert reverted["outcome"] == "reverted" and "exit code 3" in reverted["message"]
    assert any("out of luck" in line for line in reverted["evidence"])  # its last lines, kept
    assert shop.live("shop")["slot"] == "blue"


def test_a_candidate_that_falls_ill_after_the_switch_is_taken_back(shop: Workspace) -> None:
    shop.environment["watch"] = "10s"
    shop.write()
    shop.celadon("deploy", "staging")
    shop.services[shop.unique("shop")]["environment"]["ILL_AFTER"] = "5"
    shop.top["router"] = {"client_max_body_size": "7m"}
    shop.services["cache"] = {
        "image": "python:3.14-slim",
        "command": ["sleep", "600"],
        "init": True,
    }  # is prepared first
    shop.write()
    failed = shop.celadon("deploy", "staging", expect=1)
    assert "does not answer well through the router" in failed.err and failed.err.count("→ 500") == 3
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]
    reverted = shop.celadon("history", "--show", "2", "--json").json
    assert reverted["outcome"] == "reverted" and any("→ 500" in line for line in reverted["evidence"])
    configuration = shop.folder / ".celadon" / "router" / "staging" / "nginx.conf"
    assert "7m" not in configuration.read_text() and "Nothing to do" in shop.celadon("reconcile").out


def test_no_request_is_lost_in_a_deploy(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    for name in ("hub", "shop"):
        team.commit(name, {"VERSION": "2\n"}, "second")
    base = f"http://127.0.0.1:{team.staging}"
    calls = [
        f"{base}/api/health#hub",
        f"{base}/shop/api/health#shop",
        f"{base}/api/peer#hub",
    ]  # one hub calls the other
    with Load(calls, rate=100) as load:
        team.celadon("deploy", "staging")
        figures = load.stop()
    assert figures["failed"] == 0, figures["failed_by_kind"]
    assert all(v["last"] == "2" for v in figures["versions"].values())
    assert figures["total"] > 300


def test_a_ref_is_built_exactly(shop: Workspace) -> None:
    first = run(["git", "rev-parse", "HEAD"], shop.folder / shop.unique("shop")).strip()
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    checkout = shop.folder / shop.unique("shop")
    run(["git", "tag", "v1", first], checkout)
    run(["git", "push", "--quiet", "origin", "v1"], checkout)
    shop.celadon("deploy", "staging")
    assert shop.version("/shop") == "2"
    shop.celadon("deploy", "staging", "--ref", "v1")
    assert shop.version("/shop") == "1" and shop.live("shop")["commit"] == first
    shop.celadon("deploy", "staging", "--ref", "main")
    assert shop.version("/shop") == "2"
    shop.celadon("deploy", "staging", "--ref", first[:10])
    assert shop.version("/shop") == "1"
    assert (checkout / "VERSION").read_text() == "2\n"  # nobody's checkout is touched
    assert "no branch, tag or commit `nowhere`" in shop.celadon("deploy", "staging", "--ref", "nowhere", expect=2).err


def test_changes_that_would_not_be_built_are_refused(shop: Workspace) -> None:
    checkout = shop.folder / shop.unique("shop")
    (checkout / "VERSION").write_text("not committed\n")
    dirty = shop.celadon("deploy", "staging", expect=1)
    assert "not committed" in dirty.err and "VERSION" in dirty.err
    run(["git", "checkout", "--quiet", "VERSION"], checkout)
    shop.commit("shop", {"VERSION": "3\n"}, "kept to myself", push=False)
    ahead = shop.celadon("deploy", "staging", expect=1)
    assert "never pushed" in ahead.err and "kept to myself" in ahead.err
    assert shop.containers() == []


def test_a_service_without_a_checkout_is_cloned(shop: Workspace) -> None:
    name = shop.unique("shop")
    run(["rm", "-rf", name], shop.folder)
    shop.services[name]["x-celadon"]["git"] = {"url": f"./repositories/{name}.git", "branch": "main"}
    shop.write()
    shop.celadon("deploy", "staging")
    assert shop.version("/shop") == "1"


def test_a_release_command_runs_once_and_its_failure_ends_the_deployment(shop: Workspace) -> None:
    shop.services[shop.unique("shop")]["volumes"] = ["notes:/notes"]
    shop.extra["volumes"] = {"notes": {}}
    options = shop.services[shop.unique("shop")]["x-celadon"]
    options["release"] = "sh -c 'echo \"$$GREETING\" >> /notes/migrations; cat /notes/migrations'"
    shop.write()
    shop.celadon("deploy", "staging")
    notes = shop.celadon("exec", "staging", shop.unique("shop"), "--", "cat", "/notes/migrations").out
    assert notes == "hello staging\n"  # once, with the environment's own settings

    shop.commit("shop", {"VERSION": "2\n"}, "second")
    options["release"] = ["sh", "-c", "echo column is missing; exit 9"]
    shop.write()
    failed = shop.celadon("deploy", "staging", expect=1)
    assert "failed with code 9" in failed.err and "column is missing" in failed.err
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]
    assert shop.containers("label=celadon.role=task") == []


def test_two_deploys_at_once_run_one_after_the_other(team: Workspace) -> None:
    first = team.start("deploy", "staging", team.unique("hub"))
    lock_is_held = team.folder / ".celadon" / "logs" / "1.log"
    end = time.monotonic() + 20
    while not lock_is_held.exists() and time.monotonic() < end:
        time.sleep(0.05)
    second = team.celadon("deploy", "staging", team.unique("shop"))
    assert first.wait(60) == 0
    assert f"deploy staging {team.unique('hub')}" in second.out and "Waiting" in second.out
    assert team.version() == "1" and team.version("/shop") == "1"
    steps = [team.celadon("history", "--json").json[n] for n in (0, 1)]
    assert steps[1]["finished"] <= steps[0]["started"]


def test_a_taken_port_is_named_with_its_holder(shop: Workspace) -> None:
    holder = subprocess.Popen(["python3", "-m", "http.server", str(shop.staging), "--bind", "127.0.0.1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        time.sleep(1)
        failed = shop.celadon("deploy", "staging", expect=1)
    finally:
        holder.terminate()
        holder.wait()
    assert f"127.0.0.1:{shop.staging}" in failed.err and f"pid {holder.pid}" in failed.err
    assert "build" not in failed.out.split("[1/")[1]  # said before half an hour of building
    shop.celadon("deploy", "staging")


def test_a_service_that_left_the_file_is_stopped(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    del team.services[team.unique("shop")]
    team.write()
    planned = team.celadon("plan", "deploy", "staging")
    assert "no longer in the file" in planned.out
    team.celadon("deploy", "staging", team.unique("hub"), "--force")
    assert team.slots() == ["hub-green", "shop-blue"]  # only the hub was asked for
    team.celadon("deploy", "staging")
    assert team.slots() == ["hub-green"]
    assert team.get("/shop/api/health")[1]["service"] == "hub"  # its route is gone, / answers
    assert not team.image("shop", "staging")


def test_an_image_from_a_registry_is_pulled_not_built(empty: Workspace, registry: str) -> None:
    empty.add("shop", route="/shop")
    name = empty.unique("shop")
    for version in ("1", "2"):
        (empty.folder / name / "VERSION").write_text(f"{version}\n")
        run(
            [
                "docker",
                "buildx",
                "build",
                "--quiet",
                "--load",
                "--tag",
                f"{registry}/{name}:v{version}",
                str(empty.folder / name),
            ]
        )
        run(["docker", "push", "--quiet", f"{registry}/{name}:v{version}"])
    run(["docker", "image", "rm", f"{registry}/{name}:v1", f"{registry}/{name}:v2"])
    del empty.services[name]["build"]
    empty.services[name]["image"] = f"{registry}/{name}:v1"
    empty.write()
    empty.celadon("deploy", "staging")
    assert empty.version("/shop") == "1"
    assert "left alone" in empty.celadon("deploy", "staging").out
    empty.celadon("deploy", "staging", "--ref", "v2")
    assert empty.version("/shop") == "2"
    assert "does not give" in empty.celadon("deploy", "staging", "--ref", "v9", expect=1).err


def test_a_wrong_file_is_said_before_anything_happens(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shop.services[shop.unique("shop")]["x-celadon"]["prot"] = 80
    shop.top["kep"] = 3
    shop.write()
    wrong = shop.celadon("deploy", "staging", expect=2)
    assert "compose.yaml:" in wrong.err
    assert (
        "prot: unknown key; did you mean `port`?" in wrong.err and "kep: unknown key; did you mean `keep`?" in wrong.err
    )
    assert shop.version("/shop") == "1" and len(shop.celadon("history", "--json").json) == 1
    assert "did you mean" in shop.celadon("deploy", "stagin", expect=2).err.lower()


def test_a_missing_env_file_is_named_where_it_is_asked_for(shop: Workspace) -> None:
    (shop.folder / "config" / ".env.staging").unlink()
    wrong = shop.celadon("deploy", "staging", expect=2)
    assert "env_file.0: there is no env file" in wrong.err and "config/.env.staging" in wrong.err
    assert shop.containers() == []


def test_a_tag_that_somebody_moved_does_not_change_what_runs(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shop.celadon("promote", "-y")
    release = shop.live("shop")["release"]
    run(["docker", "tag", "nginx:1.30", f"{shop.unique('shop')}:{release}"])
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    shop.celadon("deploy", "staging")
    shop.celadon("rollback", "staging", "-y")
    assert shop.version("/shop") == "1"
    assert shop.image("shop", release) == shop.live("shop")["running_image_id"]
    assert shop.image("shop", "production") == shop.image("shop", release)


@pytest.mark.alone  # it measures what memory is free
def test_candidates_go_one_by_one_where_memory_does_not_hold_them_all(team: Workspace) -> None:
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(facts["MemAvailable"].split()[0]) * 1024
    for service in team.services.values():
        service["mem_limit"] = int(free * 1.2)  # none ever ran: its limit is what it may need
    team.write()
    refused = team.celadon("deploy", "staging", expect=1)
    assert "not enough memory" in refused.err and "stay in reserve" in refused.err and team.containers() == []

    shop = team.services[team.unique("shop")]
    for service in team.services.values():
        service["mem_limit"] = int(free * 0.6)
    shop["environment"]["HEALTH"] = "500"
    shop["x-celadon"]["health"] = {"path": "/api/health", "within": "3s"}
    team.write()
    half = team.celadon("deploy", "staging", expect=1)
    assert "they go one by one" in half.out and f"staying: {team.unique('hub')}" in half.out
    assert team.version() == "1" and team.slots() == ["hub-blue"]  # the first is switched, the second undone

    shop["environment"]["HEALTH"] = "200"
    team.write()
    team.celadon("deploy", "staging")
    assert team.version("/shop") == "1" and team.slots() == ["hub-blue", "shop-blue"]


def test_a_downtime_may_be_accepted(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    told = shop.celadon("deploy", "staging", "--strategy", "replace").out
    assert "does not answer until that is healthy" in told and "stop shop" in told
    assert shop.version("/shop") == "2" and shop.slots() == ["shop-green"]
    shop.environment["watch"] = "10s"
    shop.services[shop.unique("shop")]["environment"]["ILL_AFTER"] = "5"
    shop.write()
    shop.celadon("deploy", "staging", "--strategy", "replace", expect=1)
    wait_for(lambda: shop.get("/shop/api/health")[1].get("version") == "2")  # what was stopped first runs again
    assert shop.slots() == ["shop-green"] and "Nothing to do" in shop.celadon("reconcile").out
