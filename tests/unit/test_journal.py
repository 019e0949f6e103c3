"""The journal: read from the start by whoever comes, and its writer's death is known."""

import json
from pathlib import Path

import pytest

from celadon.config.masking import Mask
from celadon.errors import CeladonError
from celadon.run.journal import End, Journal, alive, follow


class Heard:
    """A report that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def started(self, *words: object) -> None:
        self.lines.append(("started", *words))

    def ended(self, *words: object) -> None:
        self.lines.append(("ended", *words))

    def failed(self, *words: object) -> None:
        self.lines.append(("failed", *words))

    def detail(self, text: str) -> None:
        self.lines.append(("detail", text))

    def building(self, *words: object) -> None:
        self.lines.append(("building", *words))

    def build_step(self, *words: object) -> None:
        self.lines.append(("build_step", *words))

    def note(self, text: str) -> None:
        self.lines.append(("note", text))

    def log(self, text: str) -> None:
        raise AssertionError("the log is not followed")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "logs" / "1.jsonl", tmp_path / "logs" / "1.log"


def test_who_follows_hears_everything_and_the_end(files: tuple[Path, Path]) -> None:
    journal = Journal(*files)
    journal.note("zwei Zeilen\nund ein ü")
    journal.started(1, 2, "build web")
    journal.log("#1 building")
    journal.failed(1, 2, "build web", 1.5)
    end = End(1, "it broke", ("line 1", "line 2"), "mend it")
    journal.end(end)
    for _again in range(2):
        heard = Heard()
        assert follow(files[0], heard) == end
        assert heard.lines == [
            ("note", "zwei Zeilen\nund ein ü"),
            ("started", 1, 2, "build web"),
            ("failed", 1, 2, "build web", 1.5),
        ]
    journal.close()
    assert "#1 building" in files[1].read_text() and "mend it" in files[1].read_text()
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]


def test_a_long_line_of_evidence_is_cut_after_its_secrets_are_hidden(files: tuple[Path, Path]) -> None:
    journal = Journal(*files, Mask(["canary-of-this-test"]))
    journal.end(End(1, "it broke", ("y" * 440 + "canary-of-this-test" + "y" * 10_000,)))
    journal.close()
    assert "canary" not in "".join(file.read_text() for file in files)


def test_a_death_without_a_last_word_is_known(files: tuple[Path, Path]) -> None:
    assert not alive(files[0])
    journal = Journal(*files)
    journal.note("still here")
    assert alive(files[0])
    journal.close()
    assert not alive(files[0])
    files[0].open("a").write('{"event": "no')  # a disk that was full in the middle of a line
    heard = Heard()
    with pytest.raises(CeladonError, match="without a last word"):
        follow(files[0], heard)
    assert heard.lines == [("note", "still here")]


def test_the_course_of_a_build_is_heard_from_its_start(files: tuple[Path, Path]) -> None:
    journal = Journal(*files)
    journal.building("web", {"1f": 2.5}, 30.0)
    journal.building("web", {}, None)
    journal.build_step("[1/2] FROM base", "cached", 5.0, 0.0)
    journal.build_step("[2/2] RUN make", "running", 5.0, 0.0)
    journal.build_step("[2/2] RUN make", "done", 5.0, 12.34)
    journal.end(End())
    heard = Heard()
    follow(files[0], heard)
    assert heard.lines == [
        ("building", "web", {"1f": 2.5}, 30.0),
        ("building", "web", {}, None),
        ("build_step", "[1/2] FROM base", "cached", 5.0, 0.0),
        ("build_step", "[2/2] RUN make", "running", 5.0, 0.0),
        ("build_step", "[2/2] RUN make", "done", 5.0, 12.34),
    ]
    assert files[1].read_text() == "  [1/2] FROM base … cached\n  [2/2] RUN make … done in 12.3 s\n"
    journal.close()


def test_a_journal_of_another_age_is_read(files: tuple[Path, Path]) -> None:
    files[0].parent.mkdir()
    old = ["started", 1, 1, "build web"], ["detail", "[1/2] FROM base (cached)"], ["of tomorrow", 1]
    end = {"event": "end", "code": 0, "message": "", "evidence": [], "hint": "", "trace": ""}
    lines = [{"event": event, "words": words} for event, *words in old]
    files[0].write_text("".join(json.dumps(line) + "\n" for line in [*lines, end]))
    heard = Heard()
    assert follow(files[0], heard) == End()
    assert heard.lines == [("started", 1, 1, "build web"), ("detail", "[1/2] FROM base (cached)")]


def test_what_controls_a_terminal_is_in_no_journal(files: tuple[Path, Path]) -> None:
    journal, heard = Journal(*files), Heard()
    said = "\x1b]0;title\x07\x1b[2Jread\u202e me\u200b\x9b1A, half \ud83d"
    journal.detail(said)
    journal.log(said)
    journal.end(End(1, said, (said,), said, said))
    journal.close()
    assert follow(files[0], heard).evidence == ("read me, half \ufffd",)
    assert heard.lines == [("detail", "read me, half \ufffd")]
    assert set(files[1].read_text().split("\n")) == {"  read me, half \ufffd", "read me, half \ufffd", ""}
