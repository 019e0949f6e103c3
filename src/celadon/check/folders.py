"""Gathering Dockerfiles, with what lies around them in their build folders."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from celadon.adapters import buildx
from celadon.check.facts import Build
from celadon.check.installs import LOCKS
from celadon.config.positions import Positions, shown
from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import ConfigError, Problem
from celadon.locale import _

MANY = 2000  # entries of a folder that are looked at: it may hold anything


def builds(raw: Positions, configs: Sequence[EnvironmentConfig]) -> tuple[tuple[Build, ...], tuple[str, ...]]:
    """Each Dockerfile once, with all services that are built from it; and services whose source is not here.

    Raises ConfigError for a file that cannot be read.
    """
    uses: dict[tuple[str, ...], dict[str, frozenset[str]]] = {}  # a Dockerfile → its services, and what they override
    for config in configs:
        for name, service in config.services.items():
            if asked := service.definition.get("build"):
                parts = (asked.get("dockerfile") or "Dockerfile", asked.get("target"), asked.get("dockerfile_inline"),
                         " ".join(sorted(asked.get("additional_contexts") or ())))  # fmt: skip
                key = (str(asked["context"]), *(str(part or "") for part in parts))
                uses.setdefault(key, {})[name] = _overridden(service)
    memory = max((config.settings.build.memory for config in configs), default=0)
    found: list[Build] = []
    unseen: list[str] = []
    for (context, dockerfile, target, inline, others), use in uses.items():
        if not Path(context).is_dir():
            unseen += use
            continue
        around = _around(raw, Path(context), dockerfile, tuple(use))
        around |= {"memory": memory, "target": target, "contexts": frozenset(others.split())}
        around |= {"overridden": frozenset.intersection(*use.values())}
        found.append(_inline(raw, inline, around) if inline else _build(Path(context) / dockerfile, around))
    return tuple(found), tuple(unseen)


def linted(build: Build) -> Build:
    """The same with what BuildKit says of it; a Dockerfile in the compose file has no file to ask it about."""
    if build.text is None or not build.path:
        return build
    return replace(build, remarks=buildx.lint(Path(build.path), Path(build.context), build.target))


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


def _around(raw: Positions, context: Path, dockerfile: str, services: tuple[str, ...]) -> dict[str, Any]:
    """What lies in a build folder and one level below it."""
    ignores = (context / f"{dockerfile}.dockerignore", context / ".dockerignore")
    ignore = next((file for file in ignores if file.is_file()), None)
    below = (f for f in islice(sorted(context.iterdir()), MANY) if f.is_dir() and not f.is_symlink())
    around = [f / name for f in (context, *below) for name in (".npmrc", *LOCKS) if (f / name).is_file()]
    npmrcs: Mapping[str, str] = {str(f.relative_to(context)): text_of(f) for f in around if f.name == ".npmrc"}
    return {
        "services": services,
        "context": str(context),
        "place": raw.at(("services", services[0], "build")),
        "source": shown(raw.file),
        "ignore": text_of(ignore) if ignore else None,
        "npmrcs": npmrcs,
        "files": frozenset(f.name for f in around if f.name != ".npmrc"),
    }


def _build(file: Path, around: Mapping[str, Any]) -> Build:
    return Build(shown(file), text_of(file) if file.is_file() else None, **around, path=str(file))


def _inline(raw: Positions, text: str, around: Mapping[str, Any]) -> Build:
    """A Dockerfile that stands in the compose file: as a block its lines are those of the file, else all is one."""
    begins = raw.at(("services", around["services"][0], "build", "dockerfile_inline"))
    lines = text_of(raw.file).splitlines()
    first = lines[begins.line] if begins.line < len(lines) else ""
    indent = len(first) - len(first.lstrip())
    return Build(shown(raw.file), text, line=begins.line + 1, column=indent + 1, **around)


def text_of(path: Path) -> str:
    """A file's text. Raises ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else _("is no UTF-8 text")
        raise ConfigError([Problem(shown(path), 0, 0, "", str(reason))]) from None
