"""What is to be written, as plain values: a workspace, its environments, its services. Who fills them is not asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COMMON = "config/.env.common"
OF_THE_ENVIRONMENT = "config/.env.${CELADON_ENV:-development}"


@dataclass(frozen=True)
class EnvironmentSketch:
    """An environment: a promote brings it what `from_` runs ("": it is deployed to). `options` are more of its keys."""

    name: str
    listen: tuple[int | str, ...]
    url: str
    from_: str = ""
    tls: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceSketch:
    """A service with `x-celadon`. All texts stand in the file as they are here: ${…} is Compose's.

    Empty is left out; without a `route` it is a worker, or internal. `remarks` are comments above it; `compose` and
    `celadon` are more keys of the service and of its `x-celadon`.
    """

    name: str
    build: str | Mapping[str, Any] = ""
    image: str = ""
    git_url: str = ""
    git_branch: str = ""
    port: int | None = None
    route: str = ""
    host: str = ""
    health: str | Mapping[str, Any] = ""
    strip_prefix: bool = False
    strategy: str = ""
    env_files: tuple[str, ...] = (COMMON, OF_THE_ENVIRONMENT)
    environment: Mapping[str, Any] = field(default_factory=dict)
    volumes: tuple[Any, ...] = ()
    depends_on: tuple[str, ...] | Mapping[str, Any] = ()
    mem_limit: str = ""
    compose: Mapping[str, Any] = field(default_factory=dict)
    celadon: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkspaceSketch:
    """The whole. `backing` and `volumes` are Compose's own mappings by name; `celadon` are more keys of the top's
    `x-celadon` (router, keep, …), `compose` more keys of the file's top (networks, secrets, …).

    `variables` are values for env files: {"common": {NAME: value}, "staging": {…}}. They may be secrets. `wanted` are
    names that somebody has to give values, each with who asks: {"DATABASE_URL": ("saleshub",)}.
    """

    name: str
    environments: tuple[EnvironmentSketch, ...]
    services: tuple[ServiceSketch, ...]
    backing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    volumes: Mapping[str, Any] = field(default_factory=dict)
    celadon: Mapping[str, Any] = field(default_factory=dict)
    compose: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
