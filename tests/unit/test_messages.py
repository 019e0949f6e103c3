"""All that users read is in the catalogue, and the catalogue is up to date."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from string import Formatter

from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import celadon.locale

SOURCE = Path(celadon.locale.__file__).parents[1]


def test_the_catalogue_is_up_to_date(tmp_path: Path) -> None:
    fresh = tmp_path / "celadon.pot"
    argv = [str(Path(sys.executable).with_name("pybabel")), "--quiet", "extract", "--no-location", "--omit-header"]
    subprocess.run([*argv, "--sort-output", "-o", str(fresh), str(SOURCE)], check=True)
    assert fresh.read_text() == (SOURCE / "locale" / "celadon.pot").read_text(), "run `make messages`"


def test_the_translations_are_compiled() -> None:
    """The compiled ones are what a wheel carries: people who install it have no tools for catalogues."""
    found = sorted((SOURCE / "locale").glob("*/LC_MESSAGES/celadon.po"))
    assert [file.parts[-3] for file in found] == ["ko"]
    for file in found:
        written, compiled = (
            {m.id: m.string for m in read(name.open("rb")) if m.id}
            for read, name in ((read_po, file), (read_mo, file.with_suffix(".mo")))
        )
        assert compiled == written, "run `make messages`"


def test_a_translation_is_of_a_message_that_is_there_and_keeps_its_placeholders() -> None:
    known = {m.id for m in read_po((SOURCE / "locale" / "celadon.pot").open("rb")) if m.id}
    translated = 0
    for file in (SOURCE / "locale").glob("*/LC_MESSAGES/celadon.po"):
        for message in read_po(file.open("rb")):
            if not message.id:
                continue
            translated += 1
            assert message.id in known, f"{file}: no such message any more: {message.id}"
            singular = message.id if isinstance(message.id, str) else message.id[-1]
            for text in [message.string] if isinstance(message.string, str) else message.string:
                assert placeholders(text) == placeholders(singular), f"{file}: {text}"
    assert translated


def placeholders(text: str) -> Counter[tuple[str, str | None]]:
    return Counter((name, form) for _text, name, form, _conversion in Formatter().parse(text) if name is not None)


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
