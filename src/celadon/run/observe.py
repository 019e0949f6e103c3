"""One look at the server: containers, images, the record, and where each service's source stands."""

import posixpath
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from celadon.adapters import build_inputs, docker, git, host, nginx, process, storage
from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import CeladonError, CommandError, RefusedError
from celadon.locale import _
from celadon.run.retrying import patiently
from celadon.state.disk import Disk, Space
from celadon.state.layout import Layout
from celadon.state.record import Record
from celadon.state.snapshot import ROUTER, Container, Memory, Snapshot, Source


def snapshot(record: Record, layout: Layout, workspace: str, now: datetime) -> Snapshot:
    """What is on the engine and in the record: three calls of the engine, however many services there are.

    Raises RefusedError when another workspace of this host bears the same name.
    """
    containers = docker.containers(workspace)
    refuse_namesake(containers, layout, workspace)
    return Snapshot(
        now=now,
        containers=containers,
        releases=record.releases(),
        live=record.live(),
        built=record.builds.images(),
        images=docker.images(),
        memory=_memory(containers),
        workspace=workspace,
        made=record.builds.made(),
        at_work=record.times_at_work(),
        adrift=frozenset(c.environment for c in containers
                         if c.role == ROUTER and nginx.is_adrift(layout.router(c.environment))),
    )  # fmt: skip


def _memory(containers: Sequence[Container]) -> Memory:
    used = {c.id: host.memory_of(c.pid) for c in containers if c.running}
    return Memory(*host.memory(), {id_: bytes_ for id_, bytes_ in used.items() if bytes_ is not None})


def disk(layout: Layout) -> Disk:
    """What lies on the engine's disk, whoever put it there, and how much room is left."""
    cache, info = storage.cache_asked(), docker.info_asked()  # what takes longest first: it is answered last
    images = storage.images()
    return replace(_room(layout, info()), images=images, cache=cache())


def room(layout: Layout) -> Disk:
    """How much room is left on it, and not who has the rest: that takes the engine longer."""
    return _room(layout, docker.info())


def _room(layout: Layout, info: Mapping[str, Any]) -> Disk:
    """`info` is what the engine says of itself."""
    spaces = {one.device: _space(one) for one in map(host.disk, storage.folders(info))}
    return Disk(tuple(spaces.values()), _space(host.disk(layout.root)))


def _space(found: host.Disk) -> Space:
    return Space(found.folder, found.free, found.total, found.inodes_free, found.inodes)


def refuse_namesake(containers: Sequence[Container], layout: Layout, workspace: str) -> None:
    """Containers of another workspace with this name must not be taken for one's own: they would be "healed" away.

    A folder that is gone was this workspace before it was moved. Raises RefusedError.
    """
    for container in containers:
        if is_namesakes(container, layout):
            raise RefusedError(
                _("Another workspace of this host is called {name}: {folder}.").format(
                    name=workspace, folder=container.folder
                ),
                evidence=[f"{c.name} ({c.folder})" for c in containers if c.folder == container.folder],
                hint=_("Give one of the two another `name`, or work in {folder}.").format(folder=container.folder),
            )


def is_namesakes(container: Container, layout: Layout) -> bool:
    """Whether a container belongs to another workspace, which has a record of its own and the same name."""
    other = Path(container.folder)
    return bool(container.folder) and other != layout.workspace and Layout(other).record.exists()


def sources(
    config: EnvironmentConfig, layout: Layout, services: Sequence[str], ref: str | None, told: Callable[[str], None]
) -> dict[str, Source]:
    """Fetch, and name the exact commit or digest of each service. Nobody's checkout is touched.

    Raises CeladonError where it cannot be fetched, or where a checkout has changes that would not be built;
    UsageError when there is no `ref`.
    """
    turn: dict[Path, threading.Lock] = {}  # services of one repository fetch one after the other: git locks its refs

    def one(name: str) -> Source:
        told(_("fetch {service}").format(service=name))
        service = config.services[name]
        if not service.definition.get("build"):
            return _of_registry(service, ref, told)
        repository, context, checkout = _repository(layout, service)
        with turn.setdefault(repository, threading.Lock()):
            return patiently(lambda: _of_git(service, repository, context, checkout, ref), name, told)

    return dict(zip(services, process.side_by_side(one, services), strict=True))


def _of_git(service: Service, repository: Path, context: str, checkout: bool, ref: str | None) -> Source:
    if checkout:
        git.refuse_changes(repository, service.name, _built(service, context))
    remote = git.fetch(repository, service.name)
    branch = service.options.git.branch if service.options.git else None
    sha, subject = git.commit(repository, service.name, branch, ref, remote=remote)
    return Source(service.name, sha, subject, ref or branch or "", str(repository), context)


def _built(service: Service, context: str) -> list[str]:
    """What of a repository goes into the image: the build folder, and a Dockerfile that lies beside it."""
    named = str(service.definition["build"].get("dockerfile") or "Dockerfile")
    dockerfile = posixpath.normpath(posixpath.join(context, named))
    return [context] if dockerfile.startswith(("../", "/")) else [context, dockerfile]


def _repository(layout: Layout, service: Service) -> tuple[Path, str, bool]:
    """The repository of a service, the build context below it, and whether people work in it."""
    build_inputs.refuse_pushed_links(service.name, service.definition["build"], layout.workspace)
    folder = Path(service.definition["build"]["context"])
    if folder.is_dir():
        top = git.top(folder)
        if top is not None:
            return top, str(folder.resolve().relative_to(top.resolve())), True
    url = service.options.git.url if service.options.git else None
    if url is None:
        raise CeladonError(
            _("{service}: {folder} is in no git repository, so there is no commit to build.").format(
                service=service.name, folder=folder
            ),
            hint=_("git init and commit there, or name the repository in x-celadon.git.url"),
        )
    clone = layout.source(service.name)
    git.keep_clone(clone, _absolute(url, layout.workspace))
    return clone, ".", False


def repository(layout: Layout, service: Service) -> Path:
    """The repository that a service is built from. Raises CeladonError where it has none."""
    return _repository(layout, service)[0]


def _absolute(url: str, workspace: Path) -> str:
    """A path is relative to the workspace, not to the clone that git would take it from."""
    return str((workspace / url).resolve()) if url.startswith((".", "/")) else url


def _of_registry(service: Service, ref: str | None, told: Callable[[str], None]) -> Source:
    reference = str(service.definition["image"])
    name, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        name, tag = reference, "latest"
    wanted = reference if "@" in reference else f"{name}:{ref or tag}"
    try:
        digest = patiently(lambda: docker.digest(wanted), service.name, told)
    except CommandError as error:
        raise CeladonError(
            _("{service}: the registry does not give {reference}.").format(service=service.name, reference=wanted),
            evidence=error.tail[-5:] or [error.message],
            hint=error.hint or _("Is it pushed, is the registry reached, and are you logged in? docker login"),
        ) from None
    pinned = f"{wanted.split('@')[0].removesuffix(':' + (ref or tag))}@{digest}"
    return Source(service.name, digest, f"{wanted}", ref or tag, pinned, pulled=True)


def incoming(config: EnvironmentConfig, layout: Layout, seen: Snapshot, source: str) -> dict[str, tuple[str, ...]]:
    """The commits that a promote from `source` brings, by service; empty where the repository cannot tell."""

    def one(service: Service) -> tuple[str, ...]:
        old, new = seen.live_release(config.name, service.name), seen.live_release(source, service.name)
        if not (old and new and service.definition.get("build")):
            return ()
        try:
            repository, _context, _checkout = _repository(layout, service)
            return git.between(repository, old.commit, new.commit)
        except CeladonError:
            return ()  # a promote needs no source; the list is a courtesy

    found = dict(zip(config.services, process.side_by_side(one, list(config.services.values())), strict=True))
    return {name: commits for name, commits in found.items() if commits}
