"""What one look at the server saw: frozen values, nothing that asks again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from celadon.state.disk import Disk
from celadon.state.signature import Signature

BLUE, GREEN = "blue", "green"

# Labels of what Celadon makes. Images bring labels along, too: what may be touched is decided by MADE for containers
# and by the record for images, never by a label alone.
WORKSPACE, ENVIRONMENT, SERVICE = "celadon.workspace", "celadon.environment", "celadon.service"
FOLDER = "celadon.folder"  # the workspace's own folder: two workspaces of one host may bear the same name
RELEASE, SLOT, ROLE, COMMIT = "celadon.release", "celadon.slot", "celadon.role", "celadon.commit"
FINGERPRINT = "celadon.fingerprint"
CONFINEMENT = "celadon.confinement"  # which restrictions a router runs with
MADE = "celadon.made"  # an annotation of every container: the name of the workspace
DOCUMENT = "celadon.document"  # the frozen release, for the day when `.celadon` is lost

# Values of the label ROLE.
IN_SLOT, ROUTER, BACKING, TASK, ONE_OFF, HELPER = "slot", "router", "backing", "task", "run", "helper"


def other(slot: str) -> str:
    """The slot beside `slot`."""
    return GREEN if slot == BLUE else BLUE


@dataclass(frozen=True)
class Container:
    """One container of this workspace. `address` is its fixed IPv4 on the environment's network, "" without one.

    `folder` is the workspace's, as it was when the container was made. `pids_limit` is 0 without a limit.
    `memory_limit` is bytes, 0 without a limit; `restarts` counts the engine's own restarts; `exit_code` is that of the
    last end; `health` is "healthy", "unhealthy", "starting", or "" without a HEALTHCHECK; times are ISO 8601 in UTC.
    """

    id: str
    name: str
    environment: str
    role: str
    service: str
    slot: str
    release: str
    image_id: str
    state: str
    health: str
    restarts: int
    exit_code: int
    oom_killed: bool
    pid: int
    address: str
    memory_limit: int
    started: str
    fingerprint: str = ""
    folder: str = ""
    confinement: str = ""
    no_new_privileges: bool = False
    pids_limit: int = 0

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def sound(self) -> bool:
        """Running, and nothing says that it is ill."""
        return self.running and self.health in ("", "healthy")


@dataclass(frozen=True)
class Release:
    """One frozen release of a service in an environment. `predecessor` is what was live when it last came.

    `served`: it was live at least once; one that never was is left of a deployment that did not reach its commit.

    `build_key` names what the image was made of (commit and build definition), `fingerprint` the rendered service.
    """

    environment: str
    service: str
    id: str
    image_id: str
    commit: str
    subject: str
    build_key: str
    fingerprint: str
    origin: str
    created: str
    predecessor: str | None = None
    served: bool = False

    @property
    def image(self) -> str:
        """The immutable tag that belongs to this release alone."""
        return f"{self.service}:{self.id}"


@dataclass(frozen=True)
class Live:
    """What the record says users should get: the release, and the slot it runs in."""

    release: str
    slot: str


@dataclass(frozen=True)
class Move:
    """One service of a commit: `after` becomes live; `before` is what it must replace (None: nothing was live).

    Going forward, `before` becomes what a rollback of `after` brings back; going back changes nothing of that.
    """

    service: str
    before: Live | None
    after: Live | None
    forward: bool = True


@dataclass(frozen=True)
class BuildTimes:
    """What a build took in all, and its steps the last times they really ran, the newest first, by key: seconds."""

    seconds: float
    steps: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Built:
    """An image that was built or pulled for a service, whether a release uses it or not."""

    service: str
    id: str
    image_id: str
    commit: str
    subject: str
    build_key: str
    created: str

    @property
    def image(self) -> str:
        return f"{self.service}:{self.id}"


@dataclass(frozen=True)
class Source:
    """Where a service's next image comes from: a commit of a git repository, or a digest in a registry.

    `commit` is the full sha, or the digest; `ref` is what was asked for; `repository` is the folder of the git
    repository, or the image's reference in the registry; `context` is the build context below that folder.
    """

    service: str
    commit: str
    subject: str
    ref: str
    repository: str
    context: str = ""
    pulled: bool = False

    @property
    def short(self) -> str:
        """Seven characters that name the commit, as git shows them."""
        return self.commit.removeprefix("sha256:")[:7]


@dataclass(frozen=True)
class Memory:
    """The host's memory, in bytes: `free` is what can be had without harm; `used` is by container id."""

    free: int
    total: int
    used: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Builder:
    """A builder of Buildx that the file names. `container` is the one on this engine that it is, "" where it is none;
    `memory` (bytes) and `cpus` what that may take, 0 without a limit."""

    name: str
    driver: str
    container: str = ""
    memory: int = 0
    cpus: float = 0

    def bounded(self, memory: str) -> str:
        """The command that lets it take so much; swap would be more of it."""
        return f"docker update --memory {memory} --memory-swap {memory} {self.container}"


@dataclass(frozen=True)
class Snapshot:
    """One look at the server. Keys: `live` by (environment, service), `images` by tag, `incoming` by service.

    `made` are the ids of images and build cache records that this workspace's builds made. `adrift` are the
    environments whose router still mounts a folder that is gone. `at_work` is when deployments of this workspace ran,
    to the second.
    """

    now: datetime
    containers: tuple[Container, ...] = ()
    releases: tuple[Release, ...] = ()
    live: Mapping[tuple[str, str], Live] = field(default_factory=dict)
    built: tuple[Built, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    incoming: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    memory: Memory | None = None
    workspace: str = ""
    disk: Disk | None = None
    made: frozenset[str] = frozenset()
    adrift: frozenset[str] = frozenset()
    builder: Builder | None = None
    at_work: tuple[tuple[datetime, datetime], ...] = ()
    signatures: Mapping[str, Signature] = field(default_factory=dict)  # by service, where signatures are asked for

    def release(self, environment: str, service: str, release_id: str) -> Release | None:
        return next(
            (r for r in self.releases if (r.environment, r.service, r.id) == (environment, service, release_id)), None
        )

    def live_release(self, environment: str, service: str) -> Release | None:
        live = self.live.get((environment, service))
        return self.release(environment, service, live.release) if live else None

    def in_slot(self, environment: str, service: str, slot: str) -> Container | None:
        return next(
            (
                c
                for c in self.containers
                if (c.role, c.environment, c.service, c.slot) == (IN_SLOT, environment, service, slot)
            ),
            None,
        )

    def live_container(self, environment: str, service: str) -> Container | None:
        live = self.live.get((environment, service))
        return self.in_slot(environment, service, live.slot) if live else None

    def of_role(self, environment: str, role: str) -> tuple[Container, ...]:
        return tuple(c for c in self.containers if (c.environment, c.role) == (environment, role))

    def image_named(self, reference: str) -> str:
        """The id of the image that `reference` names on the engine now, "" where it has none or is not a tag."""
        name = reference.removeprefix("docker.io/").removeprefix("library/")
        return self.images.get(name if ":" in name.rpartition("/")[2] else f"{name}:latest", "")

    def has_image(self, image_id: str) -> bool:
        return image_id in self.images.values()
