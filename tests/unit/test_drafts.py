"""Proposals for the team's own files: what a diff shows, what it hides, and how they are written."""

from pathlib import Path

import pytest

from celadon.adapters.drafts import Draft, diff, write


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_file_is_shown_whole(tmp_path: Path) -> None:
    assert diff(Draft(tmp_path / "a", "one\ntwo\n")) == ["--- /dev/null", "+++ b/a", "@@ -0,0 +1,2 @@", "+one", "+two"]


def test_what_changes_nothing_shows_nothing_and_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\n")
    before = (tmp_path / "a").stat().st_ino
    draft = Draft(tmp_path / "a", "one\n")
    write([draft])
    assert diff(draft) == []
    assert (tmp_path / "a").stat().st_ino == before


def test_a_secret_file_tells_names_only(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=hunter1\nB=hunter2\nC=same\n")
    (tmp_path / ".env").chmod(0o644)
    draft = Draft(tmp_path / ".env", "B=hunter3\nC=same\nD=hunter4\n", 0o600, secret=True)
    assert diff(draft) == ["--- .env", "+++ .env", "-A=…", "!B=…", "+D=…", ".env: mode 0644 → 0600"]
    key = Draft(tmp_path / "key.pem", "-----BEGIN hunter2-----\n", 0o600, secret=True)
    assert diff(key) == ["--- /dev/null", "+++ key.pem", "(not shown)", "key.pem: mode new → 0600"]


def test_writing_keeps_the_mode_that_is_there_and_makes_folders(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("")
    (tmp_path / "run.sh").chmod(0o750)
    write([Draft(tmp_path / "run.sh", "x"), Draft(tmp_path / "config" / "keys" / "private.pem", "k", 0o600)])
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "config" / "keys" / "private.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config", "run.sh"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    draft = Draft(tmp_path / "link", "new")
    assert diff(draft)[:2] == ["--- a/link → real", "+++ b/link → real"]
    write([draft])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_mode_alone_leaves_the_file_the_same_and_unread(tmp_path: Path) -> None:
    key = tmp_path / "key.der"
    key.write_bytes(b"\xff\x00")
    key.chmod(0o644)
    before = key.stat().st_ino
    draft = Draft(key, None, 0o600)
    assert diff(draft) == ["key.der: mode 0644 → 0600"]
    write([draft])
    assert (key.stat().st_mode & 0o777, key.stat().st_ino, key.read_bytes()) == (0o600, before, b"\xff\x00")
    assert not draft.changes
