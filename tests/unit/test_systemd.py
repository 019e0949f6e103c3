"""The unit: systemd's own quoting, whatever the workspace's folder is called."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from celadon.adapters import systemd
from celadon.app import service
from celadon.app.workspace import open_workspace
from celadon.errors import ConfigError, RefusedError


def test_a_folder_with_any_name_is_quoted() -> None:
    text = systemd.unit("shop", Path('/srv/my "shop" 100% $HOME'), "ann")
    assert '-m celadon -C "/srv/my \\"shop\\" 100%% $$HOME" reconcile' in text
    assert "User=ann" in text and "After=docker.service" in text


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_itself_understands_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "celadon-shop.service"
    file.write_text(systemd.unit("shop", tmp_path, "root"))
    docker = tmp_path / "docker.service"
    docker.write_text("[Service]\nExecStart=/bin/true\n")
    checked = subprocess.run(["systemd-analyze", "verify", docker, file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "folder", ["/srv/a\nExecStartPre=/bin/evil", "/srv/a\rb", "/srv/\u2028b", "/srv/\ud800b", "/a\0b"]
)
def test_a_folder_that_could_write_a_directive_is_refused(folder: str) -> None:
    with pytest.raises(RefusedError, match="control characters"):
        systemd.unit("shop", Path(folder), "ann")


@pytest.mark.parametrize("user", ["ann\nExecStart=/bin/evil", "%h", "a b", "", "-x", "ann\u202e"])
def test_a_user_that_systemd_could_misread_is_refused(user: str) -> None:
    with pytest.raises(RefusedError, match="cannot be used in a systemd unit"):
        systemd.unit("shop", Path("/srv/shop"), user)


@pytest.mark.parametrize("name", ["../../cron.d/x", "a\nb", "Shop", "", "a b", "${NAME}"])
def test_a_unit_is_named_after_a_good_name_only(tmp_path: Path, name: str) -> None:
    environments = {"environments": {"staging": {}}}
    (tmp_path / "compose.yaml").write_text(json.dumps({"name": name, "x-celadon": environments, "services": {}}))
    with pytest.raises((ConfigError, RefusedError)):
        service.unit(open_workspace(tmp_path))


def test_the_folder_of_the_lock_is_made_at_boot() -> None:
    entry = systemd.temporary(Path("/run/lock/celadon"), 0o2770, "docker")
    assert entry == "d /run/lock/celadon 2770 root docker -\n"
