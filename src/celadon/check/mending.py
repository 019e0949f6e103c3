"""What `check --fix` proposes: drafts for the findings that can be mended without a doubt, and which those are."""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from celadon.adapters import git
from celadon.adapters.drafts import Draft
from celadon.adapters.foreign_files import UnsafeFile, checkout_of, read_inside
from celadon.check import images, installs, mounts, pins, privacy
from celadon.check.dockerfile import parse
from celadon.check.facts import ERROR, Build, EnvFile, Facts, Finding, KeyFile, Rule
from celadon.check.shell import Command, commands
from celadon.check.sources import copied
from celadon.config.positions import Place
from celadon.errors import CeladonError

PRIVATE = 0o600
SHARED = 0o020  # what a group may write
# What a build never needs, unless git has it or the Dockerfile asks for it. The first two are looked for by a rule.
KEPT_OUT = (".git", ".env", ".env.*", "*.pem", "*.key", "id_rsa", "id_ed25519")
PACKAGES = {"node_modules": ("npm", "yarn", "pnpm"), "__pycache__": ("pip", "uv"), ".venv": ("pip", "uv")}


@dataclass(frozen=True)
class Remedy:
    """A file as it is to be, and the findings that are gone by it."""

    draft: Draft
    mends: tuple[Finding, ...]


def remedies(seen: Facts, found: Sequence[Finding]) -> list[Remedy]:
    """One for each file that can be mended. Only findings in `found` are: what a comment allows is left alone."""
    drafts: dict[Draft, tuple[Finding, ...]] = {}
    for kind in (_dockerfiles, _npmrcs, _dockerignores, _modes, _gitignores):
        for one in kind(seen, found):
            drafts[one.draft] = (*drafts.get(one.draft, ()), *one.mends)  # builds may share a file
    return [Remedy(draft, mends) for draft, mends in drafts.items() if draft.changes]


def marked(found: Sequence[Finding], several: Sequence[Remedy]) -> list[Finding]:
    """The findings, with those that can be mended marked."""
    mended = {one for remedy in several for one in remedy.mends}
    return [replace(one, fix=one in mended) for one in found]


def _of(found: Sequence[Finding], file: str, *rules: Rule) -> list[Finding]:
    names = [rule.name for rule in rules]
    return [one for one in found if one.file == file and one.rule in names]


def _at(found: Sequence[Finding], places: Collection[Place]) -> tuple[Finding, ...]:
    return tuple(one for one in found if Place(one.line, one.column) in places)


def _dockerfiles(seen: Facts, found: Sequence[Finding]) -> Iterator[Remedy]:
    for path, build in {build.path: build for build in seen.builds if build.path}.items():
        wanted = _of(found, build.file, installs.NO_CACHE_MOUNT)
        text, places = mounts.added(build, {Place(one.line, one.column) for one in wanted})
        tags = [one for one in _of(found, build.file, pins.NOT_PINNED) if one.severity == ERROR]
        text, pinned = pins.written(seen, replace(build, text=text), {Place(one.line, one.column) for one in tags})
        if (places or pinned) and _has_plain_ends(seen, Path(path)):
            yield Remedy(_draft(seen, Path(path), text), (*_at(wanted, places), *_at(tags, pinned)))


def _npmrcs(seen: Facts, found: Sequence[Finding]) -> Iterator[Remedy]:
    """A time-out in the one .npmrc that an npm sees already. It may hold a token: no line of it is shown."""
    for build in seen.builds:
        wanted = {Place(one.line, one.column): one for one in _of(found, build.file, installs.NPM_TIMEOUT)}
        mended: dict[str, list[Finding]] = {}
        for place, paths in installs.npmrcs_seen(build) if wanted else ():
            if place in wanted and len(paths) == 1:
                mended.setdefault(paths[0], []).append(wanted[place])
        for name, several in mended.items():
            file = Path(build.context) / name
            if _has_plain_ends(seen, file):
                text = _with_lines(build.npmrcs[name], ["fetch-timeout=60000"])
                yield Remedy(replace(_draft(seen, file, text), secret=True), tuple(several))


def _dockerignores(seen: Facts, found: Sequence[Finding]) -> Iterator[Remedy]:
    sharing: dict[str, list[Build]] = {}
    for build in seen.builds:
        if _of(found, build.file, images.NO_IGNORE, images.IGNORE_LACKS):
            sharing.setdefault(build.ignore_path, []).append(build)
    for path, several in sharing.items():
        before = several[0].ignore
        programs = {command.program for build in several for command in _commands(build)}
        packages = [name for name, users in PACKAGES.items() if programs & set(users)]
        own = [".celadon"] if Path(several[0].context) == seen.raw.file.parent else []
        names = (*KEPT_OUT, *own, *packages) if before is None else images.lacking(before)
        lines = [
            name if name in (".git", ".celadon") else f"**/{name}" for name in names if not _is_needed(name, several)
        ]
        text = _with_lines(before or "", lines)
        mended = [one for build in several for one in _of(found, build.file, images.NO_IGNORE)]
        if not images.lacking(text):
            mended += [one for build in several for one in _of(found, build.file, images.IGNORE_LACKS)]
        if lines and mended and _has_plain_ends(seen, Path(path)):
            yield Remedy(_draft(seen, Path(path), text), tuple(mended))


def _commands(build: Build) -> Iterator[Command]:
    for stage in parse(build.text or "").stages:
        for run in (one for one in stage.body if one.name == "RUN"):
            yield from commands(run)


def _is_needed(pattern: str, several: Sequence[Build]) -> bool:
    """Whether git has a file that `pattern` keeps out, or a Dockerfile names one: then it is for the team to say."""
    every = [one for build in several for stage in parse(build.text or "").stages for one in stage.body]
    mounted = [flag.partition("source=")[2].split(",")[0] for one in every for flag in one.flags]
    named = {*mounted, *(source for one in every for source in copied(one))}
    paths = (*named, *(name for build in several for name in build.tracked or ()))
    parts = {part for path in paths for part in PurePosixPath(path).parts} - {"*", "**"}
    return any(fnmatchcase(part, pattern) or fnmatchcase(pattern, part) for part in parts)


def _modes(seen: Facts, found: Sequence[Finding]) -> Iterator[Remedy]:
    for one in seen.guarded:
        wide = _of(found, one.file, privacy.ENV_MODE, privacy.KEY_MODE)
        if wide and _may_be_private(one, seen):
            yield Remedy(replace(_draft(seen, Path(one.path), None), mode=one.access.mode & PRIVATE), tuple(wide))


def _may_be_private(one: EnvFile | KeyFile, seen: Facts) -> bool:
    """Whether nobody who needs a file loses it when only its owner may read it, and this user can see to it."""
    home = seen.home
    several = home.mode & SHARED and home.group != home.owner  # a group of one's own, as many systems give, is oneself
    if several or os.geteuid() not in (0, one.access.owner):
        return False
    users = [seen.users.get(mount.service) for mount in one.mounts]
    return home.owner in (0, one.access.owner) and all(u and u.id in (0, one.access.owner) for u in users)


def _gitignores(seen: Facts, found: Sequence[Finding]) -> Iterator[Remedy]:
    files: dict[Path, list[tuple[str, Finding]]] = {}
    for one in seen.guarded:
        path = Path(one.path)
        for finding in _of(found, one.file, privacy.ENV_OPEN, privacy.KEY_OPEN):
            if file := _gitignore_of(path, seen.raw.file.parent.resolve()):
                files.setdefault(file, []).append((_pattern(path.relative_to(file.parent)), finding))
    for file, several in files.items():
        if _has_plain_ends(seen, file):
            text = _with_lines(_draft(seen, file, None).before or "", [line for line, _finding in several])
            yield Remedy(_draft(seen, file, text), tuple(finding for _line, finding in several))


def _gitignore_of(path: Path, home: Path) -> Path | None:
    """The .gitignore that has the last word on `path`: the nearest above it, or a new one beside the compose file."""
    try:
        top = git.top(path.parent)
    except CeladonError:
        return None
    if top is None:
        return None
    above = [folder for folder in path.parents if folder.is_relative_to(top.resolve())]
    there = next((folder for folder in above if (folder / ".gitignore").is_file()), None)
    return (there or (home if home in above else above[-1])) / ".gitignore" if above else None


def _pattern(path: Path) -> str:
    """The line of a .gitignore that means this one file."""
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path.as_posix())


def _with_lines(text: str, lines: Sequence[str]) -> str:
    begun = f"{text}\n" if text and not text.endswith("\n") else text
    return begun + "".join(f"{line}\n" for line in lines)


def _draft(seen: Facts, file: Path, text: str | None) -> Draft:
    """A draft that stays in the checkout where the file lies."""
    return Draft(file, text, checkout=checkout_of(seen.raw.file.parent, file))


def _has_plain_ends(seen: Facts, file: Path) -> bool:
    """Whether a file may be written, and its lines end as Celadon writes them: others would be changed from its first
    line to its last."""
    try:
        return b"\r" not in (read_inside(checkout_of(seen.raw.file.parent, file), file) or b"")
    except UnsafeFile:
        return False
