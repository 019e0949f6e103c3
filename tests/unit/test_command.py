"""The command itself, as a shell starts it."""

import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-m", "celadon", "status")


def test_a_folder_that_is_gone_is_said_and_is_no_bug(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    done = subprocess.run(["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *COMMAND], cwd=here, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 2 and "The folder that you are in is no longer there." in done.stderr
