"""Looking at a workspace's folders: the texts that tell what a service is, and what git says. Nothing is changed."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from celadon.adapters import git, process
from celadon.adapters.foreign_files import UnsafeFile, checkout_of, read_inside, require_folder

MANY, LARGE, DEEP = 400, 200_000, 10  # files of a folder, bytes of a file, folders below each other
SOURCES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx", ".tsx", ".py", ".java", ".kt", ".go")
TOLD = (
    "Dockerfile", "package.json", "pom.xml", "build.gradle", "build.gradle.kts", "pyproject.toml", "requirements.txt",
    "manage.py", "go.mod", "application.properties", "application.yml", "application.yaml",
    ".env.example", ".env.sample", ".env.template", "env.example",
)  # fmt: skip
PASSED = ("node_modules", "dist", "build", "target", "venv", "vendor", "test", "tests", "__tests__", "__pycache__")
OWN = ("config", "scripts")  # of the workspace itself


@dataclass(frozen=True)
class Folder:
    """A folder that may be a service. `path` is below the workspace, "." for itself; `texts` are its telling files.

    `checkout`: git has it; `url` and `branch` are those of a checkout whose top it is, "" where they tell nothing.
    """

    path: str
    texts: Mapping[str, str] = field(repr=False)
    checkout: bool = False
    url: str = ""
    branch: str = ""


def scan(workspace: Path, skip: Iterable[str] = ()) -> tuple[tuple[Folder, ...], tuple[str, ...]]:
    """Folders with a Dockerfile, in their order by name; and those that look like a service but have none."""
    skipped = {(workspace / name).resolve() for name in skip}
    found = [folder for folder in _candidates(workspace) if folder.resolve() not in skipped]
    seen = process.side_by_side(lambda folder: _look(workspace, folder), found)
    without = tuple(one.path for one in seen if "Dockerfile" not in one.texts)
    return tuple(one for one in seen if "Dockerfile" in one.texts), without


def _candidates(workspace: Path) -> Iterator[Path]:
    """Folders that hold a telling file: the workspace itself, those below it, and those in a folder of folders."""
    if (workspace / "Dockerfile").is_file():
        yield workspace
    for folder in _folders(workspace):
        if folder.name in OWN:
            continue
        if _tells(folder):
            yield folder
        else:
            yield from (one for one in _folders(folder) if _tells(one) and _stays(workspace, one))


def _folders(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir(), key=lambda one: one.name.lower())
    except OSError:  # not for this user to see
        return []
    return [one for one in found if one.is_dir() and not one.name.startswith(".") and one.name not in PASSED]


def _stays(workspace: Path, folder: Path) -> bool:
    """Whether a folder of a checkout is one of it, and no link elsewhere."""
    try:
        require_folder(checkout_of(workspace, folder), folder)
    except UnsafeFile:
        return False
    return True


def _tells(folder: Path) -> bool:
    return any((folder / name).is_file() for name in TOLD)


def _look(workspace: Path, folder: Path) -> Folder:
    texts = dict(_texts(workspace, folder))
    path = str(folder.relative_to(workspace))
    top = git.top(folder)
    if top is None or top.resolve() != folder.resolve():
        return Folder(path, texts, top is not None)
    url = git.remote(folder)
    return Folder(path, texts, True, url if tells_where(url) else "", git.branch(folder) if url else "")


def tells_where(url: str) -> bool:
    """Whether an address can stand in compose.yaml: whole, and without somebody's password or token."""
    if "://" not in url:
        return url.startswith("/") or "@" in url.partition(":")[0]
    parts = urlsplit(url)
    named = parts.password or (parts.username and parts.scheme != "ssh")
    return bool(parts.hostname and not named)


def _texts(workspace: Path, folder: Path) -> Iterator[tuple[str, str]]:
    count = 0
    for place, folders, files in os.walk(folder):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) >= DEEP
        folders[:] = [] if deep else sorted(f for f in folders if f not in PASSED and not f.startswith("."))
        for name in sorted(files):
            file = here / name
            telling = name in TOLD or name.endswith(SOURCES)
            if telling and count < MANY:
                with suppress(UnsafeFile):  # too large, no file, or it leads elsewhere: it tells nothing
                    if (content := read_inside(checkout_of(workspace, file), file, LARGE)) is not None:
                        count += 1
                        yield str(file.relative_to(folder)), content.decode(errors="replace")
