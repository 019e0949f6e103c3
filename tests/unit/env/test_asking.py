"""What is asked on a terminal: a real one, with somebody at it."""

import os
import pty
import subprocess
import sys

import pytest

from tests.unit.env.team import Team


def typed(team: Team, *words: str, says: str) -> tuple[int, str]:
    """Run a verb on a terminal where somebody types `says`; its code, and all that the terminal showed."""
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "celadon", *words]
    done = subprocess.Popen(argv, cwd=team.folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    os.write(ours, says.encode())
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    return done.wait(30), shown.decode()


def test_a_pull_asks_before_it_writes(team: Team) -> None:
    team.write({"command": ["echo", "A=c4n4ry"]})
    code, shown = typed(team, "env", "pull", "staging", says="n\n")
    assert code == 130 and "Write config/.env.staging?" in shown and not team.file().exists()
    code, shown = typed(team, "env", "pull", "staging", says="y\n")
    assert code == 0 and "c4n4ry" not in shown and team.file().read_text() == "A=c4n4ry\n"


@pytest.mark.parametrize(("says", "code", "text"), [("y\n", 0, "A=good\n"), ("n\n", 1, "A=old\n")])
def test_what_compose_cannot_read_may_be_edited_again(
    team: Team, monkeypatch: pytest.MonkeyPatch, says: str, code: int, text: str
) -> None:
    team.put("A=old\n")
    program = team.folder / "editor"
    program.write_text("#!/bin/sh\nif grep -q old $1; then echo 'A=\"c4n4ry' > $1; else echo A=good > $1; fi\n")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))
    ended, shown = typed(team, "env", "edit", "staging", says=says)
    assert "line 1: A: the quotation is not closed" in shown and "Edit again?" in shown and "c4n4ry" not in shown
    assert (ended, team.file().read_text()) == (code, text)


def test_what_somebody_else_wrote_meanwhile_is_not_lost_unasked(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.put("A=old\n")
    program = team.folder / "editor"
    program.write_text(f"#!/bin/sh\necho B=1 >> $1; echo C=1 >> {team.file()}\n")
    program.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(program))
    code, shown = typed(team, "env", "edit", "staging", says="n\n")
    assert code == 130 and "changed by somebody else" in shown and team.file().read_text() == "A=old\nC=1\n"
