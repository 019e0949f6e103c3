"""Stories of two workspaces on one host: one deployment at a time, and nobody waits for a dead one."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.workspace import Workspace, processes, run, wait_for


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Workspace]:
    """Another team's workspace, with one service at /shop."""
    made = Workspace(tmp_path / "neighbour")
    made.folder.mkdir()
    made.add("shop", route="/shop")
    made.write()
    yield made
    made.remove()


def slow_build(team: Workspace, seconds: str) -> None:
    """The next build sleeps so long; an unusual number tells its process from all others."""
    dockerfile = (team.folder / team.unique("shop") / "Dockerfile").read_text().split("RUN sleep")[0]
    team.commit("shop", {"VERSION": "2\n", "Dockerfile": f"{dockerfile}RUN sleep {seconds}\n"}, "a slow build")


def unusual(seconds: int) -> str:
    return f"{seconds}.{time.monotonic_ns() % 1_000_000:06}1"


def times_of_build(team: Workspace) -> tuple[datetime, datetime]:
    """When the last deployment's build began and ended."""
    number = str(team.celadon("history", "--json").json[0]["id"])
    steps = team.celadon("history", "--show", number, "--json").json["steps"]
    step = next(s for s in steps if s["text"].startswith("build "))
    begun = datetime.fromisoformat(step["started"])
    return begun, begun + timedelta(seconds=step["seconds"])


def says_to_wait_for(other: Workspace) -> re.Pattern[str]:
    holder = rf"\w+ \(pid \d+\): deploy staging in {other.name}, since \d{{4}}-\d\d-\d\dT[\d:+]+"
    return re.compile(rf"Another deployment runs: {holder}[^…]* Waiting as number (\d+) in line")


def said(terminal: "subprocess.Popen[str]") -> str:
    told, _err = terminal.communicate(timeout=120)
    assert terminal.returncode == 0, told
    return " ".join(told.split())


def test_two_workspaces_deploy_at_once_one_after_the_other(shop: Workspace, neighbour: Workspace) -> None:
    both = (shop, neighbour)
    for team in both:
        slow_build(team, unusual(2))
    terminals = [team.start("deploy", "staging") for team in both]
    told = [said(terminal) for terminal in terminals]
    waited = [bool(says_to_wait_for(other).search(text)) for other, text in zip(reversed(both), told, strict=True)]
    assert sorted(waited) == [False, True], told
    first, second = (shop, neighbour) if waited[1] else (neighbour, shop)
    (_begun, ended), (begun, _ended) = times_of_build(first), times_of_build(second)
    assert ended <= begun
    deployment = second.celadon("history", "--json").json[0]
    assert first.celadon("history", "--json").json[0]["finished"] <= deployment["started"]
    assert deployment["asked"] < deployment["started"]  # it shows that it waited
    assert f"since {deployment['asked']}" in second.celadon("attach").out
    assert [team.version("/shop") for team in both] == ["2", "2"]


def test_who_waits_for_a_deployment_that_is_killed_goes_on_at_once(shop: Workspace, neighbour: Workspace) -> None:
    seconds = unusual(300)
    slow_build(shop, seconds)
    client = ["pgrep", "--full", f"{shop.unique('shop')}:"]
    killed = shop.start("deploy", "staging")
    wait_for(lambda: processes("sleep", seconds), 120)
    assert run(client)
    waiting = neighbour.start("deploy", "staging")
    log = neighbour.folder / ".celadon" / "logs" / "1.log"
    wait_for(lambda: log.exists() and says_to_wait_for(shop).search(log.read_text()))
    place = says_to_wait_for(shop).findall(log.read_text())[-1]

    os.kill(shop.runner(), signal.SIGKILL)
    wait_for(lambda: not processes("sleep", seconds) and not run(client, check=False), 5)  # nothing of it builds on
    wait_for(lambda: "[1/" in log.read_text(), 5 if place == "1" else 120)  # at once, unless others of this host wait
    said(waiting)
    assert killed.wait(10) == 1 and neighbour.version("/shop") == "1"

    slow_build(shop, "0")
    assert "was interrupted" in shop.celadon("deploy", "staging").out
    assert [d["outcome"] for d in shop.celadon("history", "--json").json] == ["succeeded", "interrupted"]
    assert shop.version("/shop") == "2"
