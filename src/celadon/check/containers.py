"""What containers see of the host, and whom they run as."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from celadon.check import access
from celadon.check.access import Mount, User
from celadon.check.dockerfile import parse
from celadon.check.facts import Build
from celadon.config.secret_files import content_of
from celadon.config.workspace import EnvironmentConfig


def _definitions(config: EnvironmentConfig) -> dict[str, Mapping[str, Any]]:
    return {**{name: service.definition for name, service in config.services.items()}, **config.backing}


def mounts(configs: Sequence[EnvironmentConfig]) -> Iterator[tuple[str, Path, bool]]:
    """What containers see of the host: the service, the file or folder, and whether a bind mount says so."""
    for config in configs:
        for name, definition in _definitions(config).items():
            for volume in definition.get("volumes") or []:
                if volume.get("type") == "bind":
                    yield name, Path(volume["source"]), True
            for secret in definition.get("secrets") or []:
                file = config.secrets.get(secret["source"], {}).get("file")
                if file and content_of(secret) is None:  # else it is a copy, which the container's user may read
                    yield name, Path(file), False


def seen_by(path: Path, sources: Sequence[tuple[str, Path, bool]], home: Path) -> tuple[Mount, ...]:
    """The services that see a file, each with the folders from what is mounted down to it; `home` is the workspace."""
    found: dict[str, Mount] = {}
    for service, source, _bind in sources:
        top = source.resolve()
        passing = home.resolve().is_relative_to(top)
        if path.is_relative_to(top) and (not passing or service not in found):
            way = [folder for folder in reversed(path.parents) if folder.is_relative_to(top)]
            found[service] = Mount(service, tuple(map(access.of, way)), passing)
    return tuple(found.values())


def users(configs: Sequence[EnvironmentConfig], built: Sequence[Build]) -> dict[str, User]:
    """Whom each service runs as, where the compose file or a Dockerfile says so."""
    found: dict[str, User] = {}
    for build in built:
        if user := access.of_image(parse(build.text or ""), build.target):
            found |= dict.fromkeys(build.services, user)
    for config in configs:
        for name, definition in _definitions(config).items():
            if definition.get("user"):
                found.pop(name, None)
            if user := access.of_compose(definition):
                found[name] = user
    return found
