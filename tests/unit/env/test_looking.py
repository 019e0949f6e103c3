"""`env diff`, `env check` and `env edit`: names only, and the old file until the new one is good."""

import json

import pytest

from tests.unit.env.team import SERVICE, Team


@pytest.fixture(autouse=True)
def _two_files(team: Team) -> None:
    team.put("SAME=c4n4ry\nOTHER=c4n4ry-1\nEMPTY=\nSTAGING=1\n")
    team.put("SAME=c4n4ry\nOTHER=c4n4ry-2\nEMPTY=x\nPRODUCTION=1\n", "production")


def test_two_environments_are_compared_without_a_value(team: Team) -> None:
    team.services["worker"] = {**SERVICE}
    team.services["db"] = {"image": "postgres:16", "environment": {"PASSWORD": "c4n4ry-${CELADON_ENV}"}}
    team.write()
    said = team.celadon("env", "diff", "staging", "production", "--json")
    rows = [(one["name"], ", ".join(one["services"]), *one["in"].values(), one["same"]) for one in json.loads(said)]
    assert rows == [
        ("PRODUCTION", "web, worker", "missing", "set", None),
        ("STAGING", "web, worker", "set", "missing", None),
        ("EMPTY", "web, worker", "empty", "set", None),
        ("OTHER", "web, worker", "set", "set", False),
        ("PASSWORD", "db", "set", "set", False),
        ("SAME", "web, worker", "set", "set", True),
    ]
    shown = team.celadon("env", "diff", "staging", "production")
    assert "3 variables are not set in both." in shown and "c4n4ry" not in shown + said
    team.put("A=1\n"), team.put("A=2\n", "production")
    assert "Both have the same variables" in team.celadon("env", "diff", "staging", "production")
    assert "there is no env file config/.env.development" in team.celadon(
        "env", "diff", "development", "staging", expect=2
    )


def test_env_files_are_checked_alone(team: Team) -> None:
    said = team.celadon("env", "check")
    assert "env/missing-key" in said and "env/empty-value" in said and "services/" not in said and "routes/" not in said
    assert {one["rule"].split("/")[0] for one in json.loads(team.celadon("env", "check", "--json"))} == {"env"}
    team.put('A="c4n4ry\n')
    assert "c4n4ry" not in team.celadon("env", "check", "staging", expect=1)


def editor(team: Team, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """An editor that does this, and writes down the modes that it saw."""
    program = team.folder / "editor"
    look = f'stat -c \'%a\' "$1" "$(dirname "$1")" > \'{team.folder}/modes\'\n'
    program.write_text(f"#!/bin/sh\n{look}{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"{program}")


def test_what_was_edited_is_taken_over_when_it_is_good(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(team, monkeypatch, "sed -i -e '/EMPTY/d' -e 's/OTHER=.*/OTHER=c4n4ry3/' $1; echo NEW=c4n4ry >> $1")
    said = team.celadon("env", "edit", "staging")
    assert team.file().read_text() == "SAME=c4n4ry\nOTHER=c4n4ry3\nSTAGING=1\nNEW=c4n4ry\n"
    assert team.file().stat().st_mode & 0o777 == 0o600
    assert all(line in said for line in ("!OTHER=…", "+NEW=…", "-EMPTY=…")) and "c4n4ry" not in said
    assert (team.folder / "modes").read_text().split() == ["600", "700"]
    editor(team, monkeypatch, "true")
    assert "nothing changed" in team.celadon("env", "edit", "staging")


def test_a_file_that_is_not_there_yet_is_begun(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(team, monkeypatch, "echo A=1 > $1")
    team.celadon("env", "edit", "development")
    assert team.file("development").read_text() == "A=1\n"
    assert team.file("development").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'B=\"c4n4ry' >> $1", "line 5: B: the quotation is not closed"),
        ("printf '\\377' >> $1", "It is no UTF-8 text."),
        ("echo 'C=${c4n4ry' >> $1", "Compose cannot read it."),
        ("rm $1", "It is no UTF-8 text."),
        ("echo c4n4ry > $1; exit 4", "ended with code 4"),
    ],
)
def test_the_old_file_stays_on_any_failure(
    team: Team, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    before = team.file().read_text()
    editor(team, monkeypatch, script)
    said = team.celadon("env", "edit", "staging", expect=1)
    assert words in said and "c4n4ry" not in said and team.file().read_text() == before


def test_which_file_is_edited(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.services["web"]["env_file"] = ["config/.env.common", "config/.env.${CELADON_ENV}"]
    team.write()
    editor(team, monkeypatch, "echo A=1 > $1")
    team.celadon("env", "edit", "staging", "config/.env.common")
    assert team.file("common").read_text() == "A=1\n"
    assert "Did you mean `config/.env.common`?" in team.celadon("env", "edit", "staging", "config/.env.comon", expect=2)
    monkeypatch.setenv("EDITOR", "vi 'x")
    assert "EDITOR cannot be split" in team.celadon("env", "edit", "staging", expect=2)


def test_without_a_terminal_no_editor_is_guessed(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(variable, raising=False)
    assert "Nobody is at the terminal" in team.celadon("env", "edit", "staging", expect=2)
