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


def test_who_looks_waits_for_nothing_that_only_acting_needs() -> None:
    """What a module costs to import, everybody pays who types `celadon status`."""
    code = "import sys, celadon.cli.status; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = ("pydantic", "apprise", "jinja2", "rich", "shutil", "statistics", "concurrent.futures", "celadon.check")
    assert not {*heavy} & {*loaded}


def test_a_program_that_a_signal_ends_has_the_code_that_a_shell_gives_it() -> None:
    assert [process.attach(["sh", "-c", f"kill -{signal} $$"]) for signal in ("PIPE", "TERM")] == [141, 143]
    assert process.attach(["sh", "-c", "exit 7"]) == 7


def test_a_number_that_nobody_can_count_to_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("{name: shop, x-celadon: {environments: {staging: {}}}, services: {}}")
    command = [sys.executable, "-m", "celadon", "-C", str(tmp_path), "history", "-n", "9" * 20]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
