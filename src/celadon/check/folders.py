"""Gathering Dockerfiles, with what lies around them: in a build folder as it stands, or in the commit to be built."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from celadon.adapters import build_inputs, buildx, git, git_tree, process
from celadon.check.facts import Build
from celadon.check.images import lacking
from celadon.check.installs import AROUND
from celadon.config.positions import Positions, shown
from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import CeladonError, ConfigError, Problem
from celadon.locale import _
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

    @property
    def file(self) -> Path:
        return Path(self.context) / self.dockerfile


def builds(raw: Positions, configs: Sequence[EnvironmentConfig]) -> tuple[tuple[Build, ...], tuple[str, ...]]:
    """Each Dockerfile once, with all services that are built from it; and services whose source is not here.

    Raises ConfigError for a file that cannot be read.
    """
    memory = max((config.settings.build.memory for config in configs), default=0)
    found: list[Build] = []
    unseen: list[str] = []
    for asked, use in _asked([service for config in configs for service in config.services.values()]).items():
        folder = Path(asked.context)
        if not folder.is_dir():
            unseen += use
            continue
        build = _build(raw, asked, use, _in_folder(folder, asked.dockerfile), memory)
        found.append(replace(build, tracked=_tracked(folder)) if lacking(build.ignore) else build)
    return tuple(found), tuple(unseen)


def committed(raw: Positions, config: EnvironmentConfig, sources: Mapping[str, Source]) -> tuple[Build, ...]:
    """The Dockerfiles of `sources` as their commits have them: what a deploy builds, whatever the folder holds now."""

    def one(name: str) -> list[Build]:
        asked = _asked([config.services[name]])
        return [_build(raw, one, use, _in_commit(sources[name], one), config.settings.build.memory)
                for one, use in asked.items()]  # fmt: skip

    return tuple(build for several in process.side_by_side(one, list(sources)) for build in several)


def linted(build: Build) -> Build:
    """The same with what BuildKit says of it; a Dockerfile in the compose file has no file to ask it about."""
    if build.text is None or not build.path:
        return build
    return replace(build, remarks=buildx.lint(Path(build.path), Path(build.context), build.target))


def _asked(services: Sequence[Service]) -> dict[_Asked, dict[str, frozenset[str]]]:
    """What is asked to be built → its services, each with what it overrides."""
    uses: dict[_Asked, dict[str, frozenset[str]]] = {}
    for service in services:
        if build := service.definition.get("build"):
            key = _Asked(str(build["context"]), str(build.get("dockerfile") or "Dockerfile"),
                         str(build.get("target") or ""), str(build.get("dockerfile_inline") or ""),
                         frozenset(build.get("additional_contexts") or ()))  # fmt: skip
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


def _in_folder(context: Path, dockerfile: str) -> dict[str, str]:
    """The files of a build folder, and one level below it, that rules read."""
    below = [f for f in islice(sorted(context.iterdir()), MANY) if f.is_dir() and not f.is_symlink()]
    around = [f / name for f in (context, *below) for name in AROUND]
    own = [context / name for name in (dockerfile, f"{dockerfile}.dockerignore", ".dockerignore")]
    return {posixpath.normpath(posixpath.relpath(f, context)): text_of(f) if _is_read(f.name) else ""
            for f in (*own, *around) if f.is_file()}  # fmt: skip


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
        path=str(asked.file),
    )
    return _inline(raw, asked.inline, found) if asked.inline else found


def _inline(raw: Positions, text: str, build: Build) -> Build:
    """A Dockerfile that stands in the compose file: as a block its lines are those of the file, else all is one."""
    begins = raw.at(("services", build.services[0], "build", "dockerfile_inline"))
    lines = text_of(raw.file).splitlines()
    first = lines[begins.line] if begins.line < len(lines) else ""
    indent = len(first) - len(first.lstrip())
    return replace(build, file=shown(raw.file), text=text, line=begins.line + 1, column=indent + 1, path="")


def _tracked(folder: Path) -> frozenset[str] | None:
    try:
        return git.tracked(folder)
    except CeladonError:
        return None


def text_of(path: Path) -> str:
    """A file's text. Raises ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else _("is no UTF-8 text")
        raise ConfigError([Problem(shown(path), 0, 0, "", str(reason))]) from None
