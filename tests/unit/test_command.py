"""The command itself, as a shell starts it."""

import subprocess
import sys
from pathlib import Path

from celadon.adapters import process

COMMAND = (sys.executable, "-m", "celadon", "status")


def test_a_folder_that_is_gone_is_said_and_is_no_bug(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    done = subprocess.run(["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *COMMAND], cwd=here, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 2 and "The folder that you are in is no longer there." in done.stderr


def test_a_program_that_a_signal_ends_has_the_code_that_a_shell_gives_it() -> None:
    assert [process.attach(["sh", "-c", f"kill -{signal} $$"]) for signal in ("PIPE", "TERM")] == [141, 143]
    assert process.attach(["sh", "-c", "exit 7"]) == 7
