"""What there is to read: the guide's pages, the annotated reference, and what it says of a single key."""

import difflib
from importlib.resources import files
from pathlib import Path

from celadon.config import reference
from celadon.config.reference import KeyPath
from celadon.errors import UsageError
from celadon.locale import LANGUAGE, _

REFERENCE = "reference"


def topics() -> dict[str, str]:
    """What can be read → its title."""
    titles = {name: file.read_text(encoding="utf-8").split("\n", 1)[0].lstrip("# ") for name, file in _pages().items()}
    return {REFERENCE: _("Every key of x-celadon, in a file that works"), **titles}


def read(topic: str, key: str | None = None) -> str:
    """The text of a topic, or what the reference says of a key; `topic` itself may be a key.

    Raises UsageError with the nearest topic or key when there is none.
    """
    pages = _pages()
    if key is None and topic in pages:
        return pages[topic].read_text(encoding="utf-8")
    if key is None and topic == REFERENCE:
        return reference.text()
    if key is not None and topic not in (REFERENCE, *pages):
        raise _unknown(topic)
    return "\n".join(_of_key(key or topic)) + "\n"


def schema() -> str:
    """The JSON Schema of the file, for editors: `config.schema` writes it."""
    return files("celadon.config").joinpath("celadon.schema.json").read_text(encoding="utf-8")


def _of_key(wished: str) -> list[str]:
    """A key and those below it; its end is enough where it names one."""
    words = tuple(word for word in wished.split(".") if word)
    every = reference.entries()
    whole = reference.general(words)
    ours = [whole] if whole in every else [path for path in every if words and _ends(path, words)]
    if not ours:
        raise _unknown(wished)
    return [line for path in every if any(path[: len(one)] == one for one in ours) for line in _lines(path)]


def _ends(path: KeyPath, words: KeyPath) -> bool:
    """Whether a path ends with `words`, with or without a place for a team's own name."""
    return any(one[-len(words) :] == words for one in (path, tuple(part for part in path if part != "*")))


def _lines(path: KeyPath) -> list[str]:
    entry = reference.entries()[path]
    if not entry.comment:
        return []  # Compose's own, which the reference only shows
    written = ", ".join(reference.flow(value) for value in entry.written)
    return [f"{reference.shown(path)}: {written}".rstrip(), *(f"    {line}" for line in entry.comment.splitlines())]


def _unknown(wished: str) -> UsageError:
    known = [*topics(), *map(reference.shown, reference.entries())]
    ends = {name.rpartition(".")[2]: name for name in reversed(known)}
    near = difflib.get_close_matches(wished, known, 1, 0.8) or [
        ends[end] for end in difflib.get_close_matches(wished.rpartition(".")[2], ends, 1, 0.7)
    ]
    hint = f"celadon docs {near[0]}" if near else _("All topics: celadon docs")
    return UsageError(_("There is no topic or key `{name}`.").format(name=wished), hint=hint)


def _pages() -> dict[str, Path]:
    """The guide's pages: in the package, or where it runs from its sources, in the folder beside them.

    Each in the user's language where it is there in it.
    """
    package = Path(str(files("celadon")))
    folder = next((one for one in (package / "docs", package.parents[1] / "docs") if one.is_dir()), package)
    return {file.stem: file for place in (folder, folder / LANGUAGE) for file in sorted(place.glob("*.md"))}
