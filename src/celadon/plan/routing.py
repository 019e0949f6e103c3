"""What the router must do, as values: which addresses answer for which host and prefix. Rendering is nginx's door's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from celadon.config.model import ServiceOptions
from celadon.config.values import HOST
from celadon.config.workspace import EnvironmentConfig
from celadon.plan.network import Network
from celadon.plan.render import PLAIN_ENTRANCE, ROUTER_FOLDER, TLS_ENTRANCE, Placed


@dataclass(frozen=True)
class Route:
    """One prefix of one host. `target` is "ADDRESS:PORT", "" while the service has nothing live."""

    service: str
    release: str
    prefix: str
    target: str
    strip: bool
    timeout: float
    body: str

    @property
    def below(self) -> str:
        """The prefix with its closing slash: "/shop/", or "/"."""
        return self.prefix.rstrip("/") + "/"


@dataclass(frozen=True)
class Site:
    """The routes of one host; `host` "" is whoever asks with any other name."""

    host: str
    routes: tuple[Route, ...]


@dataclass(frozen=True)
class Internal:
    """A service's name and port as other services call it."""

    route: Route
    port: int


@dataclass(frozen=True)
class Routing:
    """The whole router of one environment.

    `plain` and `secure` are what nginx listens on for users; `inside` is what stands before the port of an internal
    name: "", or "ADDRESS:"; `insiders` is the network that may ask there, less the host's own address in it
    (`gateway`), from which requests of users can come as well.

    `host` and `authority` (with its port) are those of the environment's `url`; `names` are what else the certificate
    is for. Where `names_only`, nothing answers by TLS to another name. `per_address` is how many requests of one
    address may be under way, 0 for any number.
    """

    environment: str
    sites: tuple[Site, ...]
    internal: tuple[Internal, ...]
    plain: tuple[str, ...]
    secure: tuple[str, ...]
    inside: str
    insiders: str
    certificate: str
    key: str
    redirect: bool
    redirect_port: str
    body: str
    timeout: float
    drain: float
    trusted: tuple[str, ...]
    gateway: str
    host: str
    authority: str
    names: tuple[str, ...]
    names_only: bool
    per_address: int

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names of users who get the routes without a host of their own."""
        taken = {site.host.lower() for site in self.sites}
        return tuple(name for name in dict.fromkeys((self.host, *self.names)) if name not in taken)

    def route_of(self, service: str) -> tuple[str, Route] | None:
        """The host ("" for any) and the public route of a service."""
        return next(((s.host, r) for s in self.sites for r in s.routes if r.service == service), None)


def routing(
    config: EnvironmentConfig,
    network: Network,
    placed: Iterable[Placed],
    certificate: str = "",
    names: tuple[str, ...] = (),
) -> Routing:
    """The routing that gives users `placed`; a service of the file that is not among them answers 503 in words.

    `certificate` names the certificate in the router's folder, without its ending.

    Prefix, port and host of a placed service are those it was frozen with, not those of the file today.
    """
    services: dict[str, tuple[ServiceOptions, Placed | None]] = {
        name: (service.options, None) for name, service in config.services.items()
    }
    for one in placed:
        frozen: Mapping[str, Any] = one.document["services"][one.release.service].get("x-celadon") or {}
        services[one.release.service] = (ServiceOptions.of_kept(frozen), one)
    by_host: dict[str, list[Route]] = {"": []}
    internal: list[Internal] = []
    for name, (options, live) in sorted(services.items()):
        if options.port is None:
            continue
        route = _route(config, name, options, live)
        internal.append(Internal(route, options.port))
        if options.route is not None and (live or not _covered(options, services.values())):
            by_host.setdefault(options.host or "", []).append(route)
    plain, secure = _doors(config)
    router, (host, authority) = config.settings.router, _public(config.options.url)
    return Routing(
        environment=config.name,
        sites=tuple(Site(host, tuple(routes)) for host, routes in by_host.items()),
        internal=tuple(internal),
        plain=plain,
        secure=secure,
        inside=f"{network.gateway}:" if router.on_host else "",
        insiders=str(network.subnet),
        certificate=f"{ROUTER_FOLDER}/{certificate}.pem",
        key=f"{ROUTER_FOLDER}/{certificate}.key",
        redirect=bool(config.options.tls and config.options.tls.redirect),
        redirect_port=_redirect_port(config),
        body=router.client_max_body_size,
        timeout=router.timeout,
        drain=config.options.drain,
        trusted=router.trusted_proxies,
        gateway=str(network.gateway),
        host=host,
        authority=authority,
        names=tuple(name for name in dict.fromkeys(names) if not _is_address(name)),  # a table takes no name twice
        names_only=bool(host) and not router.trusted_proxies and not any(map(_is_address, (host, *names))),
        per_address=router.connections_per_address,
    )


def _public(url: str) -> tuple[str, str]:
    """The host of the environment's address, and the host with its port; "" for one that an earlier Celadon took."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", ""
    return (host, f"{host}:{port}" if port else host) if HOST.fullmatch(host) else ("", "")


def _is_address(name: str) -> bool:
    """Whether a name is an IP address: who asks for one names no server in the TLS handshake."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _doors(config: EnvironmentConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What nginx listens on for users, plain and with TLS: the host's ports, or entrances behind the engine's."""
    tls = config.options.tls
    if config.settings.router.on_host:
        return tuple(map(str, config.options.listen)), tuple(map(str, tls.listen if tls else ()))
    return (str(PLAIN_ENTRANCE),), ((str(TLS_ENTRANCE),) if tls else ())


def _covered(options: ServiceOptions, services: Iterable[tuple[ServiceOptions, Placed | None]]) -> bool:
    """Whether something live answers where `options` would: words of what is not there yet must not take its place."""
    path = f"{(options.route or '').rstrip('/')}/"
    return any(
        live
        and other.route is not None
        and other.host == options.host
        and path.startswith(f"{other.route.rstrip('/')}/")
        for other, live in services
    )


def _route(config: EnvironmentConfig, name: str, options: ServiceOptions, live: Placed | None) -> Route:
    router = config.settings.router
    return Route(
        service=name,
        release=live.release.id if live else "",
        prefix=options.route or "/",
        target=f"{live.address}:{options.port}" if live else "",
        strip=options.strip_prefix and options.route not in (None, "/"),
        timeout=router.timeout if options.timeout is None else options.timeout,
        body=options.client_max_body_size or router.client_max_body_size,
    )


def _redirect_port(config: EnvironmentConfig) -> str:
    """What follows the host in an https address: "" for 443, ":8443" where the public address says so."""
    if config.options.tls is None:
        return ""
    parts = urlsplit(config.options.url)
    port = parts.port if parts.scheme == "https" else config.options.tls.listen[0].port
    return "" if port in (None, 443) else f":{port}"
