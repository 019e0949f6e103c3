"""Gathering what the rules need: texts, modes, what git says, what the engine says. Nothing is changed."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from celadon.adapters import docker, engine, host, process
from celadon.adapters.foreign_files import UnsafeFile, checkout_of, status_inside, text_inside
from celadon.check import access, containers, foreign, ingit, pins
from celadon.check.facts import Build, Engine, EnvFile, Facts, KeyFile, Unsafe
from celadon.check.folders import MANY, builds, linted
from celadon.check.ingit import KEYS
from celadon.check.sources import expanded
from celadon.config.parts import written_env_files
from celadon.config.positions import Positions, shown
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import CommandError, EngineError

OF_THE_SYSTEM = ("/etc/localtime", "/etc/timezone")  # mounted alone by custom, and harmless


def look(before: Facts, configs: Sequence[EnvironmentConfig], *, buildkit: bool = False) -> Facts:
    """The whole look, on top of what `env_files` saw; with `buildkit` its lint is asked as well.

    Raises ConfigError for a file that cannot be read.
    """
    found, unseen, unsafe = builds(before.raw, configs)
    built = tuple(process.side_by_side(linted, found)) if buildkit else found
    before = replace(before, unsafe=(*before.unsafe, *unsafe))
    seen = replace(of_files(before, configs, built), unseen=unseen, memory=host.memory()[1], engine=_engine())
    every = configs[0].settings.environments if configs else ()
    named = {path for paths in env_paths(before.raw, list(every)).values() for path in paths}
    return replace(seen, strays=ingit.strays(seen, named), digests=_digests(seen))


def _digests(seen: Facts) -> dict[str, str]:
    """The digests that the engine has for images that Dockerfiles name by a tag; none where it does not answer."""
    names = dict.fromkeys(one.image for build in seen.builds for one in pins.unpinned(seen, build))
    if seen.engine.problem or not names:
        return {}
    try:
        found = {name: docker.repository_digest(name) for name in names if "$" not in name}
    except (EngineError, CommandError):
        return {}
    return {name: digest for name, digest in found.items() if digest is not None}


def of_files(before: Facts, configs: Sequence[EnvironmentConfig], built: Sequence[Build]) -> Facts:
    """What a deploy brings: env files, keys and mounts, with the Dockerfiles that are given; no engine is asked."""
    home = before.raw.file.parent
    keys, unsafe = _keys(home, [Path(f.path) for f in before.env_files], list(containers.mounts(configs)), configs)
    mounts = list(containers.mounts(configs))
    return replace(
        before,
        environments=tuple(configs),
        builds=tuple(built),
        env_files=tuple(
            replace(one, mounts=containers.seen_by(Path(one.path), mounts, home)) for one in before.env_files
        ),
        keys=keys,
        unsafe=(*before.unsafe, *unsafe),
        binds={str(source): kind for _name, source, bind in mounts if bind and (kind := _kind(source)) is not None},
        users=containers.users(configs, built),
    )


def env_files(raw: Positions, environments: Sequence[str]) -> Facts:
    """The env files that the compose file names, read before Compose reads them: it would print what it refuses."""
    own = raw.file.parent / ".env"
    of = env_paths(raw, environments)
    readers: dict[Path, set[str]] = {own: set()} if own.is_file() else {}
    for (_environment, service), paths in of.items():
        for path in paths:
            readers.setdefault(Path(path), set()).add(service)
    texts, unsafe = _texts(raw, readers)
    git_says = ingit.says(sorted(texts))
    found = [
        EnvFile(shown(p), str(p), text, access.of(p), git_says[p], services=tuple(sorted(readers[p])) or None)
        for p, text in texts.items()
    ]
    home = access.of(raw.file)
    return Facts(raw=raw, file=shown(raw.file), environments=(), env_files=tuple(found), env_of=of, home=home,
                 unsafe=tuple(unsafe))  # fmt: skip


def _texts(raw: Positions, readers: Mapping[Path, Collection[str]]) -> tuple[dict[Path, str], list[Unsafe]]:
    """The env files that may be read, with their texts, and those that may not."""
    texts: dict[Path, str] = {}
    unsafe: list[Unsafe] = []
    for path, services in sorted(readers.items()):
        try:
            if (text := foreign.text(raw, path)) is not None:
                texts[path] = text
        except UnsafeFile as problem:
            unsafe.append(foreign.unsafe(problem, tuple(sorted(services)) or None))
    return texts, unsafe


def unsafe_env_files(raw: Positions, environment: str) -> tuple[Unsafe, ...]:
    """The env files of an environment that Compose must not read either."""
    paths = {Path(path): {service} for (_, service), paths in env_paths(raw, [environment]).items() for path in paths}
    return tuple(_texts(raw, paths)[1])


def env_paths(raw: Positions, environments: Sequence[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The env files that are there, by environment and service, later ones winning."""
    folder = raw.file.parent
    values = _values_of(folder / ".env")
    of: dict[tuple[str, str], tuple[str, ...]] = {}
    for environment in environments:
        known = {**values, **os.environ, "CELADON_ENV": environment}
        for service, texts in written_env_files(raw).items():
            paths = [folder / expanded(text, known) for text in texts]
            of[environment, service] = tuple(filter(None, (_named(folder, path) for path in paths)))
    return of


def _named(home: Path, path: Path) -> str:
    """The path that an env file is known by: where a link leads that may be followed, else its own; "" without one."""
    try:
        return str(path.resolve()) if status_inside(checkout_of(home, path), path) else ""
    except UnsafeFile:
        return str(path)


def _values_of(own: Path) -> dict[str, str]:
    """What the workspace's own .env gives for the names of files; quotes are taken off."""
    if not own.is_file():
        return {}
    text = text_inside(None, own) or ""
    pairs = (line.strip().partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, equals, value in pairs if equals}


def _keys(folder: Path, env: Sequence[Path], mounts: Sequence[tuple[str, Path, bool]],
          configs: Sequence[EnvironmentConfig]) -> tuple[tuple[KeyFile, ...], list[Unsafe]]:  # fmt: skip
    """Keys beside the compose file and the env files, in what is mounted, and those of the routers; and what could not
    be looked at."""
    tls = {(folder / name).resolve() for c in configs if c.options.tls
           for name in (c.options.tls.certificate, c.options.tls.key)}  # fmt: skip
    secrets = [Path(secret["file"]) for c in configs for secret in c.secrets.values() if secret.get("file")]
    found = {path for path in (*tls, *secrets) if _kind(path) == "file"}
    folders = {folder, *(path.parent for path in env)}
    for _service, source, _bind in mounts:
        kind = _kind(source)
        if kind == "file" and any(source.match(pattern) for pattern in KEYS):
            found.add(source)
        elif kind == "folder" and source.is_relative_to(folder):
            folders |= {source, *(f for f in _entries(source) if _kind(f) == "folder" and not f.is_symlink())}
    for one in folders:
        found |= {f for f in _entries(one) if any(f.match(p) for p in KEYS) and _kind(f) == "file"}
    paths, unsafe = _safe(folder, found)
    git_says = ingit.says(paths)
    keys = []
    for path in paths:
        seen = containers.seen_by(path, mounts, folder)
        services = None if path in tls else tuple(mount.service for mount in seen if not mount.passing)
        keys.append(
            KeyFile(shown(path), str(path), ingit.is_private(path), access.of(path), git_says[path], seen, services)
        )
    return tuple(keys), unsafe


def _safe(home: Path, found: Collection[Path]) -> tuple[list[Path], list[Unsafe]]:
    paths: set[Path] = set()
    unsafe: list[Unsafe] = []
    for path in sorted(found):
        try:
            status_inside(checkout_of(home, path), path)
            paths.add(path.resolve())
        except UnsafeFile as problem:
            unsafe.append(foreign.unsafe(problem))
    return sorted(paths), unsafe


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from islice(folder.iterdir(), MANY)
    except OSError:
        return


def _kind(path: Path) -> str | None:
    """What lies at a mounted path: "file", "folder" (or what is neither), "" for nothing; None where it is unseen."""
    if str(path) in OF_THE_SYSTEM:
        return None
    try:
        path.stat()
    except FileNotFoundError:
        return ""
    except OSError:
        return None
    return "file" if path.is_file() else "folder"


def _engine() -> Engine:
    try:
        return Engine(live_restore=bool(engine.ask("GET", "/info", timeout=10).get("LiveRestoreEnabled")))
    except (EngineError, CommandError) as problem:
        return Engine(problem=" ".join(problem.evidence) or problem.message)
