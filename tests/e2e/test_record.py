"""Stories of the record: lost, ruined, moved with its folder, and mistaken for another's."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.workspace import Workspace, run, wait_for


def facts(team: Workspace) -> list[tuple[Any, ...]]:
    """What runs where, and what could be gone back to."""
    keys = ("service", "environment", "release", "image_id", "commit", "subject", "slot", "container", "well")
    rows = team.celadon("status", "--json").json["services"]
    kept = team.celadon("releases", "--json").json
    return [tuple(row[k] for k in keys) for row in rows] + [(r["id"], r["environment"], r["mark"]) for r in kept]


@pytest.mark.parametrize("how", ["lost", "ruined"])
def test_a_record_that_is_gone_is_rebuilt(team: Workspace, how: str) -> None:
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    for name in ("hub", "shop"):
        team.commit(name, {"VERSION": "2\n"}, "second")
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    before = facts(team)
    for file in (team.folder / ".celadon").glob("state.db*"):
        file.unlink() if how == "lost" else file.write_bytes(b"no database" * 1000)

    told = team.celadon("status")
    assert "it was rebuilt from 8 frozen releases and 4 containers" in told.err
    assert ("put aside as" in told.err) == (how == "ruined")
    assert facts(team) == before and "rebuilt" not in team.celadon("status").err
    assert "Nothing to do" in team.celadon("reconcile").out
    team.celadon("rollback", "production", "-y")
    assert team.version("/shop", "production") == "1" and team.version("", "staging") == "2"
    team.celadon("promote", "-y")
    assert team.version("/shop", "production") == "2"


def test_a_workspace_that_lost_everything_goes_on(team: Workspace) -> None:
    (team.folder / "config" / ".env.production").write_text("GREETING='costs $5 and more'\n")
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    before = [row for row in facts(team) if len(row) > 3]
    shutil.rmtree(team.folder / ".celadon")  # as `git clean -fdx` does
    assert team.version("/shop", "production") == "1"
    told = team.celadon("status")
    assert "it was rebuilt from 4 frozen releases and 4 containers" in told.err
    assert [row for row in facts(team) if len(row) > 3] == before
    for name in ("hub", "shop"):
        team.commit(name, {"VERSION": "2\n"}, "second")
    planned = team.celadon("plan", "deploy", "staging").out
    assert "start router; the router restarts with new settings" in planned
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    assert team.version("/shop", "production") == team.version("", "production") == "2"
    team.celadon("rollback", "production", "-y")
    assert team.version("/shop", "production") == "1" and team.slots("production") == ["hub-blue", "shop-blue"]
    assert team.get("/shop/api/health", "production")[1]["greeting"] == "costs $5 and more"
    assert "Nothing to do" in team.celadon("reconcile").out


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_a_lost_router_folder_is_made_good_by_whatever_comes_first(shop: Workspace, network: str) -> None:
    shop.top["router"] = {"network": network}
    shop.write()
    shop.celadon("deploy", "staging")
    shutil.rmtree(shop.folder / ".celadon")
    if network == "bridge":  # as after a reboot: the router does not come up again by itself
        run(["docker", "restart", shop.containers("label=celadon.role=router")[0]])
        assert "the router was made anew" in shop.celadon("reconcile").out
    else:
        shop.celadon("up", "staging")
    wait_for(lambda: shop.version("/shop") == "1")
    assert "Nothing to do" in shop.celadon("reconcile").out
    shop.celadon("deploy", "staging", "--force")
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-green"]


def test_a_file_that_cannot_be_read_keeps_nobody_from_going_back(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    shop.celadon("deploy", "staging")
    (shop.folder / "compose.yaml").write_text("services: [\n<<<<<<< HEAD\n")
    told = shop.celadon("status")
    assert "compose.yaml:" in told.err and "you can look, roll back, and heal" in told.err
    shop.celadon("rollback", "staging", "-y")
    assert shop.version("/shop") == "1"
    assert "compose.yaml:" in shop.celadon("deploy", "staging", expect=2).err
    (shop.folder / "compose.yaml").unlink()
    assert "Nothing to do" in shop.celadon("reconcile").out


def test_two_workspaces_of_one_name_do_not_harm_each_other(shop: Workspace, tmp_path_factory: Any) -> None:
    shop.celadon("deploy", "staging")
    folder: Path = tmp_path_factory.mktemp("copy") / "workspace"
    shutil.copytree(shop.folder, folder)
    copy = Workspace(folder, name=shop.name)
    for words in (("deploy", "staging"), ("down", "staging", "-y"), ("reconcile",)):
        refused = copy.celadon(*words, expect=1)
        assert "Another workspace of this host is called" in refused.err and str(shop.folder) in refused.err
    assert shop.slots() == ["shop-blue"] and shop.version("/shop") == "1"


def test_a_workspace_may_move(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    moved = Workspace(shop.folder.with_name("moved"), name=shop.name, staging=shop.staging)
    shop.folder.rename(moved.folder)
    name = shop.unique("shop")
    run(["git", "remote", "set-url", "origin", str(moved.folder / "repositories" / f"{name}.git")], moved.folder / name)
    assert "about a second without answers" in moved.celadon("plan", "deploy", "staging", "--force").out
    moved.celadon("deploy", "staging", "--force")
    assert shop.version("/shop") == "1" and "Nothing to do" in moved.celadon("reconcile").out
