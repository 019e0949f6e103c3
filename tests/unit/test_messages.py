"""All that users read is in the catalogue, and the catalogue is up to date."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import celadon.locale

LOCALE = Path(celadon.locale.__file__).parent
SOURCE = LOCALE.parent


@pytest.mark.parametrize(("domain", "source"), [("celadon", SOURCE), ("click", Path(click.__file__).parent)])
def test_the_catalogue_is_up_to_date(tmp_path: Path, domain: str, source: Path) -> None:
    """Ours, and what click says itself: of click as it is locked."""
    fresh = tmp_path / "fresh.pot"
    argv = [str(Path(sys.executable).with_name("pybabel")), "--quiet", "extract", "--no-location", "--omit-header"]
    subprocess.run([*argv, "--sort-output", "-o", str(fresh), str(source)], check=True)
    assert fresh.read_text() == (LOCALE / f"{domain}.pot").read_text(), "run `make messages`"


def test_no_message_stands_inside_an_f_string() -> None:
    """There the catalogue's tool does not always see it, and nobody translates it."""
    for file in SOURCE.rglob("*.py"):
        for outer in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for call in ast.walk(outer) if isinstance(outer, ast.JoinedStr) else ():
                asks = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
                assert not (asks and call.func.id in ("_", "ngettext")), f"{file}:{outer.lineno}"


@pytest.mark.parametrize("domain", ["celadon", "click"])
def test_the_translations_are_compiled(domain: str) -> None:
    """The compiled ones are what a wheel carries: people who install it have no tools for catalogues."""
    for file in translations(domain):
        written, compiled = (
            {one(message): texts(message) for message in read(name.open("rb")) if message.id}
            for read, name in ((read_po, file), (read_mo, file.with_suffix(".mo")))
        )
        assert compiled == written, "run `make messages`"


@pytest.mark.parametrize("domain", ["celadon", "click"])
def test_every_message_is_translated_and_keeps_its_placeholders(domain: str) -> None:
    known = {message.id for message in read_po((LOCALE / f"{domain}.pot").open("rb")) if message.id}
    for file in translations(domain):
        catalogue = read_po(file.open("rb"))
        assert {message.id for message in catalogue if message.id} == known, "run `make messages`, then translate"
        for message in catalogue:
            for text in texts(message) if message.id else ():
                assert text and not message.fuzzy, f"{file}: no translation of {message.id}"
                assert placeholders(text) == placeholders(last(message)), f"{file}: {text}"
                assert edges(text) == edges(last(message)), f"{file}: {text}"


def translations(domain: str) -> list[Path]:
    found = sorted(LOCALE.glob(f"*/LC_MESSAGES/{domain}.po"))
    assert [file.parts[-3] for file in found] == ["ko"]
    return found


def last(message: Message) -> str:
    """What the source says, of a message that counts the form for many: it has the placeholders of all."""
    return message.id if isinstance(message.id, str) else message.id[-1]


def one(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def texts(message: Message) -> tuple[str, ...]:
    """The translation; of a message that counts, one text for each form of the language."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def placeholders(text: str) -> Counter[str]:
    """Those of str.format with their forms, and those of %."""
    return Counter(re.findall(r"\{\w+(?:![rs])?(?::[^{}]*)?\}|%\(\w+\)[a-z]", text))


def edges(text: str) -> tuple[bool, bool]:
    """Whether white space stands before and behind it: what is put beside it relies on that."""
    return text[:1].isspace(), text[-1:].isspace()


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


TOLD = ("Problem", "Finding", "CeladonError", "UsageError", "ConfigError", "RefusedError", "EngineError", "BuildError")


def test_no_error_or_finding_is_told_in_bare_english() -> None:
    """Sentences in what makes one go through `_`; commands to type belong to no language."""
    calls = [
        (file, call)
        for file in sorted(SOURCE.rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id in TOLD or (call.func.id == "Rule" and file.parent.name == "check")
    ]
    bare = [f"{file}:{call.lineno}: {text}" for file, call in calls for text in plain(call) if is_sentence(text)]
    assert len(calls) > 200 and bare == []
    assert [*filter(is_sentence, plain(ast.parse('Problem(_("is it so"), f"{a} is not so")').body[0].value))]  # type: ignore


def plain(call: ast.Call) -> list[str]:
    """The texts among the arguments of a call that nothing translates."""
    given = [*call.args, *(word.value for word in call.keywords)]
    parts = [part for one in given for part in (one.values if isinstance(one, ast.JoinedStr) else [one])]
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def is_sentence(text: str) -> bool:
    return "celadon " not in text and bool(re.search("[a-z]{2,} [a-z]{2,} [a-z]{2,}", text))
