"""A real user who may deploy to staging, and to nothing else: the program that sudo runs, called as sudo calls it.

sudo itself is not needed: it resets the variables, sets SUDO_UID, and runs the program as the workspace's owner.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attack.local_user import AS_ROOT
from tests.e2e.workspace import Ran, Workspace, run


@dataclass(frozen=True)
class Deployer:
    """A user of this host, in a group of the same name, and the program that sudo would let them run."""

    name: str
    uid: int
    program: Path

    def runs(self, *words: str, uid: int | None = None, **variables: str) -> Ran:
        """The program, as sudo runs it. `variables` are what the caller got past sudo somehow."""
        done = subprocess.run(
            [*AS_ROOT, "env", "-i", "PATH=/usr/bin:/bin", f"SUDO_UID={uid or self.uid}", f"SUDO_USER={self.name}",
             *(f"{name}={value}" for name, value in variables.items()), str(self.program), *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, cwd="/",
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def carol(shop: Workspace, tmp_path: Path) -> Iterator[Deployer]:
    name = f"celadon{secrets.token_hex(3)}"
    run([*AS_ROOT, "useradd", "--user-group", "--no-create-home", "--shell", "/bin/sh", name])
    try:
        shop.staging_only["deployers"] = name
        shop.write()
        printed = shop.celadon("install-rights", "--print").out
        program = tmp_path / "program"
        program.write_text(printed[printed.index("#!") :])
        program.chmod(0o755)
        assert f"%{name} ALL = (root) NOPASSWD: NOSETENV: /usr/local/lib/celadon/{shop.name}/staging\n" in printed
        yield Deployer(name, int(run(["id", "-u", name])), program)
    finally:
        run([*AS_ROOT, "userdel", name])


def test_a_deployer_of_staging_reaches_staging_only(shop: Workspace, carol: Deployer, tmp_path: Path) -> None:
    done = carol.runs("deploy", "staging")
    assert done.code == 0, done.err
    deployment = shop.celadon("history", "--json").json[0]
    assert (deployment["verb"], deployment["by"]) == ("deploy", carol.name)
    asked = next(one for one in shop.celadon("audit", "--json").json if one["event"] == "asked")
    assert (asked["user"], asked["sudo"], asked["uid"]) == ("root", carol.name, os.geteuid())
    assert shop.version("/shop") == "1"
    status = carol.runs("status", SSH_ORIGINAL_COMMAND="exec staging shop sh")  # words go before what SSH was asked for
    assert shop.unique("shop") in status.out and "production" not in status.out
    assert carol.runs("attach", "1").code == 0
    assert carol.name in carol.runs(SSH_ORIGINAL_COMMAND="history").out

    shop.celadon("up", "production", "-y")
    before = shop.celadon("history", "production", "--json").json
    assert [deployment["id"] for deployment in before] == [2]
    proof = tmp_path / "proof"
    for words in (["deploy", "production"], ["rollback", "production"], ["cancel", "2"], ["attach", "2"],
                  ["history", "--show", "2"], ["logs", "production", shop.unique("shop")], ["env", "edit", "staging"],
                  ["exec", "staging", shop.unique("shop"), "--", "sh"], ["-C", "/", "status"]):  # fmt: skip
        refused = carol.runs(*words, EDITOR=f"touch {proof}", SSH_ORIGINAL_COMMAND="status")
        assert refused.code in (1, 2) and refused.err.startswith("error: "), (words, refused)
    assert shop.celadon("history", "production", "--json").json == before and not proof.exists()
    assert "Only members of the group" in carol.runs("status", uid=1).err  # daemon, with a rule that is too wide


def test_nothing_of_the_callers_process_counts(shop: Workspace, carol: Deployer, tmp_path: Path) -> None:
    """As if sudo let all variables pass: none names a file, a program or an engine for the owner's process."""
    hostile = tmp_path / "hostile"
    (hostile / "LC_MESSAGES").mkdir(parents=True)
    (hostile / "LC_MESSAGES" / "celadon.mo").write_bytes(b"not a catalogue")  # read, it would end as an error
    (hostile / "click.py").write_text(f"open({str(tmp_path / 'proof')!r}, 'w')")
    (hostile / "docker").write_text(f"#!/bin/sh\ntouch {tmp_path / 'proof'}\n")
    (hostile / "docker").chmod(0o755)
    variables = {name: str(hostile) for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "HOME", "XDG_CACHE_HOME",
                                                 "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "TMPDIR")}  # fmt: skip
    variables |= {
        "PYTHONSTARTUP": str(hostile / "click.py"), "PYTHONINSPECT": "1", "DOCKER_HOST": "unix:///nowhere",
        "LANGUAGE": f"../../../../../../../../../../{hostile}", "PAGER": str(hostile / "docker"),
        "GIT_SSH_COMMAND": str(hostile / "docker"), "COMPOSE_FILE": "/dev/null", "TERM": "../../x",
    }  # fmt: skip
    looked = carol.runs("status", **variables, COLUMNS="200")
    assert looked.code == 0 and shop.unique("shop") in looked.out, looked.err
    assert not (tmp_path / "proof").exists()

    compose = shop.folder / "compose.yaml"
    compose.chmod(0o666)  # who may write the file could let it say anything
    assert "could change what runs" in carol.runs("status").err
    compose.chmod(0o644)
    run([*AS_ROOT, "usermod", "--lock", "--gid", "nogroup", carol.name])  # no longer a member
    assert "Only members of the group" in carol.runs("deploy", "staging").err
