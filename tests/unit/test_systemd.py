"""The unit: systemd's own quoting, whatever the workspace's folder is called."""

import shutil
import subprocess
from pathlib import Path

import pytest

from celadon.adapters import systemd


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
