"""The record: one commit or none, fixed addresses, and a schema that knows its age."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from celadon.errors import CeladonError
from celadon.state.record import Record
from celadon.state.snapshot import Live, Move, Release

FIRST = Release("staging", "web", "r1", "sha256:1", "c", "s", "k", "f", "build", "2026-01-01T00:00:00")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / ".celadon" / "state.db")


def test_a_commit_is_all_or_none(record: Record) -> None:
    record.move("staging", [Move("web", None, Live("r1", "blue"))])
    stale = [Move("shop", None, Live("r9", "blue")), Move("web", Live("r0", "green"), Live("r2", "green"))]
    with pytest.raises(CeladonError, match="changed under this deployment"):
        record.move("staging", stale)
    assert record.live() == {("staging", "web"): Live("r1", "blue")}
    record.move("staging", [Move("web", Live("r1", "blue"), None)])
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
    number = record.begin("staging", "deploy", ["web"], "ann", "2026-01-01T00:00:00")
    record.run_by(number, 17)
    record.run(number, ["web", "shop"])
    assert [(d.id, d.pid, d.outcome, d.services) for d in record.open()] == [(1, 17, "running", ("web", "shop"))]
    record.finish(number, "reverted", "it fell", "2026-01-01T00:01:00")
    record.finish(number, "failed", "again", "2026-01-01T00:02:00")
    assert record.open() == () and record.deployments()[0].outcome == "reverted"


def test_the_record_is_private_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / ".celadon" / "state.db"
    Record(file).close()
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    newer = sqlite3.connect(file)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(CeladonError, match="newer Celadon"):
        Record(file)
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, and long enough to be sure of it" * 100)
    with pytest.raises(CeladonError, match="cannot be read"):
        Record(broken)
