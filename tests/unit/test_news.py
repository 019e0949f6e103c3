"""What people are told: an event gives a title and a body. A new case is a line."""

import pytest

from celadon.run import news
from celadon.run.news import Course, Message
from celadon.state import record as outcomes
from celadon.state.record import Deployment
from celadon.state.snapshot import Live, Move

OLD, NEW = Live("20260110-080000-aaaaaaa", "blue"), Live("20260111-093012-9f12ce5", "green")
WEB, HUB = Move("web", OLD, NEW), Move("hub", None, NEW)
SWITCHED = {"web": NEW, "hub": NEW}
BY = "deployment 12 by alice\nceladon history --show 12"


def course(outcome: str, verb: str = "deploy", **more: object) -> Course:
    done = Deployment(12, "staging", verb, ("web", "hub"), "alice", 1, "", "", outcome, "", (), "")
    return Course("shop", done, **more)  # type: ignore[arg-type]


ENDS = [
    (course(outcomes.SUCCEEDED, moves=(WEB, HUB), live=SWITCHED, seconds=12.3), "succeeded",
     "shop staging: deploy succeeded (after 12 s)",
     f"web: {OLD.release} → {NEW.release}\nhub: nothing → {NEW.release}\n{BY}"),
    (course(outcomes.SUCCEEDED, "build", seconds=80.0), "succeeded",
     "shop staging: build succeeded (after 80 s)", f"web, hub\n{BY}"),
    (course(outcomes.FAILED, moves=(WEB,), live={"web": OLD}, seconds=50.0, reason="web did not become healthy"),
     "failed", "shop staging: deploy failed (after 50 s)",
     f"web did not become healthy\nweb: stays at {OLD.release}; {NEW.release} was not switched to\n{BY}"),
    (course(outcomes.FAILED, "promote", moves=(WEB, HUB), live={"web": NEW}, seconds=9.0, reason="hub fell"), "failed",
     "shop staging: promote failed (after 9 s)",
     f"hub fell\nweb: {OLD.release} → {NEW.release}\nhub: stays at nothing; {NEW.release} was not switched to\n{BY}"),
    (course(outcomes.REVERTED, moves=(WEB,), live={"web": OLD}, seconds=20.0, reason="web fell"), "reverted",
     "shop staging: deploy was reverted; users have what they had before (after 20 s)",
     f"web fell\nweb: stays at {OLD.release}; {NEW.release} was not switched to\n{BY}"),
    (course(outcomes.CANCELLED, reason="Cancelled by SIGINT; nothing was switched."), "failed",
     "shop staging: deploy was cancelled", f"Cancelled by SIGINT; nothing was switched.\nweb, hub\n{BY}"),
    (course(outcomes.INTERRUPTED), "failed", "shop staging: deploy failed: it was interrupted",
     f"Its process was killed, or the server restarted; what it left is being healed.\nweb, hub\n{BY}"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "event", "title", "body"), ENDS, ids=lambda one: one if isinstance(one, str) else "")
def test_how_an_end_is_told(given: Course, event: str, title: str, body: str) -> None:
    assert news.ended(given) == Message(event, title, body)


def test_how_a_start_is_told() -> None:
    said = news.started(course(outcomes.RUNNING, moves=(WEB,), live={"web": OLD}))
    body = f"web: {OLD.release} → {NEW.release}\ndeployment 12 by alice\nceladon attach 12"
    assert said == Message("started", "shop staging: deploy has started", body)


def test_how_a_low_disk_is_told() -> None:
    said = news.disk_low("shop", "staging", free=3 << 30, floor=20 << 30, folder="/srv/shop")
    body = "3.0G are free at /srv/shop; 20G should be.\nceladon diagnose"
    assert said == Message("disk_low", "shop staging: the disk is low", body)


def test_a_reason_is_one_line_and_not_a_long_one() -> None:
    assert news.in_one_line("it broke\n  here\n") == "it broke here"
    assert len(news.in_one_line("x " * 500)) == news.LONGEST and news.in_one_line("x " * 500).endswith("…")
