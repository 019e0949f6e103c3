"""All that users read is in the catalogue, and the catalogue is up to date."""

import subprocess
import sys
from pathlib import Path

import celadon.locale

SOURCE = Path(celadon.locale.__file__).parents[1]


def test_the_catalogue_is_up_to_date(tmp_path: Path) -> None:
    fresh = tmp_path / "celadon.pot"
    argv = [str(Path(sys.executable).with_name("pybabel")), "--quiet", "extract", "--no-location", "--omit-header"]
    subprocess.run([*argv, "--sort-output", "-o", str(fresh), str(SOURCE)], check=True)
    assert fresh.read_text() == (SOURCE / "locale" / "celadon.pot").read_text(), "run `make messages`"


def test_a_language_needs_no_code(tmp_path: Path) -> None:
    """A catalogue made for the occasion, in place of the English."""
    folder = tmp_path / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "celadon.po").write_text('msgid "What runs where, in one table."\nmsgstr "Qqq."\n')
    pybabel = str(Path(sys.executable).with_name("pybabel"))
    subprocess.run([pybabel, "--quiet", "compile", "--use-fuzzy", "-D", "celadon", "-d", str(tmp_path)], check=True)
    script = "import gettext; there = gettext.translation; gettext.translation = "
    script += f"lambda domain, folder, **more: there(domain, {str(tmp_path)!r}, **more)"
    code = f"{script}; from celadon.cli.verbs import help_text; print(help_text())"
    done = subprocess.run([sys.executable, "-c", code], env={"CELADON_LANG": "ko"}, capture_output=True, text=True)
    assert "Qqq." in done.stdout, done.stderr
