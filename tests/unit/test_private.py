"""Secrets on disk for a moment: in a folder of their own, or on the way to their place; what a kill leaves of them."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from celadon.state.layout import fresh_of, write_whole
from celadon.state.private import PREFIX, YOUNG, private_folder

WORK = (
    "import signal, time\n"
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # these tests themselves may run where nobody hangs up
    "from celadon.state.private import private_folder\nwith private_folder() as folder:\n"
    "    (folder / 'copy.env').write_text('A=1')\n    print(folder, flush=True)\n    time.sleep(60)\n"
)


def working(place: Path) -> tuple["subprocess.Popen[str]", Path]:
    """A process that has secrets in a private folder in `place`."""
    child = subprocess.Popen([sys.executable, "-c", WORK], env={**os.environ, "XDG_RUNTIME_DIR": str(place)},
                             stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert child.stdout
    return child, Path(child.stdout.readline().strip())


@pytest.mark.parametrize("sign", [signal.SIGHUP, signal.SIGTERM])
def test_a_lost_connection_leaves_no_copy(tmp_path: Path, sign: signal.Signals) -> None:
    child, folder = working(tmp_path)
    assert (folder / "copy.env").exists() and folder.stat().st_mode & 0o777 == 0o700
    child.send_signal(sign)
    assert child.wait(10) == 128 + sign and list(tmp_path.iterdir()) == []


def test_what_a_killed_one_left_is_removed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    killed, left = working(tmp_path)
    killed.kill()
    killed.wait(10)
    alive, kept = working(tmp_path)
    mine = tmp_path / f"{PREFIX}shared"
    mine.mkdir(mode=0o755)
    long_ago = time.time() - 2 * YOUNG
    for folder in (left, kept, mine):
        os.utime(folder, (long_ago, long_ago))
    try:
        with private_folder():
            assert not left.exists() and kept.exists() and mine.exists()
    finally:
        alive.kill()
        alive.wait(10)


def _write_often(file: Path, letter: str) -> None:
    for _time in range(40):
        write_whole(file, letter * 500_000, 0o600)


def test_two_that_write_the_same_file_both_do(tmp_path: Path) -> None:
    file = tmp_path / ".env.staging"
    writers = [get_context("spawn").Process(target=_write_often, args=(file, letter)) for letter in "ab"]
    for one in writers:
        one.start()
    for one in writers:
        one.join(60)
    assert [one.exitcode for one in writers] == [0, 0]
    assert file.read_text() in ("a" * 500_000, "b" * 500_000) and [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (".env", ".env*"),
        (".env.staging", ".env.*"),
        (".env.staging", "**/.env.*"),
        ("a.env", "*.env"),
        ("k.pem", "*.pem"),
    ],
)
def test_git_ignores_a_file_on_its_way_as_it_ignores_the_file(tmp_path: Path, name: str, line: str) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(f"{line}\n")
    fresh = fresh_of(tmp_path / name)
    assert fresh.name.startswith(".") and fresh.name != name
    assert subprocess.run(["git", "-C", str(tmp_path), "check-ignore", "--quiet", fresh.name]).returncode == 0
