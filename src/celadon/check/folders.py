"""Gathering Dockerfiles, with what lies around them: in a build folder as it stands, or in the commit to be built."""

import errno
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from celadon.adapters import build_inputs, buildx, foreign_files, git, git_tree, process
from celadon.adapters.foreign_files import UnsafeFile
from celadon.check import foreign
from celadon.check.facts import Build, Unsafe
from celadon.check.images import lacking
from celadon.check.installs import AROUND
from celadon.config.positions import Positions, shown
from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import CeladonError, ConfigError, Problem
from celadon.plan import frontend
from celadon.state.snapshot import Source

MANY = 2000  # entries of a folder that are looked at: it may hold anything


@dataclass(frozen=True)
class _Asked:
    """What the compose file asks to build; services that ask for the same share one Dockerfile."""

    context: str
    dockerfile: str
    target: str
    inline: str
    contexts: frozenset[str]
    args: tuple[tuple[str, str | None], ...] = ()

    @property
    def file(self) -> Path:
        return Path(self.context) / self.dockerfile


def builds(
    raw: Positions, configs: Sequence[EnvironmentConfig]
) -> tuple[tuple[Build, ...], tuple[str, ...], tuple[Unsafe, ...]]:
    """Each Dockerfile once, with all services that are built from it; services whose source is not here; and what was
    not read. Of a Dockerfile that must not be read nothing else is said.

    Raises ConfigError for a file that cannot be read.
    """
    memory = max((config.settings.build.memory for config in configs), default=0)
    found: list[Build] = []
    unseen: list[str] = []
    unsafe: list[Unsafe] = []
    for asked, use in _asked([service for config in configs for service in config.services.values()]).items():
        folder = Path(asked.context)
        if not folder.is_dir():
            unseen += use
            continue
        try:
            foreign_files.require_folder(foreign_files.checkout_of(raw.file.parent, folder), folder)
        except UnsafeFile as problem:
            unsafe.append(foreign.unsafe(problem, tuple(use)))
            continue
        files, problems = _in_folder(raw, folder, asked.dockerfile)
        unsafe += [foreign.unsafe(problem, tuple(use)) for problem in problems]
        if not asked.inline and str(asked.file) in [problem.filename for problem in problems]:
            continue
        build = _build(raw, asked, use, files, memory)
        found.append(replace(build, tracked=_tracked(folder)) if lacking(build.ignore) else build)
    return tuple(found), tuple(unseen), tuple(unsafe)


def committed(raw: Positions, config: EnvironmentConfig, sources: Mapping[str, Source]) -> tuple[Build, ...]:
    """The Dockerfiles of `sources` as their commits have them: what a deploy builds, whatever the folder holds now."""

    def one(name: str) -> list[Build]:
        asked = _asked([config.services[name]])
        return [_build(raw, one, use, _in_commit(sources[name], one), config.settings.build.memory)
                for one, use in asked.items()]  # fmt: skip

    return tuple(build for several in process.side_by_side(one, list(sources)) for build in several)


def linted(build: Build) -> Build:
    """The same with what BuildKit says of it; a Dockerfile in the compose file has no file to ask it about, and another
    frontend than Docker's is not let run."""
    if build.text is None or not build.path or frontend.refused(build.text, {"args": build.args}):
        return build
    return replace(build, remarks=buildx.lint(Path(build.path), Path(build.context), build.target))


def _asked(services: Sequence[Service]) -> dict[_Asked, dict[str, frozenset[str]]]:
    """What is asked to be built → its services, each with what it overrides."""
    uses: dict[_Asked, dict[str, frozenset[str]]] = {}
    for service in services:
        if build := service.definition.get("build"):
            key = _Asked(str(build["context"]), str(build.get("dockerfile") or "Dockerfile"),
                         str(build.get("target") or ""), str(build.get("dockerfile_inline") or ""),
                         frozenset(build.get("additional_contexts") or ()),
                         tuple((build.get("args") or {}).items()))  # fmt: skip
            uses.setdefault(key, {})[service.name] = _overridden(service)
    return uses


def _overridden(service: Service) -> frozenset[str]:
    """The instructions that the compose file speaks instead of: who runs, what runs, what tells that it is ready."""
    definition, found = service.definition, set()
    if str(definition.get("user") or "root").partition(":")[0] not in ("root", "0"):
        found.add("USER")
    if definition.get("entrypoint"):
        found |= {"ENTRYPOINT", "CMD"}
    if definition.get("command"):
        found.add("CMD")
    if service.options.health or definition.get("healthcheck"):
        found.add("HEALTHCHECK")
    return frozenset(found)


def _in_folder(raw: Positions, context: Path, dockerfile: str) -> tuple[dict[str, str], list[UnsafeFile]]:
    """The files of a build folder, and one level below it, that rules read; and those that must not be read."""
    below = [f for f in sorted(islice(context.iterdir(), MANY)) if f.is_dir() and not f.is_symlink()]
    around = [f / name for f in (context, *below) for name in AROUND]
    own = [context / name for name in (dockerfile, f"{dockerfile}.dockerignore", ".dockerignore")]
    found: dict[str, str] = {}
    problems: list[UnsafeFile] = []
    for file in dict.fromkeys((*own, *around)):
        name = posixpath.normpath(posixpath.relpath(file, context))
        try:
            text = foreign.text(raw, file) if _is_read(file.name) else "" if file.is_file() else None
        except UnsafeFile as problem:
            problems.append(problem)
        else:
            found |= {} if text is None else {name: text}
    return found, problems


def _in_commit(source: Source, asked: _Asked) -> dict[str, str]:
    """The same of the commit that a deploy builds.

    Raises RefusedError where an input of the build is a link, or the commit more than a build can mean.
    """
    repository, service = Path(source.repository), source.service
    build = {"dockerfile": asked.dockerfile, "dockerfile_inline": asked.inline}
    inputs = build_inputs.of_commit(service, source.commit, source.context, build)
    components = inputs.components
    wanted = [
        entry
        for entry in git_tree.entries(repository, source.commit, service)
        if entry.path in components or _is_around(entry, source.context)
    ]
    inputs.refuse_links(wanted)
    found = {}
    for entry in (one for one in wanted if one.mode in git_tree.FILES):
        name = posixpath.relpath(entry.path, source.context)
        found[name] = git_tree.text(repository, source.commit, entry, service) if _is_read(name) else ""
    return found


def _is_around(entry: git_tree.Entry, context: str) -> bool:
    """Whether a file of a commit tells how a build installs; one with an unprintable name is nobody's."""
    path = entry.path if context == "." else entry.path.removeprefix(f"{context}/")
    inside = context == "." or path != entry.path
    return inside and path.count("/") < 2 and posixpath.basename(path) in AROUND and path.isprintable()


def _is_read(name: str) -> bool:
    """Whether a file's text matters; of lock files only that they are there."""
    return name.endswith((".npmrc", ".dockerignore")) or posixpath.basename(name) not in AROUND


def _build(raw: Positions, asked: _Asked, use: Mapping[str, frozenset[str]], files: Mapping[str, str], memory: int
           ) -> Build:  # fmt: skip
    """A Dockerfile with what the rules are told of it; `files` are those around it, by their path from the folder."""
    services = tuple(use)
    ignores = (f"{posixpath.normpath(asked.dockerfile)}.dockerignore", ".dockerignore")
    ignore = next((name for name in ignores if name in files), None)
    found = Build(
        shown(asked.file),
        files.get(posixpath.normpath(asked.dockerfile)),
        services,
        raw.at(("services", services[0], "build")),
        shown(raw.file),
        ignore=files[ignore] if ignore else None,
        ignore_path=str(Path(asked.context) / (ignore or ".dockerignore")),
        npmrcs={name: text for name, text in files.items() if posixpath.basename(name) == ".npmrc"},
        files=frozenset(base for name in files if (base := posixpath.basename(name)) in AROUND and base != ".npmrc"),
        overridden=frozenset.intersection(*use.values()),
        memory=memory,
        target=asked.target,
        context=asked.context,
        contexts=asked.contexts,
        args=dict(asked.args),
        path=str(asked.file),
    )
    return _inline(raw, asked.inline, found) if asked.inline else found


def _inline(raw: Positions, text: str, build: Build) -> Build:
    """A Dockerfile that stands in the compose file: as a block its lines are those of the file, else all is one."""
    begins = raw.at(("services", build.services[0], "build", "dockerfile_inline"))
    lines = (foreign.text(raw, raw.file) or "").splitlines()
    first = lines[begins.line] if begins.line < len(lines) else ""
    indent = len(first) - len(first.lstrip())
    return replace(build, file=shown(raw.file), text=text, line=begins.line + 1, column=indent + 1, path="")


def _tracked(folder: Path) -> frozenset[str] | None:
    try:
        return git.tracked(folder)
    except CeladonError:
        return None


def text_of(path: Path) -> str:
    """The text of a file of the workspace's own. Raises ConfigError where it cannot be read."""
    try:
        text = foreign_files.text_inside(None, path)
    except UnsafeFile as problem:
        raise ConfigError([Problem(shown(path), 0, 0, "", str(problem.strerror))]) from None
    if text is None:
        raise ConfigError([Problem(shown(path), 0, 0, "", os.strerror(errno.ENOENT))])
    return text
