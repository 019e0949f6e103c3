"""What child processes print is read within limits."""

import os
import sys
import threading
import time
from contextlib import closing

import pytest

from celadon.adapters import output, process
from celadon.errors import LONGEST, CommandError, CommandTimeout, cut_evidence

ENDLESS = [sys.executable, "-c", "while True: print('x' * 99)"]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_more_than_is_kept_stops_the_program_in_words() -> None:
    with pytest.raises(CommandError, match=r"printed more than 1\.0M and was stopped"):
        process.run(ENDLESS, keep=1 << 20, timeout=60)


def test_what_nobody_keeps_may_go_on_and_every_line_is_heard() -> None:
    lines: list[str] = []
    done = process.run(python("print('x\\n' * 100_000, end='')"), keep=0, on_line=lines.append)
    assert done.out == "" and len(lines) == 100_000 and len(done.tail) == output.TAIL


def test_a_line_of_megabytes_is_kept_whole_and_handed_on_short() -> None:
    lines: list[str] = []
    code = "import sys; print('y' * (3 << 20) + 'end'); print('the reason', file=sys.stderr)"
    done = process.run(python(code), on_line=lines.append)
    assert len(done.out) == (3 << 20) + 4 and done.out.endswith("end\n")
    assert sorted(map(len, lines)) == [len("the reason"), output.LINE] and sorted(done.tail) == sorted(lines)


def test_a_long_line_of_evidence_is_cut_between_words() -> None:
    cut = [*map(cut_evidence, ["word " * 1000, "the reason", "y" * (3 << 20)])]
    assert max(map(len, cut)) <= LONGEST and cut[1] == "the reason"
    assert cut[0].startswith("word word") and "word …" in cut[0]
    assert [*map(cut_evidence, cut)] == cut  # as the runner's error passes to the terminal


def test_pieces_come_as_they_are_printed_and_the_reader_may_stop() -> None:
    threads = threading.active_count()
    begun = time.monotonic()
    with closing(process.pieces(ENDLESS, timeout=60)) as printed:
        assert next(printed).startswith(b"xxx")
    assert time.monotonic() - begun < 30 and not process._children
    assert b"".join(process.pieces(python("print('한글')"))).decode() == "한글\n"
    for thread in threading.enumerate():
        if isinstance(thread, output.Reader):
            thread.join(10)
    assert threading.active_count() <= threads


def test_pieces_end_in_words_when_time_is_over_or_the_program_fails() -> None:
    with pytest.raises(CommandTimeout, match="took longer than"):
        list(process.pieces(["sleep", "60"], timeout=0.2))
    with pytest.raises(CommandTimeout, match="took longer than"):
        for _piece in process.pieces(ENDLESS, timeout=0.5):  # which is always ready
            pass
    with pytest.raises(CommandError, match="ended with code 7") as failed:
        list(process.pieces(["sh", "-c", "echo why >&2; exit 7"]))
    assert failed.value.tail == ("why",)


def test_a_limited_program_that_is_missing_is_named_itself() -> None:
    with pytest.raises(CommandError, match="The program `no-such-program` is not installed"):
        process.run(["no-such-program"], limits=process.Limits(1 << 30, 60))


def test_a_limit_of_ones_own_that_is_lower_is_kept() -> None:
    code = """import resource
from celadon.adapters import process
resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
print(process.run(["cat", "/proc/self/limits"], limits=process.Limits(1 << 30, 60)).out)"""
    nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    shown = process.run([*nobody, *python(code)]).out
    assert [line.split()[3:5] for line in shown.splitlines() if line.startswith("Max cpu time")] == [["50", "50"]]


def test_lines_that_end_anywhere_are_put_together() -> None:
    lines = output.Lines(limit=9)
    korean = "한글\n".encode()
    assert [*lines.add(b"one\ntw"), *lines.add(b"o\r\nbar 1%\rbar 2%\r"), *lines.add(korean[:2])] == [
        "one", "two", "bar 1%", "bar 2%"
    ]  # fmt: skip
    assert [*lines.add(korean[2:]), *lines.add(b"x" * 50), *lines.add(b"x" * 50 + b"\ny")] == ["한글", "x" * 9]
    assert [*lines.end(), *lines.end()] == ["y"]
