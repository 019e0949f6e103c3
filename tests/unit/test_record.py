"""The record: one commit or none, fixed addresses, and a schema that knows its age."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from celadon.errors import CeladonError
from celadon.state.record import Record
from celadon.state.schema import MIGRATIONS
from celadon.state.snapshot import BuildTimes, Live, Move, Release
from celadon.state.times import KEPT

FIRST = Release("staging", "web", "r1", "sha256:1", "c", "s", "k", "f", "build", "2026-01-01T00:00:00")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / ".celadon" / "state.db")


def test_a_commit_is_all_or_none(record: Record) -> None:
    record.add_release(FIRST)
    record.move("staging", [Move("web", None, Live("r1", "blue"))], "one")
    assert record.releases()[0].served
    stale = [Move("shop", None, Live("r9", "blue")), Move("web", Live("r0", "green"), Live("r2", "green"))]
    with pytest.raises(CeladonError, match="changed under this deployment"):
        record.move("staging", stale, "two")
    assert record.live() == {("staging", "web"): Live("r1", "blue")} and record.rendering("staging") == "one"
    record.move("staging", [Move("web", Live("r1", "blue"), None)], "two")
    assert (record.rendering("staging"), record.rendering_before("staging")) == ("two", "one")
    assert record.live() == {}


def test_releases_come_oldest_first(record: Record) -> None:
    second = replace(FIRST, id="r2", created="2026-01-02T00:00:00", predecessor="r1")
    record.add_release(second)
    record.add_release(FIRST)
    assert record.releases() == (FIRST, second)
    record.remove_release("staging", "web", "r1")
    assert record.releases() == (second,)


def test_a_slot_keeps_its_address(record: Record) -> None:
    assert [record.place("staging", s, c) for s in ("web", "shop") for c in ("blue", "green")] == [1, 2, 3, 4]
    assert record.place("staging", "shop", "blue") == 3
    assert record.place("production", "shop", "blue") == 1


def test_a_deployment_is_open_until_its_first_end(record: Record) -> None:
    with record.beginning("staging", "deploy", ["web"], "ann", "2026-01-01T00:00:00") as number:
        pass
    record.run_by(number, 17)
    record.run(number, ["web", "shop"], "2026-01-01T00:00:05")
    assert [(d.id, d.pid, d.outcome, d.services) for d in record.open()] == [(1, 17, "running", ("web", "shop"))]
    assert [(d.asked[-2:], d.started[-2:]) for d in record.open()] == [("00", "05")]  # it waited for the lock
    record.finish(number, "reverted", "it fell", "2026-01-01T00:01:00")
    record.finish(number, "failed", "again", "2026-01-01T00:02:00")
    assert record.open() == () and record.deployments()[0].outcome == "reverted"
    for expected in (8, 9):  # logs of a record that was lost go up to 7
        with record.beginning("staging", "deploy", ["web"], "ann", "t", after=7) as number:
            assert number == expected


def test_the_record_is_private_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / ".celadon" / "state.db"
    Record(file).close()
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    newer = sqlite3.connect(file)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(CeladonError, match="newer Celadon"):
        Record(file)


def test_a_ruined_record_is_put_aside_not_overwritten(tmp_path: Path) -> None:
    file, ruin = tmp_path / "state.db", b"this is no database, and long enough to be sure of it" * 100
    for number in (1, 2):
        file.write_bytes(ruin)
        record = Record(file)
        assert record.empty and record.aside == tmp_path / f"state.db.ruined-{number}"
        assert record.aside.read_bytes() == ruin
        record.close()
    again = Record(file)
    again.add_release(FIRST)
    assert again.aside is None and not again.empty


def test_a_page_torn_in_the_middle_is_noticed_when_it_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    record = Record(file)
    for number in range(200):
        record.add_release(replace(FIRST, id=f"r{number}", subject="x" * 200))
    record.close()
    torn = bytearray(file.read_bytes())
    torn[8192:12288] = b"\0" * 4096
    file.write_bytes(torn)
    assert Record(file).aside is not None


def test_an_old_record_becomes_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    old = sqlite3.connect(file)
    old.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
    old.execute("INSERT INTO deployments (environment, verb, services, by, pid, started, outcome) "
                "VALUES ('staging', 'deploy', 'web', 'ann', 1, 't', 'succeeded')")  # fmt: skip
    old.execute("INSERT INTO networks VALUES ('staging', '10.0.0.0/16')")
    old.commit()
    old.close()
    new = Record(file)
    new.times.add("web", BuildTimes(1, {}))
    assert (
        new.deployments()[0].evidence == ()
        and new.deployments()[0].asked == "t"
        and new.rendering("staging") == "rendered"
    )
    new.close()
    assert sqlite3.connect(file).execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_the_last_builds_of_each_service_are_kept(record: Record) -> None:
    assert record.times.of("web") == ()
    for number in range(KEPT + 2):
        record.times.add("web", BuildTimes(number, {"1f": (number + 0.5, 1.0), "2e": ()}))
    record.times.add("shop", BuildTimes(99, {}))
    found = record.times.of("web")
    assert [times.seconds for times in found] == [6, 5, 4, 3, 2]
    assert found[0].steps == {"1f": (6.5, 1.0), "2e": ()} and record.times.of("shop") == (BuildTimes(99, {}),)


def test_only_an_empty_record_is_rebuilt(record: Record) -> None:
    found = (
        [FIRST],
        {("staging", "web"): Live("r1", "green")},
        {"staging": "10.0.0.0/16"},
        {("staging", "web", "green"): 4},
        {"staging": "rendered-1"},
    )
    assert record.empty and record.rebuild(*found)
    assert record.releases() == (FIRST,) and record.live()["staging", "web"].slot == "green"
    assert record.place("staging", "web", "green") == 4 and record.place("staging", "web", "blue") == 5
    assert record.rendering("staging") == "rendered-1" and record.rendering("production") is None
    assert record.subnet("staging") == "10.0.0.0/16" and not record.rebuild(*found)


def test_going_forward_sets_the_way_back_and_going_back_does_not(record: Record) -> None:
    for number in (1, 2, 3):
        record.add_release(replace(FIRST, id=f"r{number}"))
    one, two, three = Live("r1", "blue"), Live("r2", "green"), Live("r3", "blue")
    record.move("staging", [Move("web", None, one)], "r")
    record.move("staging", [Move("web", one, two)], "r")
    record.move("staging", [Move("web", two, three)], "r")
    record.move("staging", [Move("web", three, one, forward=False)], "r")
    record.move("staging", [Move("web", one, three)], "r")  # three comes again, over one this time
    assert {r.id: r.predecessor for r in record.releases()} == {"r1": None, "r2": "r1", "r3": "r1"}
