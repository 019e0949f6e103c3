"""Stories of the runner: a deployment outlives its terminal, is looked at again, cancelled, killed, and healed."""

import os
import signal
import subprocess
import time

import pytest

from tests.e2e.workspace import Workspace, processes, run, wait_for

SLOW_BUILD = 'FROM python:3.14-slim\nCOPY . /app\nRUN sleep {seconds}\nCMD ["python3", "/app/app.py"]\n'


@pytest.fixture
def slow_start(shop: Workspace) -> Workspace:
    """Version 1 is live; the next candidate needs half a minute to get ready."""
    shop.celadon("deploy", "staging")
    shop.services[shop.unique("shop")]["environment"]["READY_AFTER"] = "30"
    shop.write()
    return shop


def started(shop: Workspace) -> "subprocess.Popen[str]":
    """A deploy whose candidate stands beside what is live."""
    terminal = shop.start("deploy", "staging")
    wait_for(lambda: shop.slots() == ["shop-blue", "shop-green"])
    return terminal


def last_outcome(shop: Workspace) -> str:
    return str(shop.celadon("history", "--json").json[0]["outcome"])


@pytest.mark.parametrize("sign", [signal.SIGHUP, signal.SIGKILL])
def test_a_lost_terminal_changes_nothing_and_attach_shows_all_of_it(shop: Workspace, sign: signal.Signals) -> None:
    terminal = shop.start("deploy", "staging")
    wait_for(lambda: shop.runners())
    terminal.send_signal(sign)
    terminal.wait(10)
    seen = shop.celadon("attach")
    assert "[1/" in seen.out and "build shop" in seen.out and "verify from outside" in seen.out  # from the start
    assert shop.version("/shop") == "1"
    assert last_outcome(shop) == "succeeded"
    assert shop.celadon("attach", "1").out == seen.out  # and again, when it is over


def test_ctrl_c_before_the_commit_removes_the_candidate(slow_start: Workspace) -> None:
    terminal = started(slow_start)
    terminal.send_signal(signal.SIGINT)
    assert terminal.wait(30) == 130
    assert slow_start.slots() == ["shop-blue"] and slow_start.version("/shop") == "1"
    assert last_outcome(slow_start) == "cancelled"


def test_ctrl_c_after_the_commit_finishes_the_work(shop: Workspace) -> None:
    shop.environment["watch"] = "5s"
    shop.write()
    terminal = shop.start("deploy", "staging")
    wait_for(lambda: "verify" in shop.celadon("history", "--show", "1", expect=None).out)
    terminal.send_signal(signal.SIGINT)
    out, _err = terminal.communicate(timeout=60)
    assert terminal.returncode == 0 and "finishing first" in out
    assert last_outcome(shop) == "succeeded" and shop.version("/shop") == "1"


def test_cancel_from_elsewhere(slow_start: Workspace) -> None:
    assert "No such deployment" in slow_start.celadon("cancel", expect=2).err
    terminal = started(slow_start)
    assert "was asked to stop" in slow_start.celadon("cancel").out
    assert terminal.wait(30) == 130
    assert slow_start.slots() == ["shop-blue"]


def test_detach_returns_at_once(shop: Workspace) -> None:
    number = shop.celadon("deploy", "staging", "--detach", "--json").json["deployment"]
    assert "Done" not in shop.celadon("attach", str(number)).out
    assert shop.version("/shop") == "1"


def test_who_waits_for_the_lock_can_be_cancelled(slow_start: Workspace) -> None:
    first = started(slow_start)
    second = slow_start.start("deploy", "staging", "--force")
    wait_for(lambda: len(slow_start.runners()) == 2)
    assert "waiting" in slow_start.celadon("history").out
    told = slow_start.celadon("status").out
    assert "deployment 2, deploy staging, is running: celadon attach 2" in told
    assert "deployment 3, deploy staging, is waiting: celadon attach 3" in told
    slow_start.celadon("cancel", "3")
    out, _err = second.communicate(timeout=30)
    assert second.returncode == 130 and "Another deployment runs" in out
    assert first.poll() is None
    slow_start.celadon("cancel")
    assert first.wait(30) == 130


@pytest.mark.parametrize("way", ["cancel", "kill -9"])
def test_a_cancelled_or_killed_build_is_really_gone(shop: Workspace, way: str) -> None:
    seconds = f"{300 + os.getpid() % 100}.{time.monotonic_ns() % 1000}"
    shop.commit("shop", {"Dockerfile": SLOW_BUILD.format(seconds=seconds)}, "slow")
    terminal = shop.start("deploy", "staging")
    wait_for(lambda: processes("sleep", seconds))
    if way == "cancel":
        shop.celadon("cancel")
        assert terminal.wait(30) == 130
    else:
        os.kill(shop.runner(), signal.SIGKILL)
        out, _err = terminal.communicate(timeout=10)
        assert terminal.returncode == 1 and "was killed" in out and "celadon reconcile" in out
        assert last_outcome(shop) == "interrupted"  # known before anything heals
        assert "was interrupted" in shop.celadon("reconcile").out
    wait_for(lambda: not processes("sleep", seconds), seconds=10)
    assert shop.containers() == [] or shop.slots() == []


def test_a_killed_deployment_is_healed_by_the_next_command(slow_start: Workspace) -> None:
    shop = slow_start
    terminal = started(shop)
    os.kill(shop.runner(), signal.SIGKILL)
    assert terminal.wait(10) == 1
    assert shop.version("/shop") == "1"
    del shop.services[shop.unique("shop")]["environment"]["READY_AFTER"]
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    shop.write()
    done = shop.celadon("deploy", "staging")
    assert "was interrupted" in done.out and "nobody reaches" in done.out
    assert shop.version("/shop") == "2" and shop.slots() == ["shop-green"]
    outcomes = [d["outcome"] for d in shop.celadon("history", "--json").json]
    assert outcomes == ["succeeded", "interrupted", "succeeded"]


def test_reconcile_by_hand(slow_start: Workspace) -> None:
    assert "Nothing to do" in slow_start.celadon("reconcile").out
    started(slow_start)
    os.kill(slow_start.runner(), signal.SIGKILL)
    healed = slow_start.celadon("reconcile", "--json").json
    assert any("nobody reaches" in line for line in healed["staging"]) and healed["production"] == []
    assert slow_start.slots() == ["shop-blue"]
    run(["docker", "rm", "--force", *slow_start.containers("label=celadon.role=slot")])
    assert "which should run" in slow_start.celadon("reconcile", "staging").out
    assert wait_for(lambda: slow_start.get("/shop/api/health")[0] == 200)
    assert "Nothing to do" in slow_start.celadon("reconcile").out


def test_a_killed_replace_never_lets_two_of_a_singleton_run(empty: Workspace) -> None:
    empty.add("clock", route=None, celadon={"strategy": "replace"})
    empty.write()
    empty.celadon("deploy", "staging")
    begun = time.time()
    empty.commit("clock", {"VERSION": "2\n"}, "second")
    terminal = empty.start("deploy", "staging")
    wait_for(lambda: empty.slots() == ["clock-blue", "clock-green"])
    for pid in empty.runners():
        os.kill(pid, signal.SIGKILL)
    terminal.wait(30)
    assert "healed" in empty.celadon("deploy", "staging").out
    assert empty.slots() == ["clock-green"]
    filters = [f"label=celadon.service={empty.unique('clock')}", "event=start", "event=die"]
    argv = ["docker", "events", "--since", str(begun), "--until", str(time.time())]
    argv += [word for one in filters for word in ("--filter", one)]
    lines = run([*argv, "--format", "{{.Action}} {{.Actor.Attributes.name}}"]).splitlines()
    up = [1]
    for line in lines:
        up.append(up[-1] + (1 if line.startswith("start") else -1))
    assert max(up) == 1 and len(up) >= 6, lines  # blue out, green in, green out, blue in, blue out, green in
