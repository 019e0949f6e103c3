"""Files that somebody may have pushed: read and written only as regular files inside their checkout.

Paths are walked by directory descriptors. A link may lead to another place of the checkout, never out of it.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from celadon.config.positions import shown
from celadon.locale import _
from celadon.locale.numbers import size
from celadon.state.layout import write_whole

LARGEST = 1 << 20  # bytes: no Dockerfile, env file or .npmrc is larger
LINKS = 40  # as many as the kernel follows
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class UnsafeFile(OSError):
    """A file that is not read or written; its `strerror` follows the file's name in a sentence."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(errno.EPERM, reason, str(path))

    def __str__(self) -> str:
        return f"{shown(Path(self.filename))} {self.strerror}"


class UnreadableFile(UnsafeFile):
    """It may be safe, but this user cannot read it, or it is no text."""


@dataclass(frozen=True)
class _Found:
    """Where a path ends: the descriptor of its folder, its name there, and what lies there (None: nothing)."""

    folder: int
    name: str
    status: os.stat_result | None


def checkout_of(home: Path, path: Path) -> Path | None:
    """The folder that `path` must not be led out of: the checkout of a service that it is in; None where it is in none.

    `home` is the workspace's folder: what lies there and in no checkout below it, and links above a checkout, belong
    to those who write the compose file. `path` need not exist.
    """
    start = home if path.is_relative_to(home) else Path(path.anchor)
    at, found = start, None
    for part in path.relative_to(start).parts:
        at = at / part
        if found and at.is_symlink():
            break
        if (at / ".git").exists():
            found = at
    return found


def read_inside(root: Path | None, path: Path, largest: int = LARGEST) -> bytes | None:
    """The content of a file below `root`; None where there is none. Without a `root` links may lead anywhere.

    Raises UnsafeFile for what is no regular file, lies outside, or is larger than `largest`; UnreadableFile.
    """
    with _found(root, path) as found:
        if found is None or found.status is None:
            return None
        _require_regular(path, found.status)
        try:
            descriptor = os.open(found.name, _FILE, dir_fd=found.folder)
        except OSError as problem:
            raise _unreadable(path, problem) from None
        with os.fdopen(descriptor, "rb") as file:
            _require_regular(path, os.fstat(descriptor))
            content = file.read(largest + 1)
    if len(content) > largest:
        raise UnsafeFile(path, _("is larger than {size}").format(size=size(largest)))
    return content


def text_inside(root: Path | None, path: Path) -> str | None:
    """The same as text. Raises UnreadableFile for what is not valid UTF-8 as well."""
    content = read_inside(root, path)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        raise UnreadableFile(path, _("is no UTF-8 text")) from None


def require_folder(root: Path | None, path: Path) -> None:
    """Raises UnsafeFile where `path` leads out of `root`."""
    with _found(root, path):
        pass


def status_inside(root: Path | None, path: Path) -> os.stat_result | None:
    """What is known of the regular file at `path`, links inside `root` followed; None where there is none."""
    with _found(root, path) as found:
        if found is None or found.status is None:
            return None
        _require_regular(path, found.status)
        return found.status


def write_inside(root: Path | None, path: Path, text: str, mode: int) -> None:
    """Write a regular file below `root` whole or not at all; its folder must be there. Raises UnsafeFile, OSError.

    A file keeps its owner; a new one gets its folder's.
    """
    with _found(root, path) as found:
        if found is None:
            raise UnsafeFile(path, _("is in a folder that does not exist"))
        if found.status:
            _require_regular(path, found.status)
        like = found.status or os.fstat(found.folder)
        owner = (like.st_uid, like.st_gid) if os.geteuid() == 0 else None  # nobody else may choose
        try:
            write_whole(Path(f"/proc/self/fd/{found.folder}") / found.name, text, mode, owner)
        except OSError as problem:
            problem.filename = str(path)  # the one that people know
            raise


def chmod_inside(root: Path | None, path: Path, mode: int) -> None:
    """Change the permission bits of a regular file below `root`. Raises UnsafeFile, OSError."""
    with _found(root, path) as found:
        if found is None or found.status is None:
            raise UnsafeFile(path, _("does not exist"))
        descriptor = os.open(found.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=found.folder)
        try:
            _require_regular(path, os.fstat(descriptor))
            os.chmod(f"/proc/self/fd/{descriptor}", mode)  # noqa: PTH101 (fchmod takes no O_PATH descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _found(root: Path | None, path: Path) -> Iterator[_Found | None]:
    """Walk to `path`, which begins with `root`; None where a folder on its way is missing. Raises UnsafeFile."""
    if root is None:
        root, way = Path("/"), _resolved(path)
    elif path.is_relative_to(root):
        way = path
    else:
        raise UnsafeFile(path, _("is outside its checkout"))
    open_: list[int] = []
    try:
        yield _walk(path, list(way.relative_to(root).parts), root, open_)
    finally:
        for descriptor in open_:
            os.close(descriptor)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as problem:  # links in a circle
        raise UnsafeFile(path, _("is a broken link or a link loop")) from problem


def _walk(path: Path, left: list[str], root: Path, open_: list[int]) -> _Found | None:
    """Go on from `root` by the names in `left`; `open_` gets the descriptors of the way, the last one being where."""
    links = 0
    try:
        open_.append(os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        while True:
            name = left.pop(0) if left else "."
            if name == "..":
                if len(open_) == 1:
                    raise UnsafeFile(path, _("is a link that points outside its checkout"))
                os.close(open_.pop())
                continue
            status = os.stat(name, dir_fd=open_[-1], follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                target = Path(os.readlink(name, dir_fd=open_[-1]))
                if target.is_absolute() or links > LINKS:
                    raise UnsafeFile(path, _("is a link that points outside its checkout"))
                left[:0] = target.parts
            elif not left:
                return _Found(open_[-1], name, status)
            elif stat.S_ISDIR(status.st_mode):
                open_.append(os.open(name, _FOLDER, dir_fd=open_[-1]))
            else:
                return None
    except FileNotFoundError:
        return _Found(open_[-1], name, None) if open_ and not left else None
    except UnsafeFile:
        raise
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _unreadable(path: Path, problem: OSError) -> UnreadableFile:
    return UnreadableFile(path, problem.strerror or str(problem))


def _require_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnsafeFile(path, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFile(path, _("is not a regular file"))
