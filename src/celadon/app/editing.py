"""Editing an env file on a private copy: what is there stays until the new one is whole and Compose can read it."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from celadon.adapters import compose, process
from celadon.app.configs import interpolated
from celadon.app.pulling import named, refuse_unsafe
from celadon.config import dotenv, parts
from celadon.errors import CeladonError, CommandError, UsageError
from celadon.locale import _

USUAL = ("sensible-editor", "nano", "vi")


def file_of(folder: Path, environment: str, name: str | None) -> Path:
    """The env file that is meant: the one that is named, or the one that bears the environment's name."""
    raw, known = named(folder, environment)
    if name is not None:
        file = parts.chosen_file(raw, known, name, interpolated)
    else:
        file = parts.own_file(raw, known, interpolated, hint=f"celadon env edit {known} FILE")
    refuse_unsafe(raw, file)
    return file


def copied(file: Path, folder: Path) -> Path:
    """A copy in the private `folder`; empty where there is no such file yet."""
    copy = folder / "copy.env"
    copy.touch(mode=0o600)
    if file.exists():
        copy.write_bytes(file.read_bytes())
    return copy


def open_editor(copy: Path) -> None:
    """Let the operator's own editor have it, until it is closed. Raises CeladonError when that ended badly."""
    words = _editor()
    code = process.attach([*words, str(copy)])
    if code:
        raise CeladonError(
            _("`{editor}` ended with code {code}; the file stays as it was.").format(editor=words[0], code=code)
        )


def _editor() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        try:
            if words := shlex.split(os.environ.get(variable, "")):
                return words
        except ValueError:
            raise UsageError(_("{variable} cannot be split into words.").format(variable=variable)) from None
    if not sys.stdin.isatty():
        raise UsageError(_("Nobody is at the terminal to edit it."), hint=_("Run it on a terminal, or set EDITOR."))
    if found := next(filter(shutil.which, USUAL), None):
        return [found]
    raise UsageError(_("There is no editor."), hint=_("Name one: {example}").format(example="export EDITOR=nano"))


def problems(copy: Path) -> list[str]:
    """Why Compose would refuse what was written, by line; no value is told."""
    try:
        slips = dotenv.read(copy.read_text(encoding="utf-8"))[1]
    except (OSError, UnicodeDecodeError):
        return [_("It is no UTF-8 text.")]
    found = [_("line {line}: {what}").format(line=s.place.line, what=s.what) for s in slips if s.broken]
    try:
        compose.variables_of(copy)
    except CommandError:  # its own words may hold values
        return found or [_("Compose cannot read it.")]
    return found
