"""Repositories as somebody hostile pushes them, made with git's own plumbing: no work tree is ever written."""

import hashlib
import os
import struct
import subprocess
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

FILE, LINK, SUBMODULE, FOLDER = "100644", "120000", "160000", "40000"
NAMES = (  # that terminals, parsers and people get wrong
    b"new\nline", b"carriage\rreturn", b"\x1b[31mred\x1b[0m", b"\x1b]0;title\x07", "right\u202eto-left".encode(),
    "zero\u200bwidth".encode(), b"not \xff UTF-8", b"--option", b"tab\tand space ", "한글".encode(), b"a:b",
    b"'\"$(id)`",
)  # fmt: skip
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 123456\n"
Entry = tuple[str, str | bytes, str]  # mode, name, object


class Repository:
    """A bare repository, and what can be put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "HEAD").exists():
            subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", folder], check=True)

    def git(self, *words: str, stdin: bytes = b"") -> str:
        done = subprocess.run(["git", "-C", self.folder, *words], input=stdin, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="replace").strip()

    # Objects

    def object(self, kind: str, data: bytes) -> str:
        """Any object, whether git would make it or not."""
        return self.git("hash-object", "-w", "-t", kind, "--literally", "--stdin", stdin=data)

    def blob(self, data: str | bytes) -> str:
        return self.object("blob", data.encode() if isinstance(data, str) else data)

    def tree(self, entries: Iterable[Entry]) -> str:
        """A folder, also with names that git itself refuses."""
        named = [(mode, os.fsencode(name), one) for mode, name, one in entries]
        ordered = sorted(named, key=lambda one: one[1] + (b"/" if one[0] == FOLDER else b""))
        data = b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(one)) for mode, name, one in ordered)
        return self.object("tree", data)

    def commit(self, tree: str, message: str | bytes = "a commit", branch: str = "main") -> str:
        """A commit of `tree` after what `branch` has, and the branch moved to it."""
        before = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        who = ["-c", "user.name=Mallory", "-c", "user.email=mallory@example.com"]
        parent = ["-p", before] if before else []
        made = self.git(*who, "commit-tree", *parent, tree, stdin=os.fsencode(message))
        self.git("update-ref", f"refs/heads/{branch}", made)
        return made

    # Trees

    def files(self, files: Mapping[str, str | bytes], links: Mapping[str, str] = {}, more: Sequence[Entry] = ()) -> str:
        """A tree of files and links by their path; `more` are entries of its top folder."""
        folders: dict[str, dict[str, str | bytes]] = {}
        linked: dict[str, dict[str, str]] = {}
        entries = list(more)
        for path, data in files.items():
            top, _slash, rest = path.partition("/")
            if rest:
                folders.setdefault(top, {})[rest] = data
            else:
                entries.append((FILE, top, self.blob(data)))
        for path, target in links.items():
            top, _slash, rest = path.partition("/")
            if rest:
                linked.setdefault(top, {})[rest] = target
            else:
                entries.append((LINK, top, self.blob(target)))
        for top in {*folders, *linked}:
            entries.append((FOLDER, top, self.files(folders.get(top, {}), linked.get(top, {}))))
        return self.tree(entries)

    def bomb(self, levels: int = 8, width: int = 10) -> str:
        """A tree of `width` to the power of `levels` files, in `levels` + 1 objects."""
        mode, one = FILE, self.blob("x")
        for _level in range(levels):
            mode, one = FOLDER, self.tree((mode, f"f{n:03d}", one) for n in range(width))
        return one

    def many(self, count: int = 1_000_000) -> str:
        """A tree of `count` files, in a few objects: rounded up to thousands, and to millions above one million."""
        thousand = self.bomb(1, 1000)
        return self.tree((FOLDER, f"d{n:04d}", thousand) for n in range(-(-count // 1000)))

    def hollow(self, levels: int = 40) -> str:
        """Folders without a single file: two to the power of `levels` of them."""
        one = self.tree([])
        for _level in range(levels):
            one = self.tree([(FOLDER, "a", one), (FOLDER, "b", one)])
        return one

    def deep(self, levels: int = 3000) -> str:
        """A file below so many folders."""
        mode, one = FILE, self.blob("x")
        objects = self.folder / "objects"
        for _level in range(levels):  # a process for each would take minutes
            data = b"%s a\0%s" % (mode.encode(), bytes.fromhex(one))
            data = b"tree %d\0" % len(data) + data
            mode, one = FOLDER, hashlib.sha1(data, usedforsecurity=False).hexdigest()
            (objects / one[:2]).mkdir(exist_ok=True)
            (objects / one[:2] / one[2:]).write_bytes(zlib.compress(data, 1))
        return one

    def strange(self) -> list[tuple[str, bytes, str]]:
        """Files with names that are hard to show."""
        blob = self.blob("harmless\n")
        return [(FILE, name, blob) for name in NAMES]

    def submodule(self, path: str, url: str) -> list[Entry]:
        """A submodule of a top folder, from any address, such as file:///."""
        modules = f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n'
        return [(SUBMODULE, path, "1" * 40), (FILE, ".gitmodules", self.blob(modules))]

    # What a fetch brings

    def delta_bomb(self, size: int, file: Path) -> str:
        """A pack in `file` of some hundred kilobytes, whose blob of `size` bytes is made by copying: its id.

        Whoever unpacks it must hold the whole blob.
        """
        base = bytes(1 << 16)
        copies = size // len(base)
        delta = _varint(len(base)) + _varint(copies * len(base)) + (b"\x80" * copies)  # each copies 64 KiB from 0
        objects = [_header(3, len(base)) + zlib.compress(base)]
        distance = len(objects[0])
        objects.append(_header(6, len(delta)) + _offset(distance) + zlib.compress(delta))
        pack = b"PACK" + struct.pack(">II", 2, len(objects)) + b"".join(objects)
        file.write_bytes(pack + hashlib.sha1(pack, usedforsecurity=False).digest())
        whole = hashlib.sha1(b"blob %d\0" % (copies * len(base)), usedforsecurity=False)
        for _copy in range(copies):
            whole.update(base)
        return whole.hexdigest()

    def references(self, count: int) -> None:
        """So many branches, all at main."""
        tip = self.git("rev-parse", "refs/heads/main")
        lines = [f"{tip} refs/heads/b{n:07d}" for n in range(count)]
        with (self.folder / "packed-refs").open("a") as file:
            file.write("\n".join(["# pack-refs with: sorted", *lines]) + "\n")


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(0x80 | (number & 0x7F))
        number >>= 7
    return bytes([*made, number])


def _header(kind: int, size: int) -> bytes:
    first, size = (kind << 4) | (size & 15), size >> 4
    return bytes([first | 0x80]) + _varint(size) if size else bytes([first])


def _offset(distance: int) -> bytes:
    made = [distance & 0x7F]
    while distance := distance >> 7:
        distance -= 1
        made.insert(0, 0x80 | (distance & 0x7F))
    return bytes(made)
