"""What is written is what Compose reads, whatever it is: proved with Compose itself."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celadon.adapters import compose, drafts
from celadon.config import dotenv

HARD = {
    "LINES": "-----BEGIN KEY-----\nMIIabc=\nEND=\n", "DOLLAR": "p$ss ${HOME} $$ \\$y $", "QUOTES": "it's \"q\" `x`",
    "HASH": "a # b#c", "SPACES": "  x\ty  ", "BACKSLASH": "a\\b\\n\\", "UNICODE": "é한글😀\u2028\x85", "EMPTY": "",
    "CONTROL": "\r\n\x07\x1b\x0b\x0c\x01", "EQUALS": "=a==", "SINGLE": "'", "DOUBLE": '"', "MARK": "\ufeffx",
    "BANG": "!x~*?", "export": "1", "a.b-c": "2", "TIME": "2001-12-14 21:59:43.10 -5", "MERGE": "<<", "ONE": "=",
}  # fmt: skip


def read_back(text: str) -> dict[str, str]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "one.env"
        file.write_text(text)
        return compose.variables_of(file)


def test_hard_values_come_back() -> None:
    text = dotenv.written(HARD)
    assert read_back(text) == HARD
    assert {entry.name for entry in dotenv.read(text)[0]} == HARD.keys() and not dotenv.read(text)[1]
    assert text.count("\n") == len(HARD)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), min_size=30))
def test_any_values_come_back(values: list[str]) -> None:
    given_ = {f"V{number}": value for number, value in enumerate(values)}
    assert read_back(dotenv.written(given_)) == given_


def test_a_line_within_a_value_is_no_name() -> None:
    key = 'KEY="-----BEGIN\nMIIabc=\nMIIdef=\n"\nA=1\n'
    assert list(drafts.keys(key)) == ["KEY", "A"]
    assert drafts.changed(key, key.replace("def", "xyz")) == drafts.Changed((), ("KEY",), ())


@pytest.mark.parametrize(
    ("line", "does"),
    [("A=$B", True), ('A="x${B}"', True), ("A='$B'", False), ("A=\\$B", False), ("A=5$", False), ("A=$5", False)],
)
def test_what_compose_takes_for_a_variable(line: str, does: bool) -> None:
    assert dotenv.interpolates(dotenv.read(line)[0][0]) is does
