"""The commit to build, and a clone of Celadon's own with its login, with a real git."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from celadon.adapters import git, git_command
from celadon.errors import CeladonError, UsageError
from celadon.run.retrying import of_the_network


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a commit that has no subject, `first`, and one after it; a tag of a tag."""
    said = ["git", "-c", "user.name=Team", "-c", "user.email=team@example.com"]
    for words in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["commit", "--quiet", "--allow-empty", "--allow-empty-message", "--message", ""],
        ["tag", "--annotate", "--message", "first", "first"],
        ["tag", "--annotate", "--message", "again", "a-tag-of-it", "first"],
        ["commit", "--quiet", "--allow-empty", "--message", "commit [x] 'y' \\n 한글\n\nand more"],
    ):
        subprocess.run([*said, *words], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.mark.parametrize(
    ("url", "address", "login"),
    [
        ("https://me:c4n4ry@git.example:8443/a/b.git", "https://git.example:8443/a/b.git", ("me", "c4n4ry")),
        ("http://c4n4ry@git.example:8443/a.git", "http://git.example:8443/a.git", ("c4n4ry", "")),
        ("https://me:c4n%2f4ry@git.example:8443/", "https://git.example:8443/", ("me", "c4n/4ry")),
        ("https://git.example:8443/a@b.git", "https://git.example:8443/a@b.git", None),
        ("ssh://git@git.example:22/a.git", "ssh://git@git.example:22/a.git", None),
        ("git@git.example:a/b.git", "git@git.example:a/b.git", None),
    ],
)
def test_a_login_lies_where_gits_own_helper_finds_it(
    tmp_path: Path, url: str, address: str, login: tuple[str, str] | None
) -> None:
    clone = tmp_path / "a clone"
    git.keep_clone(clone, url)
    assert git.remote(clone) == address and "c4n4ry" not in (clone / "config").read_text()
    if login is None:
        assert not (clone / "credentials").exists()
        return
    assert (clone / "credentials").stat().st_mode & 0o777 == 0o600
    asked = f"protocol={url.partition(':')[0]}\nhost=git.example:8443\n\n"
    told = subprocess.run(
        ["git", "credential", "fill"], input=asked, cwd=clone, capture_output=True, text=True, timeout=30,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ASKPASS": "false"},
    ).stdout  # fmt: skip
    assert f"username={login[0]}\npassword={login[1]}\n" in told
    git.keep_clone(clone, address)
    assert not (clone / "credentials").exists()


def test_only_changes_of_what_is_built_are_in_the_way(tmp_path: Path) -> None:
    for name in ("web/app", "web/Dockerfile", ".gitignore"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("first\n")
    commit = ["git", "-c", "user.name=Team", "-c", "user.email=team@example.com", "commit", "--quiet", "-m", "first"]
    for words in (["git", "init", "--quiet"], ["git", "add", "--all"], commit):
        subprocess.run(words, cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("second\n")
    git.refuse_changes(tmp_path, "web", ["web", "web/Dockerfile"])
    (tmp_path / "web" / "app").write_text("second\n")
    with pytest.raises(CeladonError) as refused:
        git.refuse_changes(tmp_path, "web", ["web", "web/Dockerfile"])
    assert refused.value.evidence == (" M web/app",)


def test_a_server_that_accepts_and_keeps_silent_is_a_failing_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_command, "SILENT", {**git_command.SILENT, "GIT_HTTP_LOW_SPEED_TIME": "1"})
    with socket.create_server(("127.0.0.1", 0)) as server:
        git.keep_clone(tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}/a.git")
        with pytest.raises(CeladonError, match="web: git cannot fetch") as silence:
            git.fetch(tmp_path, "web")
    assert "Operation too slow" in silence.value.evidence[-1] and of_the_network(silence.value)


def test_a_fetch_that_takes_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "FETCH_LIMIT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        git.keep_clone(tmp_path, f"http://127.0.0.1:{server.getsockname()[1]}/a.git")
        with pytest.raises(CeladonError) as late:
            git.fetch(tmp_path, "web")
    assert "took longer than" in late.value.evidence[0]


@pytest.mark.parametrize("ref", ["^main", "first..main", "main..main", "first...main", "--all", "main main", "nowhere"])
def test_what_is_not_one_commit_is_refused(repository: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="no branch, tag or commit"):
        git.commit(repository, "web", "main", ref, remote=False)


@pytest.mark.parametrize("ref", [None, "main", "first", "a tag of it", "main~0", "@"])
def test_a_commit_is_found_with_its_subject_as_it_was_written(repository: Path, ref: str | None) -> None:
    sha, subject = git.commit(repository, "web", "main", ref and ref.replace(" ", "-"), remote=False)
    assert len(sha) == 40 and subject == ("" if ref in ("first", "a tag of it") else "commit [x] 'y' \\n 한글")
