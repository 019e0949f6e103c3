"""What one look at the server saw, as plain values: enough for every check, and for a bundle that others read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from celadon.state.ending import Fall

OK, INFO, WARNING, ERROR = "ok", "info", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found: `what` is so, `why` it matters, `mend` says what to do."""

    area: str
    severity: str
    what: str
    why: str = ""
    mend: str = ""


@dataclass(frozen=True)
class Box:
    """One container of the host. Bytes; `mine`: of this workspace; `log` is None where it cannot be read.

    `fall` is how one of this workspace last ended, None for one that never did; `killed` counts the processes in it
    that the kernel ended for lack of memory.
    """

    name: str
    mine: bool
    environment: str
    role: str
    service: str
    state: str
    health: str
    memory: int | None
    limit: int
    restarts: int
    log: int | None
    id: str = ""
    fall: Fall | None = None
    killed: int = 0


@dataclass(frozen=True)
class Kill:
    """A process that the kernel ended for lack of memory. `group` is the control group that had none, "" the host;
    `own_group` is the one that the process was in."""

    when: datetime
    process: str
    memory: int
    group: str
    own_group: str = ""


@dataclass(frozen=True)
class FileSystem:
    """A file system: what of ours lies on it, bytes, and inodes (0 of 0 where it has no fixed number)."""

    folder: str
    holds: tuple[str, ...]
    free: int
    total: int
    inodes_free: int
    inodes: int


@dataclass(frozen=True)
class Door:
    """A port that an environment listens on: who holds it ("" for nobody), and whether that is its router."""

    environment: str
    door: str
    holder: str
    ours: bool


@dataclass(frozen=True)
class Shares:
    """The engine's disk by owner, bytes; `reclaimable` of the images no container uses."""

    images: int
    ours: int
    reclaimable: int
    volumes: int
    cache: int
    containers: int


@dataclass(frozen=True)
class Engine:
    """The engine and its tools."""

    version: str
    compose: str
    buildx: str
    live_restore: bool
    driver: str
    root: str
    log_driver: str
    cgroups: str


@dataclass(frozen=True)
class Facts:
    """The whole look. `pressure` is the share of the last minute, in %, in which something waited for memory, cpu, io;
    `kills` is None where the kernel's log cannot be read, `killed` counts all since it booted; `resolved` are names
    asked from a router → "" or what went wrong, `reached` are "host:port" likewise; `certificates` are
    their ends by environment; `capped_by` the ways of capping builds that held when they were tried."""

    now: datetime
    memory_free: int
    memory_total: int
    swap_free: int
    swap_total: int
    pressure: Mapping[str, float]
    kills: tuple[Kill, ...] | None
    engine: Engine
    boxes: tuple[Box, ...]
    disks: tuple[FileSystem, ...]
    shares: Shares
    doors: tuple[Door, ...]
    floor: int
    build_memory: int
    killed: int
    up: tuple[str, ...] = ()
    resolved: Mapping[str, str] = field(default_factory=dict)
    reached: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    capped_by: tuple[str, ...] = ()
    clock_synchronized: bool | None = None
