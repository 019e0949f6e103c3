"""Stories of who is told: how deployments end, that no address is ever said, that nobody waits for a deaf server."""

import json
import os
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.workspace import Ran, Workspace, run, wait_for
from tests.inbox import TOKEN, Inbox, inbox

SECRET = "c4n4ry-of-a-service"  # the value of a variable, which a reason would quote


@pytest.fixture
def box() -> Iterator[Inbox]:
    with inbox() as made:
        yield made


class Team:
    """The operator, with the address in a variable; all that was said is kept."""

    def __init__(self, shop: Workspace, box: Inbox) -> None:
        self.shop, self.env, self.said = shop, {"CELADON_NOTIFY_URL": box.url}, ""
        self.options = shop.services[shop.unique("shop")]

    def types(self, *words: str, expect: int = 0) -> Ran:
        ran = self.shop.celadon(*words, expect=expect, env=self.env)
        self.said += ran.out + ran.err
        return ran


@pytest.fixture
def team(shop: Workspace, box: Inbox) -> Team:
    shop.top["notify"] = ["", {"url": "${CELADON_NOTIFY_URL:-}", "on": ["started", "succeeded", "failed", "reverted"]}]
    made = Team(shop, box)
    made.options["x-celadon"]["health"] = {"path": "/api/health", "within": "3s"}
    shop.write()
    return made


def test_how_a_deploy_ends_is_told_and_no_address_is_ever_said(team: Team, box: Inbox) -> None:
    shop = team.shop
    assert "✓ json:// (number 2) took it" in team.types("notify", "staging").out
    assert box.titles == [f"{shop.name} staging: a test message"]

    team.types("deploy", "staging")
    first = shop.live("shop")["release"]
    start, end = box.came[1:]
    assert start["title"] == f"{shop.name} staging: deploy has started" and start["type"] == "info"
    assert end["title"].startswith(f"{shop.name} staging: deploy succeeded (after ") and end["type"] == "success"
    assert end["message"].splitlines()[0] == f"{shop.unique('shop')}: nothing → {first}"
    assert end["message"].endswith("celadon history --show 1")

    team.options["environment"]["HEALTH"] = "503"
    shop.write()
    team.types("deploy", "staging", expect=1)
    start, end = box.came[3:]
    reason, what, *_rest = end["message"].splitlines()
    assert "deploy failed (after " in end["title"] and end["type"] == "failure"
    assert "did not become healthy within 3 s" in reason
    assert what.startswith(f"{shop.unique('shop')}: stays at {first}; ")

    team.options["environment"]["PASSWORD"] = SECRET
    team.options["x-celadon"]["release"] = ["sh", "-c", f"exit 7 # {SECRET}"]
    shop.write()
    assert "exit 7 # ***" in team.types("deploy", "staging", expect=1).err
    assert "`sh -c exit 7 # ***` failed with code 7" in box.came[-1]["message"]

    del team.options["environment"]["HEALTH"], team.options["x-celadon"]["release"]
    team.options["environment"]["CRASH_AFTER"] = "4"
    shop.environment["watch"] = "7s"
    shop.write()
    team.types("deploy", "staging", expect=1)
    assert "deploy was reverted; users have what they had before" in box.titles[-1]
    assert "exit code 3" in box.came[-1]["message"]

    team.types("plan", "deploy", "staging", "--json")
    team.types("history", "--json")
    team.types("history", "--show", "2", "--json")
    team.types("status", "--json")
    team.types("attach", "4", expect=1)
    team.types("diagnose", "--json", expect=team.shop.celadon("diagnose", expect=None).code)
    team.types("diagnose", "--bundle", str(shop.folder / "help.tar.gz"))
    with tarfile.open(shop.folder / "help.tar.gz") as archive:
        archive.extractall(shop.folder / "unpacked", filter="data")
    shop.top["notify"] = "slak://${CELADON_NOTIFY_URL:-}"
    shop.write()
    assert "knows no service slak://" in team.types("deploy", "staging", expect=2).err
    assert TOKEN not in team.said
    assert TOKEN not in run(["docker", "inspect", *shop.containers()])
    holders = [file for file in shop.folder.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]
    # What the environment was last deployed with is kept for rollbacks, for its owner only.
    assert holders and {(file.parent.parent.name, file.name.split("-")[0]) for file in holders} == {
        ("environments", "rendered")
    }
    assert {file.stat().st_mode & 0o777 for file in holders} == {0o600}
    texts = json.dumps([one["message"] + one["title"] for one in box.came])
    assert TOKEN not in texts and SECRET not in texts


def test_a_deaf_server_costs_a_moment_and_a_killed_runner_is_told_of(team: Team, box: Inbox, tmp_path: Path) -> None:
    shop = team.shop
    box.open.clear()
    done = team.types("deploy", "staging")
    ended = time.time()
    row = shop.celadon("history", "--json").json[0]
    finished = float(run(["date", "--date", row["finished"], "+%s"]))
    assert row["outcome"] == "succeeded" and ended - finished < 12.5
    assert "deploy succeeded" in done.out and "was not taken by json:// (number 2)" in done.out
    box.open.set()
    box.status = 500
    assert "✗ json:// (number 2) did not take it" in team.types("notify", "staging", expect=1).out

    box.status = 200
    team.options["environment"]["READY_AFTER"] = "60"
    team.options["x-celadon"]["health"] = "/api/health"
    shop.write()
    team.types("deploy", "staging", "--detach")
    wait_for(lambda: shop.slots() == ["shop-blue", "shop-green"])
    os.kill(shop.runner(), signal.SIGKILL)
    team.types("reconcile", "staging")
    assert box.titles[-1] == f"{shop.name} staging: deploy failed: it was interrupted"
    assert TOKEN not in team.said


def test_a_disk_below_its_floor_is_told_and_fails_nothing(team: Team, box: Inbox) -> None:
    shop = team.shop
    shop.top["notify"] = [{"url": "${CELADON_NOTIFY_URL:-}", "on": ["disk_low"]}]
    shop.top["disk"] = {"floor": "900g"}  # no disk here has that
    shop.write()
    team.types("deploy", "staging")
    assert box.titles == [f"{shop.name} staging: the disk is low"]
    assert "900G should be" in box.came[0]["message"] and box.came[0]["type"] == "warning"
