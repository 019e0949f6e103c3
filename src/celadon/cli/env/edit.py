"""celadon env edit: an env file in the operator's editor, taken over when it is good."""

import sys
from pathlib import Path

import click

from celadon.adapters import drafts
from celadon.adapters.drafts import Draft
from celadon.app import audit, editing
from celadon.cli import arguments, output
from celadon.config.positions import shown
from celadon.errors import CeladonError
from celadon.locale import _
from celadon.state.private import private_folder


@click.command(
    "edit",
    short_help=_("Edit an env file safely."),
    help=_("Edit a copy of an env file ($VISUAL, $EDITOR), taken over when Compose can read it."),
)
@arguments.environment
@click.argument("file", metavar="[FILE]", required=False)
@click.pass_obj
def command(folder: Path, environment: str, file: str | None) -> None:
    target = editing.file_of(folder, environment, file)
    with private_folder() as private:
        copy = editing.copied(target, private)
        before = copy.read_bytes()
        editing.open_editor(copy)
        while found := editing.problems(copy):
            _again(shown(target), found)
            editing.open_editor(copy)
        draft = Draft(target, copy.read_text(encoding="utf-8"), 0o600, secret=True)
        if before != (target.read_bytes() if target.exists() else b""):
            words = _("{file} was changed by somebody else meanwhile. Write yours over it?")
            click.confirm(words.format(file=shown(target)), abort=True)
    if not draft.changes:
        output.lines([_("{file}: nothing changed.").format(file=shown(target))])
        return
    output.diff(drafts.diff(draft))
    with audit.act(audit.of_folder(folder), "env edit", output.notice, environment=environment, files=[shown(target)]):
        drafts.write([draft])
    output.lines([_("{file} was written. The next deploy takes it.").format(file=shown(target))])


def _again(file: str, problems: list[str]) -> None:
    """Offer to edit again. Raises CeladonError when the operator declines, or nobody is there."""
    if sys.stdin.isatty():
        output.notices(problems)
        if click.confirm(_("Compose could not read it. Edit again?"), default=True):
            return
    raise CeladonError(
        _("{file} stays as it was: Compose could not read the new one.").format(file=file), evidence=problems
    )
