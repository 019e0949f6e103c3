"""Files of the team's own that Celadon proposes: shown as a diff first, then written whole or not at all."""

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import foreign_files
from celadon.config import dotenv
from celadon.config.positions import shown
from celadon.locale import _


@dataclass(frozen=True)
class Draft:
    """What a file is to be. `mode` is its permission bits; None keeps those it has (0644 for a new one).

    Without a `text` only the mode changes: the file stays the same one for whoever has it open or mounted.
    A `secret` one holds values that no screen may show: its diff tells names, and only of env files.
    `checkout` is the folder that the file has to stay in, where somebody may push what lies there.
    """

    path: Path
    text: str | None
    mode: int | None = None
    secret: bool = False
    checkout: Path | None = None

    @property
    def before(self) -> str | None:
        """The text that is there; None where there is no such file. Raises UnsafeFile."""
        return foreign_files.text_inside(self.checkout, self.path)

    @property
    def mode_before(self) -> int | None:
        status = foreign_files.status_inside(self.checkout, self.path)
        return status.st_mode & 0o777 if status else None

    @property
    def changes(self) -> bool:
        """Whether writing it would change anything."""
        return self.changes_text or self.mode not in (None, self.mode_before)

    @property
    def changes_text(self) -> bool:
        return self.text is not None and self.before != self.text


def diff(draft: Draft) -> list[str]:
    """What writing it would change, as lines of a unified diff; none where nothing changes."""
    name = shown(draft.path)
    if draft.path.is_symlink():  # what is written is what it leads to
        name = f"{name} → {shown(draft.path.resolve())}"
    lines: list[str] = []
    if draft.text is not None and (before := draft.before) != draft.text:
        if draft.secret:
            lines = [f"--- {name if before is not None else '/dev/null'}", f"+++ {name}", *_names(before, draft.text)]
        else:
            lines = _unified(name, before, draft.text)
    if draft.mode is not None and draft.mode != draft.mode_before:
        was = _("new") if draft.mode_before is None else f"{draft.mode_before:04o}"
        lines.append(_("{file}: mode {before} → {after}").format(file=name, before=was, after=f"{draft.mode:04o}"))
    return lines


def write(drafts: Sequence[Draft]) -> None:
    """Write those that change something. A file keeps its owner; a new one gets its folder's. Raises OSError."""
    for draft in drafts:
        if draft.text is not None and draft.changes_text:
            _write_text(draft, draft.text)
        elif draft.mode is not None and draft.changes:
            foreign_files.chmod_inside(draft.checkout, draft.path, draft.mode)


def _write_text(draft: Draft, text: str) -> None:
    if draft.checkout is None:
        folder = draft.path.resolve().parent  # a link stays one
        missing = _missing(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:
            _own(one, one.parent)
    mode = draft.mode if draft.mode is not None else draft.mode_before
    foreign_files.write_inside(draft.checkout, draft.path, text, 0o644 if mode is None else mode)


@dataclass(frozen=True)
class Changed:
    """The names of an env file's variables that writing a draft would add, set otherwise, and remove."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def changed(before: str | None, after: str | None) -> Changed:
    """What differs between two texts of an env file."""
    old, new = keys(before or ""), keys(after or "")
    both = sorted(old.keys() & new.keys())
    return Changed(
        tuple(sorted(new.keys() - old.keys())),
        tuple(name for name in both if old[name] != new[name]),
        tuple(sorted(old.keys() - new.keys())),
    )


def keys(text: str) -> dict[str, str]:
    """The names of an env file, each with what sets it last. A line within a value is no name."""
    return {entry.name: entry.written for entry in dotenv.read(text)[0]}


def _unified(name: str, before: str | None, after: str) -> list[str]:
    old = f"a/{name}" if before is not None else "/dev/null"
    return list(difflib.unified_diff((before or "").splitlines(), after.splitlines(), old, f"b/{name}", lineterm=""))


def _names(before: str | None, after: str) -> Iterator[str]:
    if not keys(before or "") and not keys(after):
        yield _("(not shown)")
    found = changed(before, after)
    marks = (("-", found.removed), ("+", found.added), ("!", found.changed))
    told = {name: mark for mark, names in marks for name in names}
    yield from (f"{told[name]}{name}=…" for name in sorted(told))


def _missing(folder: Path) -> list[Path]:
    """What `mkdir -p` would make, the outermost first."""
    return [one for one in (*reversed(folder.parents), folder) if not one.exists()]


def _own(path: Path, like: Path) -> None:
    if os.geteuid() == 0:
        found = like.stat()
        os.chown(path, found.st_uid, found.st_gid)
