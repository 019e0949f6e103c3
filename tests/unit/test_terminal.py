"""A build on a terminal and on a pipe: the real `celadon attach` on a journal that is being written."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from celadon.plan.expect import BuildStep
from celadon.run.journal import End, Journal
from celadon.state.layout import Layout
from celadon.state.record import Record

COMPOSE = """
name: shop
x-celadon: {environments: {staging: {listen: [4400], url: "http://shop.example"}}}
services: {web: {build: ./web}}
"""
RUNS_FOR = re.compile(rb"running for (\d+) s")
BASE, RUN = "[1/2] FROM python:3.14-slim", f"[2/2] RUN npm ci {'--flag ' * 20}"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Deployment 1, which builds: one step was cached, one runs for 20 s and the whole took 80 s the last time."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    layout = Layout(tmp_path)
    record = Record(layout.record)
    with record.beginning("staging", "build", ["web"], "ann", "2026-01-01T00:00:00+00:00"):
        journal = Journal(layout.events(1), layout.log(1))
    record.close()
    journal.started(1, 1, "build web")
    journal.building("web", {BuildStep(RUN, "running").key: 80.0}, 125.0)
    journal.build_step(BASE, "coming", 0.0, 0.0)
    journal.build_step(BASE, "cached", time.time() - 20, 0.0)
    journal.build_step(RUN, "running", time.time() - 20, 0.0)
    yield journal
    journal.close()


def attached(folder: Path, out: int) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "celadon", "-C", str(folder), "attach", "1"]
    terminal = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, env={**os.environ, **terminal})


def ended(journal: Journal) -> None:
    journal.build_step(RUN, "done", time.time() - 25, 25.0)
    journal.ended(1, 1, "build web", 25.5)
    journal.end(End())


def test_a_terminal_shows_what_runs_as_it_runs(journal: Journal, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = attached(tmp_path, theirs)
    os.close(theirs)
    shown = b""
    end = time.monotonic() + 20
    while len({*RUNS_FOR.findall(shown)}) < 2:  # the line at the bottom goes on by itself
        assert time.monotonic() < end and select.select([ours], [], [], 20)[0], shown.decode()
        shown += os.read(ours, 4096)
    ended(journal)
    while chunk := _read(ours):
        shown += chunk
    assert process.wait(10) == 0
    text = shown.decode()
    assert "[1/2] FROM python:3.14-slim … cached" in text
    assert re.search(r"about (1 min|\d+ s) left \(the whole took 2 min 5 s last time\)", text)
    assert "… done in 25.0 s" in text.rpartition("running for")[2]
    assert "\x1b[?25h" in text  # the cursor is given back


def test_a_pipe_gets_lines_and_nothing_that_moves(journal: Journal, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    process = attached(tmp_path, theirs)
    os.close(theirs)
    time.sleep(1)
    ended(journal)
    text = b"".join(iter(lambda: os.read(ours, 4096), b"")).decode()
    assert process.wait(10) == 0 and "\x1b" not in text
    assert text.splitlines()[1:] == [
        f"      the whole log: {Layout(tmp_path).log(1)}",
        "[1/1] build web",
        "      the whole took 2 min 5 s last time",
        "      [1/2] FROM python:3.14-slim … cached",
        f"      {BuildStep(RUN, 'done').short} … done in 25.0 s",
        "      done in 25.5 s",
    ]


def test_what_people_write_is_shown_as_they_wrote_it(journal: Journal, tmp_path: Path) -> None:
    """A commit's subject may bear the short name of an emoji; and a build that took no second has no last time."""
    journal.building("web", {}, 0.4)
    journal.note("web: fix :bug: in [bold]")
    journal.end(End())
    shown = subprocess.run([sys.executable, "-m", "celadon", "attach"], cwd=tmp_path, capture_output=True, text=True)
    assert shown.stdout.splitlines()[-1] == "web: fix :bug: in [bold]"
    assert not [line for line in shown.stdout.splitlines() if not line.strip()]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other side was closed
        return b""
