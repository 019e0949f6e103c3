"""Long connections: they outlive the switch, end cleanly at the drain limit, and hold back no router workers."""

import time
from pathlib import Path

from tests.e2e.listener import UPGRADE, Listener
from tests.e2e.workspace import Workspace, run, wait_for

DRAIN = 4.0


def test_streams_outlive_the_switch_and_end_cleanly_at_the_drain_limit(shop: Workspace) -> None:
    shop.environment["drain"] = f"{DRAIN:g}s"
    shop.write()
    shop.celadon("deploy", "staging")
    listeners = [Listener(shop.staging, headers) for headers in ("", UPGRADE)]
    wait_for(lambda: all(b"data: 1" in one.heard for one in listeners))
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    deploying = shop.start("deploy", "staging")
    switched = wait_for(lambda: time.monotonic() if shop.version("/shop") == "2" else 0, every=0.02)
    assert deploying.wait(60) == 0
    for one in listeners:
        one.join(20)
        assert one.end == "closed" and b"data: 2" not in one.heard
        assert one.last - switched > DRAIN - 1.5  # it went on listening to the old release, as long as it may
    again = Listener(shop.staging, UPGRADE)
    wait_for(lambda: b"data: 2" in again.heard)


def test_open_streams_do_not_pile_up_router_workers(shop: Workspace) -> None:
    shop.environment["drain"] = "1s"
    shop.write()
    shop.celadon("deploy", "staging")
    router = shop.containers("label=celadon.role=router")[0]
    pid = run(["docker", "inspect", "--format", "{{.State.Pid}}", router]).strip()
    children = Path(f"/proc/{pid}/task/{pid}/children")
    before = len(children.read_text().split())
    for _again in range(4):
        listeners = [Listener(shop.staging, UPGRADE) for _tab in range(5)]
        wait_for(lambda tabs=listeners: all(b"data:" in one.heard for one in tabs))
        shop.celadon("deploy", "staging", "--force")
        assert len(children.read_text().split()) == before
