"""The host's lock, with real processes: one holder, arrival order, nothing left of the dead."""

import itertools
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from celadon.errors import LockTimeout
from celadon.run import lock, lock_folder, lock_holder
from celadon.run.lock_holder import Holder

ME = Holder(1, "ann", "shop", "deploy staging", "2026-01-01T00:00:00")
# Holds the lock until its input ends, and says what happens to it.
OTHER = """
import sys, json
from pathlib import Path
from celadon.run import lock, lock_folder
from celadon.run.lock_holder import Holder
lock_folder.FOLDER = Path(sys.argv[1]) / "celadon"
me = Holder(1, "ben", "shop", sys.argv[2], "t")
say = lambda *words: print(json.dumps(words), flush=True)
with lock.held(me, 30, lambda other, place: say("waits", other.what if other else "", place)) as held:
    held.say("2/9 build web")
    say("has")
    sys.stdin.read()
say("over")
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setattr(lock_folder, "FOLDER", tmp_path / "celadon")


def start(folder: Path, name: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-c", OTHER, str(folder), name]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, umask=0o077)


def heard(process: "subprocess.Popen[str]") -> list[object]:
    assert process.stdout
    line: list[object] = json.loads(process.stdout.readline())
    return line


def test_it_is_had_in_the_order_of_arrival_and_everybody_sees_the_place(tmp_path: Path) -> None:
    first = start(tmp_path, "first")
    assert heard(first) == ["has"]
    assert str(lock.holder()) == "ben (pid 1): first in shop, since t, 2/9 build web"
    others = []
    for number in range(1, 4):
        others.append(start(tmp_path, f"other {number}"))
        assert heard(others[-1]) == ["waits", "first", number]
    folder = tmp_path / "celadon"  # the group may come and see, whatever the umask of the first; nobody else may
    assert folder.stat().st_mode & 0o7777 == 0o2770 and {t.stat().st_mode & 0o777 for t in folder.iterdir()} == {0o660}
    others[0].send_signal(signal.SIGKILL)  # its place is gone with it
    others[0].wait()
    assert heard(others[1]) == ["waits", "first", 1] and heard(others[2]) == ["waits", "first", 2]
    first.communicate("")
    assert heard(others[1]) == ["has"] and heard(others[2]) == ["waits", "other 2", 1]
    others[1].communicate("")
    assert heard(others[2]) == ["has"]
    others[2].communicate("")
    assert lock.holder() is None and [file.name for file in folder.iterdir()] == ["lock"]


def test_who_waits_is_told_again_how_far_the_holder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "AGAIN", 0.5)
    first = start(tmp_path, "first")
    assert heard(first) == ["has"]
    file, told = tmp_path / "celadon" / "lock", []

    def waiting(other: Holder | None, _place: int) -> None:
        told.append((other.step if other else "", time.monotonic()))
        if len(told) < 3:  # the holder goes on
            holder = lock.holder()
            assert holder
            file.write_bytes(lock_holder.written(replace(holder, step=f"step {len(told)}")))
        else:
            first.kill()

    with lock.held(ME, 30, waiting):
        first.wait()
    assert [step for step, _when in told] == ["2/9 build web", "step 1", "step 2"]
    assert all(later[1] - earlier[1] >= 0.5 for earlier, later in itertools.pairwise(told))


def test_a_killed_holder_needs_no_unlocking(tmp_path: Path) -> None:
    first = start(tmp_path, "first")
    assert heard(first) == ["has"]
    first.kill()
    first.wait()
    assert lock.holder() is None
    with lock.held(ME, 5, lambda _other, _place: pytest.fail("nobody is there")) as held:
        assert not held.waited and lock.holder() == ME
    assert lock.holder() is None


def test_whoever_waits_too_long_is_told_for_whom(tmp_path: Path) -> None:
    first = start(tmp_path, "first")
    assert heard(first) == ["has"]
    begun = time.monotonic()
    with pytest.raises(LockTimeout) as caught, lock.held(ME, 0.5, lambda _other, _place: None):
        pytest.fail("it was not free")
    assert "first in shop" in caught.value.evidence[0] and time.monotonic() - begun < 5
    first.communicate("")
