"""The audit log: a chain that shows what was changed, that a kill, a power cut or a full disk does not break."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from celadon.app import actor, audit
from celadon.cli.main import run
from celadon.errors import Cancelled, UsageError
from celadon.state import audit_chain, audit_log
from celadon.state.audit_chain import CHANGED, MISSING, Break
from celadon.state.layout import Layout

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def entry(number: int) -> dict[str, object]:
    return {"at": NOW.isoformat(), "act": "deploy", "said": f"número {number}\n\u2028"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / ".celadon" / "audit.jsonl"
    for number in range(1, 6):
        assert audit_log.append(file, entry(number)) == number
    return file


def test_entries_are_whole_lines_for_the_owner_only(log: Path) -> None:
    assert log.stat().st_mode & 0o777 == 0o600 and log.parent.stat().st_mode & 0o777 == 0o700
    lines = log.read_bytes().splitlines()
    found = audit_log.read(log)
    assert len(lines) == len(found.entries) == found.head.number == 5 and not found.broken and not found.torn
    assert json.loads(lines[-1])["hash"] == found.head.hash and json.loads(lines[0])["before"] == "0" * 64


@pytest.mark.parametrize("line", range(5))
def test_any_changed_byte_names_its_line(log: Path, line: int) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    for place in range(0, len(lines[line]) - 1, 7):
        changed = bytearray(lines[line])
        changed[place] ^= 1
        log.write_bytes(b"".join([*lines[:line], bytes(changed), *lines[line + 1 :]]))
        assert audit_log.read(log).broken == Break(line + 1, CHANGED), changed
    assert audit_log.append(log, entry(6)) and audit_log.read(log).broken == Break(line + 1, CHANGED)


def test_lines_that_are_removed_moved_or_inserted_are_missed(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    other = audit_chain.line(entry(9), audit_chain.START) + b"\n"
    for changed, line in (
        (lines[1:], 1), (lines[:2] + lines[3:], 3), ([*lines[:1], lines[2], lines[1], *lines[3:]], 2),
        ([*lines[:3], lines[2], *lines[3:]], 4), ([other, *lines], 2), ([other, *lines[1:]], 2),
    ):  # fmt: skip
        log.write_bytes(b"".join(changed))
        assert audit_log.read(log).broken == Break(line, MISSING)


@pytest.mark.parametrize("rest", [b'{"n":6,"bef', b"\0" * 4000, b"x", b"\xff\n\xfe", b"{}\n{"])
def test_a_torn_line_is_said_and_the_chain_goes_on(log: Path, rest: bytes) -> None:
    with log.open("ab") as file:
        file.write(rest)
    torn = tuple(range(6, 6 + rest.count(b"\n") + 1))
    assert audit_log.read(log).torn == torn and not audit_log.read(log).broken
    assert [audit_log.append(log, entry(n)) for n in (6, 7)] == [6, 7]
    found = audit_log.read(log)
    assert found.torn == torn and not found.broken and found.head.number == 7
    log.write_bytes(log.read_bytes().replace(rest, rest[:-1] + b"y"))
    assert audit_log.read(log).broken == Break(6, CHANGED)


def test_a_line_that_lacks_only_its_end_is_kept(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-1])
    assert audit_log.append(log, entry(6)) == 6
    assert audit_log.read(log).head.number == 6 and not audit_log.read(log).torn


def test_writers_that_are_killed_leave_a_whole_chain(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    code = f"""
import sys; from pathlib import Path; from celadon.state import audit_log
while True: audit_log.append(Path(sys.argv[1]), {entry(0)!r})
"""
    for _round in range(5):
        several = [subprocess.Popen([sys.executable, "-c", code, str(file)]) for _one in range(2)]
        size = file.stat().st_size if file.exists() else 0
        while not file.exists() or file.stat().st_size < size + 20_000:
            time.sleep(0.01)
        for one in several:
            one.send_signal(signal.SIGKILL)
            one.wait()
    found = audit_log.read(file)
    assert not found.broken and found.head.number == len(found.entries) > 50
    assert audit_log.append(file, entry(0)) == found.head.number + 1


def test_what_is_no_file_of_its_own_is_not_written(tmp_path: Path, log: Path) -> None:
    os.link(log, tmp_path / "other")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(log)
    for name in ("other", "fifo", "link"):
        with pytest.raises(OSError):
            audit_log.append(tmp_path / name, entry(1))


@pytest.mark.parametrize(
    "odd", [{"services": 5}, {"releases": [1]}, {"releases": {"web": 1}}, {"at": "x"}, {"at": "2026-01-01"}]
)
def test_an_entry_that_no_celadon_wrote_is_shown_or_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], odd: dict[str, object]
) -> None:
    (tmp_path / "compose.yaml").write_text("{name: shop, x-celadon: {environments: {staging: {}}}, services: {}}")
    (tmp_path / ".celadon").mkdir(mode=0o700)
    audit_log.append(Layout(tmp_path).audit, entry(1) | odd)
    for words in ([], ["--since", "1d"], ["--json"], ["--verify"]):
        assert run(["-C", str(tmp_path), "audit", *words]) in (0, 1), capsys.readouterr()


def test_a_full_disk_stops_nothing_and_is_said(tmp_path: Path, log: Path) -> None:
    warned: list[str] = []
    size = log.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, limits[1]))
    try:
        with audit.act(Layout(tmp_path), "cleanup", warned.append):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert len(warned) == 2 and all("Could not write to the audit log" in one for one in warned)
    assert audit_log.append(log, entry(6)) == 6
    assert not audit_log.read(log).broken and audit_log.read(log).torn == (6,)


def test_an_act_says_how_it_ended_and_quotes_nothing(tmp_path: Path) -> None:
    layout, warned = Layout(tmp_path), list[str]()
    with audit.act(layout, "env edit", warned.append):
        pass
    assert not layout.root.exists()  # nothing is kept here: a checkout stays as it is
    layout.root.mkdir()
    with audit.command(layout, "exec", warned.append, "staging", "web", ["/usr/bin/psql", "-W", "canary"]) as said:
        said["code"] = 3
    for problem in (Cancelled("canary"), ValueError("canary")):
        with pytest.raises(type(problem)), audit.act(layout, "cleanup", warned.append):
            raise problem
    text = layout.audit.read_text()
    entries = audit_log.read(layout.audit).entries
    assert not warned and "canary" not in text and "psql" in text
    assert [e.get("outcome") for e in entries] == [None, "succeeded", None, "cancelled", None, "failed"]
    assert [e.get("of") for e in entries] == [None, 1, None, 3, None, 5] and entries[1]["code"] == 3
    assert entries[0]["uid"] == os.geteuid() and entries[-1]["problem"] == "ValueError"


def test_who_acts_is_asked_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "mallory\nroot")
    assert "mallory" not in str(actor.current())
    monkeypatch.setenv("SUDO_UID", "1")
    assert actor.current().name == actor.current().sudo == "daemon"
    for wrong in ("-1", "１", "9" * 30, "1\n", "4294967294"):
        monkeypatch.setenv("SUDO_UID", wrong)
        assert actor.current().sudo == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", NOW - timedelta(minutes=90)), ("7d", NOW - timedelta(days=7)), ("2w", NOW - timedelta(weeks=2)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00+09:00", datetime(2026, 1, 31, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_since(text: str, moment: datetime) -> None:
    assert audit.since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "7", "x", "-7d", "99999999d", "2026-13-01", "７d"])
def test_since_when_nobody_knows(text: str) -> None:
    with pytest.raises(UsageError):
        audit.since(text, NOW)


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environments = {"environments": {"staging": {}, "production": {}}}
    (tmp_path / "compose.yaml").write_text(json.dumps({"name": "shop", "x-celadon": environments, "services": {}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / ".celadon").mkdir(mode=0o700)
    layout, who = Layout(tmp_path), actor.Actor(0, "root", sudo="ann\x1b[2J", login="ben")
    moved = {"web": [None, "20260111-093012-9f12ce5"]}
    audit.write(layout, who, audit.ASKED, "deploy", print, environment="staging", deployment=1, services=["web"])
    audit.write(layout, who, audit.ENDED, "deploy", print, environment="production", deployment=2, outcome="reverted",
                releases=moved)  # fmt: skip

    def said(*words: str, code: int = 0) -> str:
        assert run(["audit", *words]) == code
        return capsys.readouterr().out

    table = said()
    assert "root (ann, ben)" in table and "#2 web: - → 20260111-093012-9f12ce5" in table
    assert "reverted" in table and "\x1b" not in table
    assert "production" not in said("staging") and said("--since", "2030-01-01").count("\n") == 1
    number, head = said("--head").split()
    assert number == "2" and head in said("--verify") and json.loads(said("--verify", "--json"))["good"]
    assert json.loads(said("--json"))[1]["releases"] == moved
    assert head in said("--verify", "--expect", head)
    assert "rewritten or truncated" in said("--verify", "--expect", "0" * 64, code=1)
    text = layout.audit.read_text()
    layout.audit.write_text(text.replace("staging", "sturing"))
    assert "Line 1 was modified." in said("--verify", code=1)
    assert json.loads(said("--verify", "--json", code=1))["broken"] == {"line": 1, "kind": "changed"}
    layout.audit.write_text(text.splitlines(keepends=True)[1])
    assert "Line 1 does not follow the previous line" in said("--verify", code=1)
