"""Promote and rollback: the very image, all or none, and always a way back."""

import shutil

from bench.load import Load

from tests.e2e.workspace import Workspace


def both(team: Workspace, version: str) -> None:
    for name in ("hub", "shop"):
        team.commit(name, {"VERSION": f"{version}\n"}, f"version {version}")
    team.celadon("deploy", "staging")


def versions(team: Workspace) -> tuple[str, str]:
    return team.version("", "production"), team.version("/shop", "production")


def test_production_gets_the_image_that_staging_tested(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    for name in ("hub", "shop"):
        tested, live = team.live(name, "staging"), team.live(name, "production")
        assert tested["running_image_id"] == live["running_image_id"] == team.image(name, "production")
        assert tested["release"] == live["release"]
    assert team.get("/shop/api/health", "production")[1]["greeting"] == "hello production"
    assert team.get("/api/peer", "production")[1]["peer"]["greeting"] == "hello production"
    assert team.get("/shop/api/health", "staging")[1]["greeting"] == "hello staging"
    again = team.celadon("promote", "-y")
    assert again.out.count("left alone") == 2 and "Nothing to do." in again.out


def test_a_promote_shows_what_comes_and_what_lacks_and_asks(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    team.commit("shop", {"VERSION": "2\n"}, "sell more")
    with (team.folder / "config" / ".env.staging").open("a") as file:
        file.write("PAYMENT_URL=http://pay.example\n")
    team.celadon("deploy", "staging")

    asked = team.celadon("promote", expect=2)

    assert "-y" in asked.err
    assert "sell more" in asked.out
    assert "production lacks the environment keys PAYMENT_URL" in asked.out
    assert "pay.example" not in asked.out  # keys, never values
    assert team.version("/shop", "production") == "1"
    assert "Nothing to do" not in team.celadon("promote", "--dry-run").out
    assert team.version("/shop", "production") == "1"


def test_what_staging_does_not_run_healthy_is_refused(team: Workspace) -> None:
    team.celadon("deploy", "staging", team.unique("hub"))
    refused = team.celadon("promote", "-y", expect=1)
    assert f"{team.unique('shop')}: not deployed to staging" in refused.err
    team.celadon("deploy", "staging")
    container = team.live("shop")["container"]
    from tests.e2e.workspace import run

    run(["docker", "stop", "--timeout", "1", container])
    refused = team.celadon("promote", "-y", expect=1)
    assert f"{team.unique('shop')}: exited on staging" in refused.err
    assert team.slots("production") == []


def test_production_takes_no_builds(team: Workspace) -> None:
    refused = team.celadon("deploy", "production", expect=2)
    assert "takes its releases from staging" in refused.err and "celadon promote" in refused.err


def test_promote_is_all_or_none(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    both(team, "2")
    (team.folder / "config" / ".env.production").write_text("HEALTH=500\n")
    team.services[team.unique("hub")].pop("env_file")
    for service in team.services.values():
        service["x-celadon"]["health"] = {"path": "/api/health", "within": "2s"}
    team.write()
    team.celadon("promote", "-y", expect=1)
    assert versions(team) == ("1", "1")
    assert team.slots("production") == ["hub-blue", "shop-blue"]


def test_rollback_twice_under_load_and_forward_again(team: Workspace) -> None:
    for version in ("1", "2", "3"):
        both(team, version)
        team.celadon("promote", "-y")
    assert versions(team) == ("3", "3")
    third = team.live("shop", "production")["release"]
    base = f"http://127.0.0.1:{team.production}"
    calls = [
        f"{base}/api/health#hub",
        f"{base}/shop/api/health#shop",
        f"{base}/api/peer#hub",
    ]  # one hub calls the other
    with Load(calls, rate=100) as load:
        team.celadon("rollback", "production", "-y")
        assert versions(team) == ("2", "2")
        assert team.image("shop", "production") == team.live("shop", "production")["running_image_id"]
        assert team.image("shop", "rollback") != team.image("shop", "production") != ""
        team.celadon("rollback", "production", "-y")
        assert versions(team) == ("1", "1")
        assert team.image("shop", "rollback") == ""  # nothing before the first
        nothing = team.celadon("rollback", "production", "-y", expect=1)
        assert "Nothing to roll back" in nothing.err and "there is no release before" in nothing.err
        team.celadon("rollback", "production", team.unique("shop"), "--to", third, "-y")
        figures = load.stop()
    assert versions(team) == ("1", "3")
    assert figures["failed"] == 0, figures["failed_by_kind"]


def test_rollback_brings_back_the_releases_own_environment_without_sources_or_files(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    both(team, "2")
    (team.folder / "config" / ".env.production").write_text("GREETING=new words\n")
    team.celadon("promote", "-y")
    assert team.get("/shop/api/health", "production")[1]["greeting"] == "new words"

    shutil.rmtree(team.folder / team.unique("shop"))
    shutil.rmtree(team.folder / "repositories")
    shutil.rmtree(team.folder / "config")
    team.celadon("rollback", "production", "-y")

    assert team.get("/shop/api/health", "production")[1] == {
        "service": "shop", "version": "1", "greeting": "hello production"
    }  # fmt: skip


def test_releases_beyond_keep_are_retired_with_their_images(shop: Workspace) -> None:
    shop.top["keep"] = 1
    shop.write()
    for version in ("1", "2", "3", "4"):
        shop.commit("shop", {"VERSION": f"{version}\n"}, f"version {version}")
        shop.celadon("deploy", "staging")
        if version == "2":
            shop.celadon("promote", "-y")
    kept = shop.celadon("releases", "staging", "--json").json
    assert [r["subject"] for r in kept] == ["version 4", "version 3"]
    assert [r["mark"] for r in kept] == ["live", "rollback"]
    assert shop.version("/shop", "production") == "2"  # staging's pruning leaves production's image alone
    production = shop.live("shop", "production")
    assert shop.image("shop", production["release"]) == production["running_image_id"]
    from tests.e2e.workspace import run

    tags = run(["docker", "image", "ls", "--format", "{{.Tag}}", shop.unique("shop")]).split()
    assert set(tags) == {"staging", "production", production["release"], *(r["id"] for r in kept)}


def test_a_drill_proves_the_way_back_without_touching_users(team: Workspace) -> None:
    team.celadon("deploy", "staging")
    assert "Nothing to roll back" in team.celadon("drill", "rollback", "staging", expect=1).err
    team.services[team.unique("shop")]["environment"]["HEALTH"] = "200"
    for name in ("hub", "shop"):
        team.commit(name, {"VERSION": "2\n"}, "second")
    team.write()
    team.celadon("deploy", "staging")
    before = team.containers()
    drilled = team.celadon("drill", "rollback", "staging")
    assert drilled.out.count("is healthy after") == 2 and "commit" not in drilled.out
    assert team.containers() == before and team.version("/shop") == team.version() == "2"

    frozen = team.folder / ".celadon" / "releases" / "staging" / team.unique("shop")
    release = next(r for r in team.celadon("releases", "staging", "--json").json if r["mark"] == "rollback")["id"]
    document = frozen / release / "compose.yaml"
    document.write_text(document.read_text().replace("NAME: shop", "NAME: shop\n      CRASH_AFTER: '0.01'"))
    failed = team.celadon("drill", "rollback", "staging", team.unique("shop"), expect=1)
    assert "it ended by itself with exit code 3" in failed.err
    assert team.containers() == before and team.version("/shop") == "2"
