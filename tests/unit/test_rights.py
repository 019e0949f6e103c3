"""Rights for one environment: what the members of a group may ask for, and what sudo is told."""

import grp
import os
import pwd
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from celadon.adapters import sudo
from celadon.adapters.sudo import Grant
from celadon.app import rights
from celadon.cli import restricted
from celadon.cli.restricted_environment import READ
from celadon.errors import CeladonError, RefusedError

COMPOSE = """
name: shop
x-celadon:
  environments:
    staging: {listen: [4400], url: "http://shop.example:4400", deployers: DEPLOYERS}
    production: {listen: [80], url: "http://shop.example", from: staging}
services: {web: {image: "nginx:1.30", x-celadon: {port: 80}}}
"""
ME = pwd.getpwuid(os.geteuid())
GROUP = grp.getgrgid(ME.pw_gid).gr_name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The caller is a member of the group, as far as this test asks; what else a group could do, others ask."""
    (tmp_path / "compose.yaml").write_text(COMPOSE.replace("DEPLOYERS", GROUP))
    (tmp_path / ".celadon").mkdir(mode=0o700)
    monkeypatch.setenv("SUDO_UID", str(ME.pw_uid))
    monkeypatch.setattr(rights, "refuse_more", lambda *_: None)
    monkeypatch.delenv(READ, raising=False)
    return tmp_path


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["program", *words])
    return restricted.allowed(folder, "staging", GROUP)


@pytest.mark.parametrize(
    ("words", "run"),
    [
        ("deploy staging", "deploy staging"), ("celadon deploy staging", "deploy staging"),
        ("deploy staging web --ref main --detach", "deploy staging web --ref main --detach"),
        ("deploy --force -- staging", "deploy --force -- staging"), ("build staging --json", "build staging --json"),
        ("status", "status staging"), ("status staging", "status staging"), ("status --json", "status --json staging"),
        ("history", "history staging"), ("history -n 3", "history -n 3 staging"), ("releases", "releases staging"),
        ("plan deploy staging web", "plan deploy staging web"), ("rollback staging --to x", "rollback staging --to x"),
        ("logs staging web -n all", "logs staging web -n all"), ("plan rollback staging", "plan rollback staging"),
    ],
)  # fmt: skip
def test_what_is_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch, words: str, run: str) -> None:
    assert asked(folder, monkeypatch, *words.split()) == run.split()
    monkeypatch.setenv(READ, words)  # the same, over SSH
    assert asked(folder, monkeypatch) == run.split() and READ not in os.environ


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "production"], ["deploy", "production", "--", "staging"], ["plan", "deploy", "production"],
        ["status", "production"], ["history", "production"], ["releases", "production"], ["logs", "production", "web"],
        ["rollback", "production"], ["promote"], ["plan", "promote"], ["plan"], ["exec", "staging", "web", "sh"],
        ["env", "run", "staging", "web", "sh"], ["env", "edit", "staging"], ["env", "diff", "staging", "production"],
        ["env"], ["up", "staging"], ["down", "staging"], ["down", "staging", "--volumes"], ["cleanup"], ["reconcile"],
        ["drill", "rollback", "staging"], ["check"], ["audit"], ["diagnose"], ["docs"], ["notify", "staging"],
        ["install-rights"], ["install-service"], ["init"], ["import", "x"], ["completion", "bash"], [],
        ["-C", "/srv/other", "deploy", "staging"], ["-C/srv/other", "deploy", "staging"], ["--version"],
        ["--", "deploy"],
        ["deploy", "-C", "/srv/other", "staging"], ["deploy", "staging", "--file", "x"], ["deploy"],
        ["deploy", "staging", "--strategy", "replace"], ["deploy", "staging", "--ref", "--upload-pack=x"],
        ["deploy", "staging", "--ref=-x"], ["deploy", "staging", "--ref", "a b"], ["deploy", "staging", "we\nb"],
        ["deploy", "staging", "\u202e"], ["deploy", "staging", "x" * 5000], ["deploy", "staging\0"],
        ["rollback", "staging", "--strategy", "replace"], ["attach"], ["attach", "1"], ["cancel", "1"],
        ["history", "--show", "1"], ["history", "staging", "--show", "1"], ["Deploy", "staging"],
    ],
    ids=lambda words: " ".join(words)[:40].encode("unicode_escape").decode(),
)  # fmt: skip
def test_everything_else_is_refused_in_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(CeladonError) as caught:
        asked(folder, monkeypatch, *words)
    assert caught.value.message and caught.value.exit_code in (1, 2)
    with pytest.raises(SystemExit) as left:
        restricted.main(str(folder), "staging", GROUP)
    assert left.value.code in (1, 2) and "error:" in capsys.readouterr().err
    assert '"event":"refused"' in (folder / ".celadon" / "audit.jsonl").read_text()


def test_the_workspace_of_a_folder_above_is_not_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = folder / "below"
    below.mkdir()
    with pytest.raises(CeladonError, match=f"no compose.yaml in {below}"):
        asked(below, monkeypatch, "deploy", "staging")


@pytest.mark.parametrize("command", ["deploy 'staging", "deploy staging; sh", "sh -c 'deploy staging'", "", "\n"])
def test_no_shell_reads_what_ssh_was_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv(READ, "deploy staging '$(sh)' `sh`")  # names of services that are not there
    assert asked(folder, monkeypatch) == ["deploy", "staging", "$(sh)", "`sh`"]
    monkeypatch.setenv(READ, command)
    with pytest.raises(CeladonError):
        asked(folder, monkeypatch)


def test_who_calls_is_asked_of_the_system(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for caller in ("", "1"):
        monkeypatch.setenv("SUDO_UID", caller)
        with pytest.raises(RefusedError):
            asked(folder, monkeypatch, "status")


@pytest.mark.parametrize("limit", ["FSIZE, (4096, 4096)", "CPU, (5, 9)", "AS, (1 << 33, 1 << 33)", "NOFILE, (99, 99)"])
def test_a_callers_limits_neither_keep_the_log_short_nor_kill_a_deployment(folder: Path, limit: str) -> None:
    code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_{limit})
from pathlib import Path
from celadon.app import rights
from celadon.cli import restricted
rights.refuse_more = lambda *_: None
sys.argv = ["program", "status"]
print(restricted.allowed(Path({str(folder)!r}), "staging", {GROUP!r}))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 1 and "Your shell limits what programs may use" in ran.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY  # here


def test_ctrl_z_does_not_stop_the_program(folder: Path) -> None:
    """The terminal sends SIGTSTP. Stopped while it heals, the program would keep the host's lock."""
    code = """
import os, signal
from celadon.cli import restricted_environment
restricted_environment.clean()
for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
    os.kill(os.getpid(), number)
print("went on")
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert ran.stdout == "went on\n", ran.stderr


def test_a_group_that_could_do_more_is_refused(tmp_path: Path) -> None:
    gid = pwd.getpwnam("daemon").pw_gid
    with pytest.raises(RefusedError, match="does not exist on this host"):
        rights.refuse_more("no-such-group", tmp_path)
    with pytest.raises(RefusedError, match="are root"):
        rights.refuse_more("root", tmp_path)
    rights.refuse_more("daemon", tmp_path)
    for mode in (0o777, 0o602):
        file = tmp_path / f"file{mode}"
        file.touch()
        file.chmod(mode)
        with pytest.raises(RefusedError, match="could change what runs"):
            rights.refuse_more("daemon", tmp_path, file)
    assert gid != os.getgid()


def test_what_is_installed_follows_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sudo is not installed, a program that says yes or no stands for visudo."""
    rules, programs, sbin = tmp_path / "sudoers.d", tmp_path / "programs", tmp_path / "sbin"
    monkeypatch.setattr(sudo, "RULES", rules)
    monkeypatch.setattr(sudo, "PROGRAMS", programs)
    monkeypatch.setenv("PATH", str(sbin), prepend=os.pathsep)
    several = [Grant(name, "shop-staging", "ann", f"#!{name}\n") for name in ("staging", "qa")]
    with pytest.raises(RefusedError, match="sudo is not installed"):
        sudo.install("shop", several)
    rules.mkdir()
    sbin.mkdir()
    (sbin / "visudo").write_text("#!/bin/sh\nexit 1\n")
    (sbin / "visudo").chmod(0o755)
    with pytest.raises(RefusedError, match="sudo rejected"):
        sudo.install("shop", several)
    assert not programs.exists() and not list(rules.iterdir())
    (sbin / "visudo").write_text("#!/bin/sh\nexit 0\n")
    file = rules / "celadon-shop"
    staging, qa = programs / "shop" / "staging", programs / "shop" / "qa"
    old = os.umask(0o077)
    try:
        assert sudo.install("shop", several) == [file, staging, qa]
    finally:
        os.umask(old)
    assert [one.stat().st_mode & 0o7777 for one in (file, staging, staging.parent)] == [0o440, 0o755, 0o755]
    assert sudo.install("shop", several[1:]) == [file, qa] and not staging.exists()
    assert "staging env_reset" not in file.read_text()
    assert sudo.install("shop", []) == [] and not file.exists() and not qa.exists()


def test_the_rules_are_text_that_sudo_takes(tmp_path: Path) -> None:
    text = sudo.rules("shop", [Grant("staging", "shop-staging", "ann", "")])
    assert text.splitlines()[1:] == [
        'Defaults!/usr/local/lib/celadon/shop/staging env_reset, !setenv, env_keep += "SSH_ORIGINAL_COMMAND"',
        "%shop-staging ALL = (ann) NOPASSWD: NOSETENV: /usr/local/lib/celadon/shop/staging",
    ]
    for user in ("ann, root", "ALL", "#0", "a\nb", "", "%x"):
        with pytest.raises(RefusedError):
            sudo.rules("shop", [Grant("staging", "shop-staging", user, "")])
    if visudo := shutil.which("visudo"):
        (tmp_path / "rules").write_text(text)
        subprocess.run([visudo, "--check", "--strict", "--file", tmp_path / "rules"], check=True)
