"""Another user of the host plants files where root, or a team, will look: they are refused, and nothing is run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from celadon.state import audit_log
from celadon.state.private import PREFIX
from tests.attack.local_user import Host, Ran, host, reachable

COMPOSE = """
name: shop
x-celadon:
  environments: {staging: {listen: [4400], url: "http://shop.example:4400", secrets: {command: [touch, PROOF]}}}
services: {web: {image: "nginx:1.30", env_file: [.env.staging], x-celadon: {}}}
"""
NAMES = '{"name": "evil", "file": "compose.yaml", "environments": ["staging"], "services": []}'
PLACES = """
import sys
from pathlib import Path
from celadon.config.ownership import read_own
from celadon.state import caps
from celadon.state.private import private_folder
for name in ("fifo", "file"):
    try:
        print("read", read_own(Path(sys.argv[1]) / name, 100))
    except ValueError:
        pass
with private_folder() as folder:
    print(folder, caps.file())
"""


@pytest.fixture
def machine() -> Iterator[Host]:
    with host() as made:
        yield made


@pytest.fixture
def common() -> Iterator[Path]:
    """A folder that every user may write to, as /tmp is."""
    with reachable() as folder:
        folder.chmod(0o1777)
        yield folder


def planted(machine: Host, file: Path, text: str) -> None:
    assert (
        machine.nobody("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', "sh", str(file), text).code
        == 0
    )


def celadon(machine: Host, folder: Path, *words: str) -> Ran:
    return machine.root(sys.executable, "-m", "celadon", "-C", str(folder), *words)


def test_a_compose_file_of_another_user_is_not_found_on_the_way_up(machine: Host, common: Path) -> None:
    mine, proof = common / "mine", common / "proof"
    mine.mkdir()
    planted(machine, common / ".celadon" / "names.json", NAMES)
    assert "There is no compose.yaml in" in celadon(machine, mine, "history").words  # nor what was kept of one
    planted(machine, common / "compose.yaml", COMPOSE.replace("PROOF", str(proof)))
    for folder in (mine, common):
        pulled = celadon(machine, folder, "env", "pull", "staging", "-y")
        assert pulled.code == 1 and "compose.yaml is owned by nobody; Celadon does not use" in pulled.words
    assert not proof.exists()
    theirs = common / "theirs"  # but who says that it is there that he wants to work is believed
    planted(machine, theirs / "compose.yaml", COMPOSE)
    assert celadon(machine, theirs, "history").code == 0


def test_a_record_of_another_user_is_not_opened(machine: Host, common: Path) -> None:
    (common / "compose.yaml").write_text(COMPOSE)
    kept = common / ".celadon"
    planted(machine, kept / "names.json", NAMES)
    refused = celadon(machine, common, "status")
    assert refused.code == 1 and f"{kept} is owned by nobody" in refused.words and not (kept / "state.db").exists()
    assert machine.root("rm", "-r", str(kept)).code == 0
    assert machine.nobody("ln", "-s", "/etc", str(kept)).code == 0  # to what is root's
    assert f"{kept} is owned by nobody" in celadon(machine, common, "status").words
    assert machine.root("sh", "-c", f"rm {kept} && mkdir -m 777 {kept}").code == 0
    refused = celadon(machine, common, "status")
    assert refused.code == 1 and f"Other users can write to {kept} (mode 0777)" in refused.words
    assert machine.root("chmod", "-R", "go-rwx", str(kept)).code == 0  # as it says
    assert celadon(machine, common, "history").code == 0


def test_folders_of_the_caller_that_sudo_kept_hold_no_secrets(machine: Host, common: Path) -> None:
    theirs = common / "theirs"
    planted(machine, theirs / "file", "group")
    assert machine.nobody("mkfifo", "-m", "666", str(theirs / "fifo")).code == 0
    environment = (f"HOME={theirs}", f"XDG_RUNTIME_DIR={theirs}", f"TMPDIR={theirs}")
    ran = machine.root("env", "-u", "XDG_CACHE_HOME", *environment, sys.executable, "-c", PLACES, str(theirs))
    assert ran.code == 0 and ran.seconds < 20, ran.said
    assert str(theirs) not in ran.said and ran.said.startswith(f"{gettempdir()}/{PREFIX}"), ran.said


def test_a_home_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    """`sudo -u deploy` may keep HOME=/root, which that user cannot even look into."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    code = """
import os, pwd
from celadon.state import caps
os.setuid(pwd.getpwnam("nobody").pw_uid)
caps.remember("28", "group")
print(caps.file())
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"HOME": str(home)})
    assert ran.returncode == 0 and str(home) not in ran.stdout, ran.stderr


def test_the_owner_of_a_workspace_keeps_the_audit_log_that_root_began(tmp_path: Path) -> None:
    folder = tmp_path / ".celadon"
    folder.mkdir()
    os.chown(folder, 1, 1)
    said = {"event": "asked", "verb": "deploy"}
    assert audit_log.append(folder / "audit.jsonl", said) == 1
    found = (folder / "audit.jsonl").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1, 1, 0o600)
