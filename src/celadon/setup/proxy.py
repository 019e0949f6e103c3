"""The proxy before the old services, as values: servers, ways to services, and what has no place in Celadon's file."""

from dataclasses import dataclass

from celadon.setup.tale import LEFT, Spot


@dataclass(frozen=True)
class Door:
    """What a server listens on; `address` "" is all."""

    port: int
    address: str = ""
    tls: bool = False


@dataclass(frozen=True)
class Limits:
    """How large an upload may be, in nginx's words, and how many seconds a service may be silent; None: not said."""

    body: str | None = None
    timeout: float | None = None

    def said(self) -> str:
        """As keys of `x-celadon`."""
        keys = {"client_max_body_size": self.body, "timeout": None if self.timeout is None else f"{self.timeout:g}s"}
        return ", ".join(f"{key} {value}" for key, value in keys.items() if value is not None)

    def over(self, other: "Limits") -> "Limits":
        """These, and where they say nothing, the `other`."""
        return Limits(self.body or other.body, self.timeout if self.timeout is not None else other.timeout)


@dataclass(frozen=True)
class Way:
    """A path that is sent to somebody: `host` and `port` are as proxy_pass has them, through upstreams."""

    spot: Spot
    prefix: str
    host: str
    port: int
    strip: bool = False
    limits: Limits = Limits()


@dataclass(frozen=True)
class Site:
    """A server block. `redirects` where it only sends users to https."""

    spot: Spot
    doors: tuple[Door, ...] = (Door(80),)
    hosts: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""
    redirects: bool = False
    limits: Limits = Limits()
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Left:
    """Something that has no place in Celadon's file, and why."""

    spot: Spot
    what: str
    why: str
    kind: str = LEFT


@dataclass(frozen=True)
class Proxy:
    """All of it."""

    sites: tuple[Site, ...] = ()
    left: tuple[Left, ...] = ()
    limits: Limits = Limits()
