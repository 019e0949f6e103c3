"""Wrong words on the command line, each with what is answered: a new case is a few lines in words.txt, no code.

They are said in a workspace where nothing was deployed yet, and where no engine answers: none of them needs one.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from celadon.cli.group import ALIKE
from celadon.cli.main import run
from celadon.cli.verbs import VERBS
from celadon.errors import USAGE

COMPOSE = """
name: shop
x-celadon:
  environments:
    staging: {listen: [4400], url: "http://shop.example:4400"}
    production: {listen: [80], url: "http://shop.example", from: staging}
services:
  web: {image: "nginx:1.30", x-celadon: {port: 80}}
  api: {image: "nginx:1.30", x-celadon: {port: 80}}
  db: {image: "postgres:18"}
"""


def cases() -> Iterator[tuple[str, str]]:
    for block in Path(__file__).with_name("words.txt").read_text().split("$ celadon ")[1:]:
        words, _newline, answer = block.partition("\n")
        yield words, answer.strip()


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.mark.parametrize(("words", "answer"), [pytest.param(*case, id=case[0]) for case in cases()])
def test_wrong_words_are_answered(words: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shlex.split(words)) == USAGE
    out, err = capsys.readouterr()
    assert (out, "\n".join(line.rstrip() for line in err.splitlines()).strip()) == ("", answer)


def test_what_other_tools_call_it_leads_to_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert not set(ALIKE) & set(VERBS)
    for other, verb in ALIKE.items():
        assert run([other]) == USAGE
        assert verb not in VERBS or f"Did you mean `celadon {verb}`?" in capsys.readouterr().err
