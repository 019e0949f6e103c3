"""`env pull` from real commands, and the file that is written."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.env.team import SERVICE, Team


def printing(team: Team, text: str, code: int = 0, words: str = "") -> dict[str, Any]:
    """A source: a real program that prints `text`, says `words` on standard error, and ends with `code`."""
    (team.folder / "text").write_text(text)
    program = team.folder / "source"
    program.write_text(f"#!/bin/sh\ncat text\necho '{words}' >&2\nexit {code}\n")
    program.chmod(0o755)
    return {"command": ["./source"]}


def test_a_command_that_prints_an_env_file(team: Team) -> None:
    (team.folder / "secrets.staging").write_text("# kept\nA=1\nB='c4n4ry # x'")
    team.write({"command": ["cat", "secrets.${CELADON_ENV}"]})
    said = team.celadon("env", "pull", "staging", "-y")
    assert team.file().read_text() == "# kept\nA=1\nB='c4n4ry # x'\n" and "c4n4ry" not in said


def test_a_command_that_prints_json(team: Team) -> None:
    team.write(printing(team, '{"N": 1.50, "T": true, "S": "a b", "E": ""}'))
    team.celadon("env", "pull", "staging", "-y")
    assert team.file().read_text() == 'E=""\nN=1.50\nS="a b"\nT=true\n'


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("A=c4n4ry\n", 3, ("`./source` ended with code 3", "not logged in", "by hand")),
        ('{"A": "c4n4ry", "B": "c4', 0, ("What came is no whole JSON; nothing was written.",)),
        ('["c4n4ry"]', 0, ("no JSON object with a variable a key",)),
        ("", 0, ("holds no variable",)),
        ("# nothing\n", 0, ("holds no variable",)),
        ('A="c4n4ry\n', 0, ("line 1: A: the quotation is not closed",)),
        ("A=1\nError c4n4ry is sealed\n", 0, ("line 2: this line is no NAME=value",)),
    ],
)
def test_less_than_a_good_whole_leaves_the_old_file(team: Team, text: str, code: int, words: tuple[str, ...]) -> None:
    team.put("A=old\n")
    team.write(printing(team, text, code, "not logged in"))
    said = team.celadon("env", "pull", "staging", "-y", expect=1)
    assert all(word in said for word in words) and "c4n4ry" not in said
    assert team.file().read_text() == "A=old\n"


def test_bytes_that_are_no_text_are_refused(team: Team) -> None:
    (team.folder / "bytes").write_bytes(b"A=c4n4ry\xff\n")
    team.write({"command": ["cat", "bytes"]})
    assert "is no UTF-8 text" in team.celadon("env", "pull", "staging", "-y", expect=1)


def test_a_command_that_hangs_or_is_missing(team: Team) -> None:
    team.write({"command": ["sh", "-c", "echo A=c4n4ry; sleep 30"], "timeout": "500ms"})
    said = team.celadon("env", "pull", "staging", "-y", expect=1)
    assert "took longer than 0.5 s" in said and "c4n4ry" not in said
    team.write({"command": ["no-such-program"]})
    assert "`no-such-program` is not installed" in team.celadon("env", "pull", "staging", "-y", expect=1)


def test_a_value_that_compose_would_change_is_named(team: Team) -> None:
    (team.folder / "plain").write_text("A=pa$word\nB='pa$word'\nC=pa\\$word\n")
    team.write({"command": ["cat", "plain"]})
    assert "A: Compose takes a $ in the value for a variable" in team.celadon("env", "pull", "staging", "-y")


def test_which_file_is_written(team: Team) -> None:
    source = {"command": ["echo", "A=1"]}
    team.services["api"] = {**SERVICE, "env_file": "config/.env.common"}
    team.write(source)
    team.celadon("env", "pull", "staging", "-y")
    team.services["api"] = {**SERVICE, "env_file": [{"path": "api/${CELADON_ENV}.env", "required": False}]}
    team.write(source)
    said = team.celadon("env", "pull", "staging", "-y", expect=2)
    assert "Several env files bear the name of staging: config/.env.staging, api/staging.env" in said
    assert "x-celadon.secrets.file" in said
    team.write({**source, "file": "api/${CELADON_ENV}.env"})
    team.celadon("env", "pull", "staging", "-y")
    assert (team.folder / "api" / "staging.env").read_text() == "A=1\n"
    team.services = {"api": {**SERVICE, "env_file": "config/.env.common"}}
    team.write(source)
    said = team.celadon("env", "pull", "staging", "-y", expect=2)
    assert "No env file of staging bears its name; services read: config/.env.common" in said


def test_a_folder_in_its_place_is_said(team: Team) -> None:
    team.file().mkdir(parents=True)
    team.write({"command": ["echo", "A=1"]})
    assert "config/.env.staging is no text file" in team.celadon("env", "pull", "staging", "-y", expect=1)


def test_a_link_stays_a_link(team: Team, tmp_path: Path) -> None:
    team.put("A=0\n", "real")
    team.file().symlink_to(team.file("real"))
    team.write({"command": [sys.executable, "-c", "print('A=1')"]})
    team.celadon("env", "pull", "staging", "-y")
    assert team.file().is_symlink() and team.file("real").read_text() == "A=1\n"


def test_nothing_said_where_they_come_from(team: Team) -> None:
    assert "Nothing says where the variables of staging come from" in team.celadon("env", "pull", "staging", expect=2)


def test_what_compose_cannot_put_in_is_told_at_its_place(team: Team) -> None:
    team.environments["staging"]["secrets"] = {"command": ["echo"], "file": "${NOT_SET:?say where}"}
    team.write({"doppler": {"project": "shop", "token": "c4n4ry${"}})
    said = team.celadon("env", "pull", "staging", expect=2)
    assert "compose.yaml:11:15: x-celadon.environments.staging.secrets.file:" in said and "say where" in said
    said = team.celadon("env", "pull", "production", expect=2)
    assert "x-celadon.secrets.doppler.token: " in said and "c4n4ry" not in said


def test_of_a_command_that_fails_no_printed_line_is_shown_however_it_is_broken(team: Team) -> None:
    """A form feed, a lone carriage return and their like end a line for Python, and none for what printed it."""
    marks = "\f", "\v", "\r", "\x1c", "\x85", "\u2028"
    lines = [f"A{n}=c4n4ry{mark}c4n4ry" for n, mark in enumerate(marks)]
    team.write(printing(team, "\n".join([*lines, "B=c4n4ry\r", ""]), 3, "not logged in"))
    said = team.celadon("env", "pull", "staging", "-y", expect=1)
    assert "c4n4ry" not in said and "not logged in" in said


@pytest.mark.parametrize(
    ("mode", "text", "words"),
    [(0o644, "#!/bin/sh\n", "`./source` cannot be started: Permission denied."),
     (0o755, "echo A=1\n", "`./source` cannot be started: Exec format error.")],
)  # fmt: skip
def test_a_command_that_cannot_be_started_is_no_bug(team: Team, mode: int, text: str, words: str) -> None:
    team.write({"command": ["./source"]})
    (team.folder / "source").write_text(text)
    (team.folder / "source").chmod(mode)
    assert words in team.celadon("env", "pull", "staging", "-y", expect=1)


def test_a_word_that_no_process_can_be_given_is_refused_with_its_place(team: Team) -> None:
    team.write({"command": ["echo", "a\0b"]})
    assert "should hold no NUL character" in team.celadon("env", "pull", "staging", "-y", expect=2)


def test_words_of_a_command_do_not_reach_into_the_terminal(team: Team) -> None:
    words = "\033[31mred\033[2K \033]0;title\007 \xe2\x80\xae"
    team.write({"command": ["sh", "-c", f"printf '{words}' >&2; exit 1"]})
    said = team.celadon("env", "pull", "staging", "-y", expect=1)
    assert "red" in said and "title" not in said and not {*said} & {"\x1b", "\x07", "\u202e"}
