"""Another user of the host against the lock that all deployments share: nothing of theirs is read or followed."""

import grp
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.local_user import AS_ROOT, Host, Ran, host, reachable
from tests.e2e.workspace import Workspace

LOCK = "/run/lock/celadon"
MEMORY = 1 << 30  # bytes: a third of what was planted; the kernel counts what the tests had when they forked
# Takes the lock as another user, and says what became of it. What it imports is loaded before it lets go of root.
AS_USER = """
import os, sys
from celadon.errors import CeladonError
from celadon.run import lock
from celadon.run.lock_holder import Holder
import encodings.idna
uid, groups = int(sys.argv[1]), [int(word) for word in sys.argv[2].split()]
os.setgroups(groups); os.setresgid(65534, 65534, 65534); os.setresuid(uid, uid, uid)
try:
    with lock.held(Holder(os.getpid(), "ann", "shop", "deploy", "t"), 5, lambda *_: None):
        print("held", lock.holder().user)
except CeladonError as problem:
    print(problem.message, problem.hint)
"""


@pytest.fixture
def machine() -> Iterator[Host]:
    with host() as made:
        yield made


def take(machine: Host, uid: int, groups: str, engine: str = "unix:///var/run/docker.sock") -> Ran:
    """A user of these groups takes the lock."""
    return machine.root("env", f"DOCKER_HOST={engine}", sys.executable, "-c", AS_USER, str(uid), groups)


def refused(machine: Host, words: str) -> Ran:
    """Root is refused in words, soon and in little memory."""
    ran = take(machine, 0, "")
    assert ran.code == 0 and words in ran.words, ran.said
    assert ran.memory < MEMORY and ran.seconds < 20, ran
    return ran


def test_what_another_user_puts_in_the_place_of_the_lock_is_refused(
    machine: Host, shop: Workspace, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "00000000000000000001-1").touch()  # looks like the ticket of a dead process
    assert machine.nobody("mkfifo", "-m", "666", LOCK).code == 0
    acted = machine.root(*shop.argv("reconcile"))
    assert acted.code == 1 and f"{LOCK} was not created by Celadon" in acted.words and acted.memory < MEMORY, acted
    looked = machine.root(*shop.argv("status"))  # who only looks sees everything else
    assert looked.code == 0 and shop.unique("shop") in looked.said and looked.memory < MEMORY, looked
    assert f"lock: unusable. The host's lock cannot be used: {LOCK} was not created by Celadon" in looked.words
    machine.fixed(looked)
    for squat in (
        f"ln -s {victim} {LOCK}",
        f"mkfifo -m 666 {LOCK}",
        f"mkdir -m 777 {LOCK} && cd {LOCK} && truncate -s 3G lock && chmod 666 lock",
        f"mkdir -m 700 {LOCK}",
    ):
        assert machine.nobody("sh", "-c", squat).code == 0, squat
        machine.fixed(ran := refused(machine, f"{LOCK} was not created by Celadon"))
        assert "owned by nobody:nogroup" in ran.words
    assert [file.name for file in victim.iterdir()] == ["00000000000000000001-1"]

    assert machine.root(*shop.argv("reconcile")).code == 0
    group = grp.getgrgid(Path("/var/run/docker.sock").stat().st_gid).gr_name
    assert machine.root("stat", "-c", "%U:%G %a", LOCK, f"{LOCK}/lock").said == f"root:{group} 2770\nroot:{group} 660\n"
    for attempt in (f"ls {LOCK}", f"flock -n {LOCK}/lock true", f"touch {LOCK}/00000000000000000001-1", f"rm -r {LOCK}",
                    f"mv {LOCK} {LOCK}.old", f"ln {LOCK}/lock /run/lock/mine"):  # fmt: skip
        assert "not permitted" in (said := machine.nobody("sh", "-c", attempt).said) or "denied" in said, attempt


def test_what_was_planted_in_a_folder_that_became_celadons_is_not_read(machine: Host, tmp_path: Path) -> None:
    """systemd-tmpfiles gives an existing folder the right owner, and leaves what is in it."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    tickets = " ".join(f"0000000000000000000{n}-1" for n in range(1, 4))
    planted = f"""mkdir -m 777 {LOCK} && cd {LOCK} && set -- {tickets} && mkfifo -m 666 $1 && ln -s {victim} $2 &&
        truncate -s 3G $3 && touch "$(printf '0000000000000000000\\n\\033[2J-1')" && chmod 666 $3"""
    assert machine.nobody("sh", "-c", planted).code == 0
    group = str(Path("/var/run/docker.sock").stat().st_gid)
    for what in (
        f"truncate -s 3G {LOCK}/lock",
        f"mkfifo {LOCK}/lock",
        f"ln -s {victim} {LOCK}/lock",
        f"touch {LOCK}/lock && chmod 660 {LOCK}/lock",
    ):
        assert machine.root("chmod", "g-s,a=rwx", LOCK).code == 0
        assert machine.nobody("sh", "-c", what).code == 0
        assert machine.root("sh", "-c", f"chown root:{group} {LOCK} && chmod 2770 {LOCK}").code == 0
        machine.fixed(refused(machine, f"{LOCK}/lock was not created by Celadon"))
    assert machine.root("sh", "-c", f"cp {victim} {LOCK}/lock && ln {LOCK}/lock {LOCK}/other").code == 0
    machine.fixed(refused(machine, f"{LOCK}/lock was not created by Celadon (not a regular file, or hard-linked)"))
    refused(machine, "held ann")  # nobody waits with these tickets, and they are not touched
    assert victim.read_text() == "precious" and machine.root("ls", LOCK).said.count("0000000000000000000") == 4


def test_members_of_the_engines_group_share_the_lock_without_root(machine: Host) -> None:
    docker = Path("/var/run/docker.sock").stat().st_gid
    group = grp.getgrgid(docker).gr_name
    assert "sudo install -d -m 2770 -o root" in take(machine, 1236, "").words  # who may not, cannot make it either
    assert take(machine, 1234, f"{docker}").said == "held ann\n"
    assert machine.root("stat", "-c", "%u:%g %a", LOCK).said == f"1234:{docker} 2770\n"
    for uid in (1235, 0):
        assert take(machine, uid, f"65534 {docker}").said == "held ann\n"
    assert f"is restricted to the group {group}. Add yourself to the group" in take(machine, 1236, "").words


def test_a_rootless_engine_has_a_lock_of_its_own(machine: Host) -> None:
    with reachable() as folder, socket.socket(socket.AF_UNIX) as listener:
        place = folder / "run-user"
        place.mkdir(mode=0o700)
        listener.bind(str(place / "docker.sock"))
        subprocess.run([*AS_ROOT, "chown", "-R", "1234:1234", str(place)], check=True)
        assert take(machine, 1234, "1234", f"unix://{place}/docker.sock").said == "held ann\n"
        assert machine.root("stat", "-c", "%u %a", f"{place}/celadon").said == "1234 2770\n"
