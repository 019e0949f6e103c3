"""The exact tree of a commit, written to a folder of its own for a build."""

import os
import posixpath
import shutil
from collections.abc import Iterator
from pathlib import Path

from celadon.adapters import git_tree
from celadon.adapters.build_inputs import Inputs
from celadon.adapters.git_command import run, watch_disk
from celadon.errors import CeladonError, CommandError
from celadon.locale import _
from celadon.state.layout import make_private

WRITE_LIMIT = 300.0
POINTER = b"version https://git-lfs.github.com/spec/"  # how the file begins that git keeps in place of a large one
POINTER_SIZES = range(100, 1024)  # bytes


def export(repository: Path, inputs: Inputs, folder: Path) -> tuple[str, ...]:
    """Write the commit to `folder`; the repository's own index and work tree are not touched.

    Returns the files below the context that are only pointers of Git LFS. Raises RefusedError where the commit is more
    than a build can mean, or where its inputs are links; CeladonError where git cannot write it.
    """
    attributes = False
    found: list[git_tree.Entry] = []
    components = inputs.components
    for entry in git_tree.entries(repository, inputs.commit, inputs.service):
        attributes = attributes or posixpath.basename(entry.path) == ".gitattributes"
        if entry.path in components or entry.path == ".gitmodules":
            found.append(entry)
    if any(entry.path == ".gitmodules" for entry in found):
        raise CeladonError(
            _("The repository {folder} has submodules, which Celadon does not fetch.").format(folder=repository),
            hint=_("Bring them in as folders (git subtree), or build the image elsewhere and name it in `image`."),
        )
    inputs.refuse_links(found)
    try:
        _write(repository, inputs.commit, folder)
    except CommandError as error:
        raise CeladonError(
            _("{service}: git could not export the files of commit {commit}.").format(
                service=inputs.service, commit=inputs.commit[:7]
            ),
            evidence=[*error.tail, error.message],
            hint=_("Run it yourself: git -C {folder} archive --output /dev/null {commit}").format(
                folder=repository, commit=inputs.commit
            ),
        ) from None
    inputs.refuse_links_of(folder)
    return tuple(sorted(_pointers(folder / inputs.context))) if attributes else ()


def _write(repository: Path, commit: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    make_private(folder)
    index = folder.with_name(f"{folder.name}.index")
    index.unlink(missing_ok=True)
    location = run(repository, "rev-parse", "--absolute-git-dir").out.strip()
    words = [f"--git-dir={location}", f"--work-tree={folder}"]
    env = {"GIT_INDEX_FILE": str(index)}
    try:
        run(folder, *words, "read-tree", commit, env=env)
        watch = watch_disk(folder)
        run(folder, *words, "checkout-index", "--all", "--force", env=env, timeout=WRITE_LIMIT, watch=watch)
    finally:
        index.unlink(missing_ok=True)


def _pointers(context: Path) -> Iterator[str]:
    """The files below `context`, by their path from there, that Git LFS did not replace by what they point to."""
    for folder, _folders, names in os.walk(context):
        for path in (Path(folder, name) for name in names):
            seen = path.lstat()
            if not path.is_symlink() and seen.st_size in POINTER_SIZES and path.read_bytes().startswith(POINTER):
                yield git_tree.escaped_path(str(path.relative_to(context)))
