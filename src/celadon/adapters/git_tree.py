"""The tree of a commit, read as a stream: whoever pushes can describe billions of files in a handful of objects."""

import posixpath
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import git_command, host
from celadon.errors import RefusedError
from celadon.locale import _, numbers

ENTRIES = 200_000  # files and folders of a commit; Linux has 85,000 files
PATH = 2_048  # bytes of a path: together with the workspace's folder, less than the system's 4,096
NAME = 255  # bytes of a file name: no more than that can be written
TEXT = 1 << 20  # bytes of a Dockerfile, or of another file that is read as text
LINK, SUBMODULE, FILES = "120000", "160000", ("100644", "100755")
OWN = {"", ".", "..", ".git"}  # names that lead elsewhere, or that git keeps for itself


@dataclass(frozen=True)
class Entry:
    """A file, folder, link or submodule of a commit; `size` is a file's, in bytes."""

    mode: str
    size: int
    path: str


def entries(repository: Path, commit: str, service: str) -> Iterator[Entry]:
    """Every entry of a commit, folders before what is in them. Nothing is expanded, and no more is held than one path.

    Raises RefusedError where the commit holds more, or deeper, or larger than a build can mean; CommandError.
    """
    room = host.disk(repository).free // 2
    count = size = 0
    for entry in _read(repository, commit, service):
        count, size = count + 1, size + entry.size
        if count > ENTRIES:
            what = _("it has more than {n} files and folders").format(n=ENTRIES)
            raise _refusal(service, commit, what)
        if size > room:
            what = _("its files need more than {size}, half of the free space on this disk")
            raise _refusal(service, commit, what.format(size=numbers.size(room)))
        yield entry


def _read(repository: Path, commit: str, service: str) -> Iterator[Entry]:
    rest = b""
    words = ("ls-tree", "-r", "-t", "-z", "--long", "--full-tree", commit)
    with closing(git_command.stream(repository, *words)) as printed:
        for piece in printed:
            *whole, rest = (rest + piece).split(b"\0")
            for record in whole:
                yield _entry(record, service, commit)
            if len(rest) > 2 * PATH:
                _entry(rest, service, commit)  # which refuses it: its path is too long


def _entry(record: bytes, service: str, commit: str) -> Entry:
    head, _tab, raw = record.partition(b"\t")
    mode, _kind, _object, size = head.split()
    path = raw.decode("utf-8", "surrogateescape")
    if len(raw) > PATH or (len(raw) > NAME and any(len(name) > NAME for name in raw.split(b"/"))):
        what = _("the path {path}… is too long").format(path=escaped_path(path[:100]))
        raise _refusal(service, commit, what)
    if not OWN.isdisjoint(path.lower().split("/")):
        raise _refusal(service, commit, _("the path {path} is not allowed").format(path=escaped_path(path[:100])))
    return Entry(mode.decode(), int(size) if size.isdigit() else 0, path)


def text(repository: Path, commit: str, entry: Entry, service: str) -> str:
    """What a file of a commit holds. Raises RefusedError where it is larger than such a text can be."""
    if entry.size > TEXT:
        what = _("{path} is larger than {size}").format(path=escaped_path(entry.path), size=numbers.size(TEXT))
        raise _refusal(service, commit, what)
    return git_command.run(repository, "cat-file", "blob", f"{commit}:{entry.path}").out


def _refusal(service: str, commit: str, what: str) -> RefusedError:
    return RefusedError(
        _("{service}: commit {commit} cannot be used: {what}.").format(service=service, commit=commit[:7], what=what),
        hint=_("Remove it from the repository and push, or deploy an earlier commit: --ref COMMIT"),
    )


def escaped_path(path: str) -> str:
    """A path as one harmless line: what is not printed as it is (line ends, escape sequences, direction marks, bytes
    that are not valid UTF-8) stands there escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in path)


def parents(path: str) -> Iterator[str]:
    """`path` and the folders above it, the uppermost first; without the repository's own."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    yield from (posixpath.join(*parts[: n + 1]) for n in range(len(parts)))
