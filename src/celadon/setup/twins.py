"""Services of an old compose file as values: a family is one service, its twins are what each environment has of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celadon.config.positions import Key, Place, Positions, shown
from celadon.config.values import NAME
from celadon.setup.scanning import Folder

STAGING, PRODUCTION, DEVELOPMENT, EVERY = "staging", "production", "development", ""
SPELLINGS = {
    "staging": STAGING, "stage": STAGING, "stg": STAGING,
    "production": PRODUCTION, "prod": PRODUCTION, "prd": PRODUCTION,
    "development": DEVELOPMENT, "dev": DEVELOPMENT, "local": DEVELOPMENT,
}  # fmt: skip
WORD = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(SPELLINGS)})(?![A-Za-z0-9])")

_SUFFIX = re.compile(rf"(.+?)[-_.]({'|'.join(SPELLINGS)})")
_SLOT = re.compile(r"(.+?)[-_](blue|green)")
_BACKING = re.compile(
    r"postgres|postgis|timescaledb|pgvector|mysql|mariadb|mongo|redis|valkey|memcached|rabbitmq|kafka|zookeeper|nats"
    r"|elasticsearch|opensearch|meilisearch|qdrant|minio|clickhouse|influxdb|mailhog|mailpit|adminer|pgadmin"
)
_ROUTER = re.compile(r"nginx|traefik|haproxy|caddy|envoy|httpd")
_ONCE = re.compile(r"(^|-)(scheduler|cron|beat|clock|ticker)($|-)")
_ROUTER_NAME = re.compile(r"(.*[-_])?(nginx|proxy|gateway|router|lb)")


@dataclass(frozen=True)
class Published:
    """A port of the host that leads to one of a container; `host` 0: the engine chooses; `address` "" is all."""

    host: int
    container: int
    place: Place
    address: str = ""


@dataclass(frozen=True)
class Twin:
    """A service of the old file. `environment` is whose it is, EVERY for all; `definition` is as it was written."""

    name: str
    environment: str
    definition: Mapping[str, Any]
    file: str
    place: Place
    folder: Path
    ports: tuple[Published, ...] = ()

    @property
    def called(self) -> set[str]:
        """Every name under which others ask for it."""
        names = {
            self.name,
            str(self.definition.get("container_name") or ""),
            str(self.definition.get("hostname") or ""),
        }
        networks = self.definition.get("networks")
        for network in networks.values() if isinstance(networks, dict) else ():
            names |= set(map(str, network.get("aliases") or ())) if isinstance(network, dict) else set()
        return names - {""}

    @property
    def context(self) -> Path | None:
        """The folder that it is built from."""
        build = self.definition.get("build")
        context = build.get("context", ".") if isinstance(build, dict) else build
        return (self.folder / str(context)).resolve() if context else None

    @property
    def environment_entries(self) -> dict[str, str | None]:
        """`environment:` by name, list or mapping; None is passed on from the shell."""
        return entries_of(self.definition)

    @property
    def env_files(self) -> tuple[str, ...]:
        given = self.definition.get("env_file") or ()
        entries = given if isinstance(given, list) else [given] if given else []
        paths = (one if isinstance(one, dict) else {"path": one} for one in entries)
        return tuple(str(one.get("path")) for one in paths if not (one.get("required") is False and self._lacks(one)))

    def _lacks(self, entry: Mapping[str, Any]) -> bool:
        """Whether an optional env file is not here: it is left out."""
        return not (self.folder / str(entry.get("path"))).is_file()


@dataclass(frozen=True)
class Family:
    """What becomes one service: `twins` is one for each environment that has it, the most important first.

    `base` is the image that it is built on, where its folder is here.
    """

    name: str
    twins: tuple[Twin, ...]
    base: str = ""

    def of(self, environment: str) -> Twin | None:
        """The one that runs in `environment`."""
        return next((t for t in self.twins if t.environment in (environment, EVERY)), None)

    @property
    def first(self) -> Twin:
        return self.twins[0]

    @property
    def image(self) -> str:
        """Its image's repository without registry and tag; "" for one that is built."""
        if self.first.definition.get("build"):
            return ""
        path = str(self.first.definition.get("image") or "").partition("@")[0]
        return path.rpartition("/")[2].partition(":")[0]

    @property
    def is_backing(self) -> bool:
        return bool(_BACKING.search(self.image))

    @property
    def has_images(self) -> bool:
        """Whether production pulls another image than staging has: they are the team's, made and pushed elsewhere."""
        images = {str(t.definition.get("image") or "") for t in self.twins if t.environment != DEVELOPMENT}
        return bool(self.image) and not self.is_backing and len(images) > 1

    @property
    def is_router(self) -> bool:
        """A proxy before the others: its work is the router's from now on."""
        if self.image:
            return bool(_ROUTER.search(self.image)) and any(_mounts_configuration(t) for t in self.twins)
        return bool(_ROUTER_NAME.fullmatch(self.name) and _ROUTER.search(self.base))

    @property
    def runs_once(self) -> bool:
        """Whether its name says that two of it would do the same work twice."""
        return bool(_ONCE.search(self.name))

    @property
    def only_development(self) -> bool:
        return all(twin.environment == DEVELOPMENT for twin in self.twins)


@dataclass(frozen=True)
class Old:
    """The old file. `folder` is what its paths are relative to; `variables` is its .env, for reading only."""

    raw: Positions
    folder: Path
    families: tuple[Family, ...]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    sources: Mapping[Path, Folder] = field(default_factory=dict, repr=False)  # build folders that are here

    @property
    def file(self) -> str:
        return shown(self.raw.file)

    @property
    def shared_networks(self) -> frozenset[str]:
        """Networks that exist without this file."""
        networks = self.raw.data.get("networks") or {}
        return frozenset(name for name, options in networks.items() if options and options.get("external"))

    @property
    def twinned(self) -> bool:
        """Whether the file tells environments apart at all."""
        return any(t.environment != EVERY for f in self.families for t in f.twins)

    def source(self, family: Family) -> Folder | None:
        """What the folder that a service is built from says."""
        return self.sources.get(family.first.context) if family.first.context else None

    def at(self, *path: Key) -> Place:
        return self.raw.at(path, key=True)

    def called(self, name: str) -> tuple[Family, Twin] | None:
        """Who answers to `name`, a blue or green one as well."""
        slot = _SLOT.fullmatch(name)
        for wanted in (name, *([slot[1]] if slot else [])):
            for family in self.families:
                for twin in family.twins:
                    if wanted in twin.called:
                        return family, twin
        return None

    def publishing(self, port: int) -> tuple[Family, Twin, Published] | None:
        """Who answers at the host's `port`."""
        every = ((f, t, p) for f in self.families for t in f.twins for p in t.ports)
        return next((found for found in every if found[2].host == port), None)


def split(name: str) -> tuple[str, str]:
    """The service's name without its environment or slot, and the environment: ("hub", "staging") of hub-staging."""
    suffix = _SUFFIX.fullmatch(name)
    base, environment = (suffix[1], SPELLINGS[suffix[2]]) if suffix else (name, EVERY)
    slot = _SLOT.fullmatch(base)
    good = re.sub(r"[^a-z0-9]+", "-", (slot[1] if slot else base).lower()).strip("-")[:40]
    return (good if NAME.fullmatch(good) and good != "router" else f"app-{good}"), environment


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def entries_of(definition: Mapping[str, Any]) -> dict[str, str | None]:
    """`environment:` by name, list or mapping; None is passed on from the shell."""
    given = definition.get("environment") or {}
    if isinstance(given, list):
        pairs = (str(word).partition("=") for word in given)
        return {name: value if sign else None for name, sign, value in pairs}
    return {str(name): None if value is None else _scalar(value) for name, value in dict(given).items()}


def _mounts_configuration(twin: Twin) -> bool:
    return any(
        True for _source, _target in mounts(twin) if re.search(r"nginx|\.conf|haproxy|Caddyfile|docker\.sock", _target)
    )


def mounts(twin: Twin) -> Iterator[tuple[str, str]]:
    """What of the host a container sees: (path of the host, path in the container)."""
    for volume in twin.definition.get("volumes") or ():
        if isinstance(volume, dict):
            source, target = str(volume.get("source") or ""), str(volume.get("target") or "")
        else:
            source, _colon, target = str(volume).partition(":")
        if source.startswith((".", "/", "~")):
            yield source, target.partition(":")[0]
