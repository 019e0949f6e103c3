"""What a build reads by name: its context, its Dockerfile and its .dockerignore. None of them may be a link.

Buildx opens these on the host, with the rights of who deploys. A commit that turns one of them, or a folder above it,
into a symbolic link would choose what of the host goes into the image. Links inside a context are BuildKit's: it never
follows them out of it.
"""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celadon.adapters import no_follow
from celadon.adapters.git_tree import LINK, SUBMODULE, Entry, escaped_path, parents
from celadon.errors import RefusedError
from celadon.locale import _


@dataclass(frozen=True)
class Inputs:
    """The inputs of one build, by their paths from the top of a repository.

    `dockerfile` is "" where the compose file holds it, or names a file of the host.
    """

    service: str
    commit: str
    context: str
    dockerfile: str

    @property
    def paths(self) -> tuple[str, ...]:
        own = (self.dockerfile, f"{self.dockerfile}.dockerignore") if self.dockerfile else ()
        return (self.context, *own, posixpath.normpath(posixpath.join(self.context, ".dockerignore")))

    @property
    def components(self) -> frozenset[str]:
        """The paths, with every folder on the way to them."""
        return frozenset(one for path in self.paths for one in parents(path))

    def refuse_links(self, found: Iterable[Entry]) -> None:
        """Raises RefusedError where one of the components is a link or a submodule among the entries of the commit.

        A broken tree may have two entries of one name: each of them counts.
        """
        for entry in (one for one in found if one.path in self.components):
            if entry.mode == LINK:
                raise self._link(entry.path)
            if entry.mode == SUBMODULE:
                raise RefusedError(
                    _("{service}: {path} is a submodule in commit {commit}; Celadon does not fetch submodules.").format(
                        service=self.service, path=escaped_path(entry.path), commit=self.commit[:7]
                    ),
                    hint=_("Add it as a folder (git subtree), or build the image elsewhere and set `image`."),
                )

    def refuse_links_of(self, export: Path) -> None:
        """The same for the commit as it was written to `export`. Raises RefusedError."""
        for path in self.paths:
            if odd := no_follow.first_odd(export, path):
                raise self._link(odd)

    def _link(self, path: str) -> RefusedError:
        return RefusedError(
            _(
                "{service}: {path} is a symbolic link in commit {commit}. Celadon does not follow symbolic "
                "links for the build context, Dockerfile or .dockerignore: they could point to other files on "
                "this server."
            ).format(service=self.service, path=escaped_path(path), commit=self.commit[:7]),
            hint=_(
                "Replace the link with the actual file or folder and push, or set its real path in `build` of the "
                "compose file."
            ),
        )


def of_commit(service: str, commit: str, context: str, build: Mapping[str, Any]) -> Inputs:
    """The inputs of a rendered `build` section, with `context` in place of its own.

    Raises RefusedError for a Dockerfile above the top of the repository.
    """
    named = str(build.get("dockerfile") or "Dockerfile")
    if build.get("dockerfile_inline") or posixpath.isabs(named):
        return Inputs(service, commit, context, "")
    dockerfile = posixpath.normpath(posixpath.join(context, named))
    if dockerfile.startswith("../") or "\n" in dockerfile:
        raise RefusedError(
            _("{service}: the Dockerfile {path} is outside the repository.").format(
                service=service, path=escaped_path(dockerfile)
            ),
            hint=_("Move it into the repository and set `build.dockerfile` relative to the build context."),
        )
    return Inputs(service, commit, context, dockerfile)


def refuse_pushed_links(service: str, build: Mapping[str, Any], workspace: Path) -> None:
    """Raises RefusedError where a build reads from this host through a link that somebody may have pushed.

    Those are links inside a checkout: to the context, an additional context, or a Dockerfile with an absolute path. A
    link to the context in the repository of the workspace itself is the operator's, as the compose file beside it is.
    """
    found = _pushed_link(Path(str(build["context"])), workspace.resolve())
    for path in _of_host(build):
        found = found or _pushed_link(path, None)
    if found:
        raise RefusedError(
            _(
                "{service}: {path} is a symbolic link inside a checkout. Celadon does not follow symbolic "
                "links to build inputs: they could point to other files on this server."
            ).format(service=service, path=escaped_path(str(found))),
            hint=_(
                "Replace the link with the actual file or folder, or set its real path in `build` of the compose file."
            ),
        )


def _of_host(build: Mapping[str, Any]) -> Iterator[Path]:
    """Paths of the host that a build reads, other than its context: Compose makes those of a file absolute."""
    dockerfile = str(build.get("dockerfile") or "")
    for path in (dockerfile, *map(str, (build.get("additional_contexts") or {}).values())):
        if path.startswith("/"):
            yield Path(os.path.normpath(path))


def _pushed_link(path: Path, trusted: Path | None) -> Path | None:
    """The first link of `path` that is inside a checkout, other than that of the folder `trusted`."""
    inside = False
    for one in (*reversed(path.parents), path):
        if inside and one.is_symlink():
            return one
        if (one / ".git").exists():
            inside = trusted is None or not trusted.is_relative_to(one.resolve())
    return None
