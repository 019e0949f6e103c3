"""An old set-up read, and what would be written for it: nothing is, before somebody agreed."""

import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from celadon.adapters import drafts
from celadon.adapters.drafts import Draft
from celadon.app import starting
from celadon.config.outline import NAMES
from celadon.config.positions import Positions, read, shown
from celadon.errors import ConfigError, Problem, UsageError
from celadon.locale import _
from celadon.setup import composing, ignoring, importing, nginxfile, oldcompose, scanning, shapes
from celadon.setup.importing import Hidden
from celadon.setup.oldenv import of_file
from celadon.setup.tale import Row

KEPT = ".before-celadon"


@dataclass(frozen=True)
class Proposal:
    """What an import would change, and what it tells. `kept` are copies of what is overwritten."""

    drafts: tuple[Draft, ...] = field(repr=False)
    kept: tuple[Draft, ...] = field(repr=False)
    rows: tuple[Row, ...]
    hidden: tuple[Hidden, ...] = field(repr=False)

    def diff(self) -> Iterator[str]:
        """Everything that writing would change. Values of variables that may be secrets are not in it."""
        for draft in self.drafts:
            yield from (_covered(line, self.hidden) for line in drafts.diff(draft))

    def write(self) -> None:
        """Raises CeladonError where the system refuses a file."""
        starting.write([*self.kept, *self.drafts])


def propose(file: Path, nginx: Sequence[Path], workspace: Path) -> Proposal:
    """The set-up of `file` as a workspace in the folder `workspace`. Without `nginx`, what the file mounts is read.

    Raises ConfigError for what cannot be read, by file and line; UsageError for a file that is Celadon's already.
    """
    raw = read(file.absolute())
    if "x-celadon" in raw.data:
        raise UsageError(
            _("{file} has `x-celadon`: it is Celadon's file already.").format(file=shown(file)),
            hint=_("What is wrong with it: celadon check"),
        )
    shapes.check(raw)
    try:
        return _proposal(raw, nginx, workspace.resolve())
    except UnicodeDecodeError as problem:
        words = _("a file beside it is no text: {problem}").format(problem=problem.reason)
        raise ConfigError([Problem(shown(file), 0, 0, "", words)]) from None
    except OSError as problem:
        where = shown(Path(str(problem.filename or file)))
        raise ConfigError([Problem(where, 0, 0, "", problem.strerror or str(problem))]) from None


def _proposal(raw: Positions, nginx: Sequence[Path], workspace: Path) -> Proposal:
    folder = raw.file.parent
    sources = {(folder / one.path).resolve(): one for one in scanning.scan(folder)[0]}
    old = oldcompose.understand(raw, {entry.name: entry.value for entry in of_file(folder / ".env")}, sources)
    proxy = nginxfile.read([one.absolute() for one in nginx] or importing.mounted_configurations(old))
    made = importing.bring(old, proxy, workspace)
    compose = Draft(workspace / NAMES[0], composing.document(made.sketch))
    written = [
        compose,
        *(Draft(path, text, 0o600, secret=True) for path, text in made.env_files.items()),
        *_interpolated(folder, workspace, made.env_files),
        ignoring.draft(workspace),
    ]
    changing = tuple(one for one in written if starting.changes(one))
    return Proposal(changing, tuple(_kept(compose.path)) if compose in changing else (), made.rows, made.hidden)


def _interpolated(old: Path, workspace: Path, written: Container[Path]) -> Iterator[Draft]:
    """The .env that Compose interpolates from lies beside the compose file: it comes along."""
    source, target = old / ".env", workspace / ".env"
    if source.is_file() and not target.exists() and target not in written:
        yield Draft(target, source.read_text(encoding="utf-8"), 0o600, secret=True)


def _kept(file: Path) -> Iterator[Draft]:
    """The file that is overwritten, under a name that is free."""
    if not file.exists():
        return
    number = 1
    while (copy := file.with_name(f"{file.name}{KEPT}{'' if number == 1 else f'.{number}'}")).exists():
        number += 1
    yield Draft(copy, file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777)


def _covered(line: str, hidden: Iterable[Hidden]) -> str:
    """A line of a diff without values that may be secrets, however YAML writes them."""
    for one in hidden:
        anywhere = [word for part in one.value.splitlines() for word in part.split() if len(word) >= 8]
        spelled = [one.value] if one.name in line else []
        for text in (*spelled, *anywhere):
            for written in {text, text.replace("'", "''"), json.dumps(text)[1:-1]}:
                line = re.sub(rf"(?<![A-Za-z0-9]){re.escape(written)}(?![A-Za-z0-9])", "…", line)
    return line
