"""Gathering what the rules need: texts, modes, what git says, what the engine says. Nothing is changed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from celadon.adapters import engine, git, host, process
from celadon.check import facts
from celadon.check.facts import Engine, EnvFile, Facts, KeyFile
from celadon.check.folders import MANY, builds, linted, text_of
from celadon.check.sources import expanded
from celadon.config.positions import Positions, shown
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import CeladonError, CommandError, EngineError

KEYS = ("*.pem", "*.key", "id_*")
OF_THE_SYSTEM = ("/etc/localtime", "/etc/timezone")  # mounted alone by custom, and harmless


def look(before: Facts, configs: Sequence[EnvironmentConfig], *, buildkit: bool = False) -> Facts:
    """The whole look, on top of what `env_files` saw; with `buildkit` its lint is asked as well.

    Raises ConfigError for a file that cannot be read.
    """
    raw = before.raw
    binds = {str(v["source"]) for c in configs for d in _definitions(c) for v in d.get("volumes") or []
             if v.get("type") == "bind"}  # fmt: skip
    found, unseen = builds(raw, configs)
    return Facts(
        raw=raw,
        file=before.file,
        environments=tuple(configs),
        builds=tuple(process.side_by_side(linted, found)) if buildkit else found,
        unseen=unseen,
        env_files=before.env_files,
        env_of=before.env_of,
        keys=_keys(raw.file.parent, [Path(f.path) for f in before.env_files], map(Path, sorted(binds)), configs),
        binds={source: kind for source in binds if (kind := _kind(Path(source))) is not None},
        memory=host.memory()[1],
        engine=_engine(),
    )


def env_files(raw: Positions, environments: Sequence[str]) -> Facts:
    """The env files that the compose file names, read before Compose reads them: it would print what it refuses."""
    folder = raw.file.parent
    own = folder / ".env"
    values = _values_of(own)
    of: dict[tuple[str, str], tuple[str, ...]] = {}
    for environment in environments:
        known = {**values, **os.environ, "CELADON_ENV": environment}
        services = raw.data.get("services")
        for service, entry in services.items() if isinstance(services, dict) else ():
            paths = [folder / expanded(text, known) for text in _named(entry)]
            of[environment, service] = tuple(str(path.resolve()) for path in paths if path.is_file())
    paths = sorted({Path(path) for several in of.values() for path in several} | ({own} if own.is_file() else set()))
    git_says = _git_says(paths)
    found = [EnvFile(shown(p), str(p), text_of(p), p.stat().st_mode & 0o777, git_says[p]) for p in paths]
    return Facts(raw=raw, file=shown(raw.file), environments=(), env_files=tuple(found), env_of=of)


def _values_of(own: Path) -> dict[str, str]:
    """What the workspace's own .env gives for the names of files; quotes are taken off."""
    if not own.is_file():
        return {}
    pairs = (line.strip().partition("=") for line in text_of(own).splitlines() if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, equals, value in pairs if equals}


def _named(service: Any) -> Iterator[str]:
    given = service.get("env_file") if isinstance(service, dict) else None
    for entry in given if isinstance(given, list) else [given]:
        text = entry.get("path") if isinstance(entry, dict) else entry
        if isinstance(text, str):
            yield text


def _definitions(config: EnvironmentConfig) -> list[Mapping[str, Any]]:
    return [*(service.definition for service in config.services.values()), *config.backing.values()]


def _keys(folder: Path, env: Sequence[Path], binds: Iterator[Path], configs: Sequence[EnvironmentConfig]
          ) -> tuple[KeyFile, ...]:  # fmt: skip
    """Keys beside the compose file and the env files, in what is mounted, and those of the routers."""
    tls = [folder / name for c in configs if c.options.tls for name in (c.options.tls.certificate, c.options.tls.key)]
    given = [Path(s["file"]) for c in configs for s in c.secrets.values() if s.get("file")]
    found = {path for path in (*tls, *given) if path.is_file()}
    folders = {folder, *(path.parent for path in env)}
    for bind in binds:
        if bind.is_file() and any(bind.match(pattern) for pattern in KEYS):
            found.add(bind)
        elif bind.is_dir() and bind.is_relative_to(folder):
            folders |= {bind, *(f for f in islice(_entries(bind), MANY) if f.is_dir() and not f.is_symlink())}
    for one in folders:
        found |= {f for f in islice(_entries(one), MANY) if f.is_file() and any(f.match(p) for p in KEYS)}
    paths = sorted({path.resolve() for path in found})
    git_says = _git_says(paths)
    return tuple(KeyFile(shown(p), _private(p), p.stat().st_mode & 0o777, git_says[p]) for p in paths)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return


def _private(path: Path) -> bool:
    """Whether a file's first lines, or else its name, say that it is a private key."""
    try:
        with path.open("rb") as file:
            begin = file.read(4096)
    except OSError:
        begin = b""
    if b"PRIVATE KEY" in begin:
        return True
    public = begin.startswith((b"ssh-", b"ecdsa-")) or b"PUBLIC KEY" in begin or b"CERTIFICATE" in begin
    return not public and not any(word in path.name.lower() for word in ("pub", "cert", "chain"))


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


def _git_says(paths: Sequence[Path]) -> dict[Path, str]:
    """What git says of each file, folder by folder."""
    found: dict[Path, str] = {}
    for folder in sorted({path.parent for path in paths}):
        names = [path.name for path in paths if path.parent == folder]
        try:
            if git.top(folder) is None:
                found |= {folder / name: facts.OUTSIDE for name in names}
                continue
            tracked, ignored = git.kept(folder, names)
        except (CommandError, CeladonError):
            found |= {folder / name: facts.UNSAID for name in names}
            continue
        for name in names:
            found[folder / name] = (
                facts.TRACKED if name in tracked else facts.IGNORED if name in ignored else facts.OPEN
            )
    return found


def _engine() -> Engine:
    try:
        return Engine(live_restore=bool(engine.ask("GET", "/info", timeout=10).get("LiveRestoreEnabled")))
    except (EngineError, CommandError) as problem:
        return Engine(problem=" ".join(problem.evidence) or problem.message)
