"""One look at what lies on the disk: file systems, images, build cache; frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Space:
    """A file system that the engine or the workspace writes to: bytes, and inodes (0 of 0 without a fixed number)."""

    folder: str
    free: int
    total: int
    inodes_free: int = 0
    inodes: int = 0


@dataclass(frozen=True)
class Image:
    """An image of the host. `own` are bytes that no other image shares; `workspace` is what it was built for, if any;
    `tags` are all its names, digests of registries included.

    `used`: a container was made of it, running or not.
    """

    id: str
    tags: tuple[str, ...]
    own: int
    workspace: str
    created: str
    used: bool


@dataclass(frozen=True)
class Cached:
    """A record of the engine's build cache. `used` is when, in ISO 8601 and UTC; `created` in seconds of the epoch.

    `busy`: a build uses it, or an image holds the same bytes, so that nothing would be free. A record cannot go before
    those whose `parents` (ids) it is among.
    """

    id: str
    description: str
    size: int
    used: str
    busy: bool
    parents: tuple[str, ...] = ()
    created: float = 0.0


@dataclass(frozen=True)
class Disk:
    """The whole look. `spaces` hold images, layers and cache, `state` the workspace's `.celadon`; `images` by id."""

    spaces: tuple[Space, ...]
    state: Space
    images: Mapping[str, Image] = field(default_factory=dict)
    cache: tuple[Cached, ...] = ()


@dataclass(frozen=True)
class Named:
    """The names of an image of the host: `tags`, `digests` of registries, and the workspace that it was built for, if
    any."""

    tags: tuple[str, ...]
    digests: tuple[str, ...] = ()
    workspace: str = ""
