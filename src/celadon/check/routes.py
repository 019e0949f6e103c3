"""Rules of routes and public addresses that no single value of the file breaks."""

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from celadon.check.envfiles import origin
from celadon.check.facts import ERROR, WARNING, Facts, Finding, Rule
from celadon.config.workspace import EnvironmentConfig, Service
from celadon.locale import _

HIDDEN = Rule(
    "routes/hidden", ERROR, _("no request of a user ever reaches it, and the probe from outside fails the deployment"),
    _("Give all services of that address the same `host`, or none of them one."),
)  # fmt: skip
HEALTH = Rule(
    "routes/health-elsewhere", ERROR, _("the longest prefix wins: the probe from outside asks the wrong service"),
    _("Choose a health path outside of {route}."),
)  # fmt: skip
PUBLIC_URL = Rule(
    "routes/public-url", WARNING, _("links, redirects and cookies of the service lead elsewhere"),
    _("It should begin with the environment's `url`: {url}"),
)  # fmt: skip

_PUBLIC = re.compile(r"^(PUBLIC_URL|APP_PUBLIC_URL|NEXTAUTH_URL|NEXT_PUBLIC_\w*URL|VITE_PUBLIC_URL)$")
DEFAULT_PORTS = {"http": 80, "https": 443}


def hidden(seen: Facts) -> Iterator[Finding]:
    """Services that the router can only give to hosts that nobody asks for: a named host has only its own routes."""
    for config in seen.environments:
        address = (urlsplit(config.options.url).hostname or "").lower()
        routed = [service for service in config.services.values() if service.routed]
        owners = [s for s in routed if (s.options.host or "").lower() == address]
        for service in (s for s in routed if s.options.host is None and owners):
            what = _("{service} is hidden behind {other}, which has {host} for itself in {environment}").format(
                service=service.name, other=owners[0].name, host=address, environment=config.name
            )
            yield HIDDEN.at(seen.file, seen.raw.at(("services", service.name, "x-celadon", "route")), what).about(
                (service.name,)
            )
        yield from _two_spellings(seen, routed)


def _two_spellings(seen: Facts, routed: list[Service]) -> Iterator[Finding]:
    """Hosts that differ in capitals only are one host, and nginx takes the first of them."""
    for number, service in enumerate(routed):
        for other in routed[:number]:
            mine, theirs = service.options.host or "", other.options.host or ""
            if mine != theirs and mine.lower() == theirs.lower():
                what = _("{service} is hidden behind {other}: its host differs in capitals only").format(
                    service=service.name, other=other.name
                )
                yield HIDDEN.at(seen.file, seen.raw.at(("services", service.name, "x-celadon", "host")), what).about(
                    (service.name,)
                )
                break


def health(seen: Facts) -> Iterator[Finding]:
    """Health paths that lie below the route of another service."""
    for config in seen.environments:
        routed = [service for service in config.services.values() if service.routed]
        for service in routed:
            path, route = service.public_health_path, service.options.route or "/"
            for other in routed:
                prefix = (other.options.route or "/").rstrip("/")
                closer = len(prefix) > len(route.rstrip("/")) and other.options.host == service.options.host
                if path and closer and f"{path}/".startswith(f"{prefix}/"):
                    what = _("the health path {path} of {service} belongs to {other}").format(
                        path=path, service=service.name, other=other.name
                    )
                    place = seen.raw.at(("services", service.name, "x-celadon", "health"))
                    yield HEALTH.at(seen.file, place, what, route=prefix).about((service.name,))


def public_url(seen: Facts) -> Iterator[Finding]:
    """Variables that tell a service its public address. Their values are not told."""
    files = {file.path: file for file in seen.env_files}
    for config in seen.environments:
        for name, service in config.services.items():
            given = service.definition.get("environment") or {}
            for variable in sorted(v for v in given if _PUBLIC.match(v)):
                parts = _parts(str(given[variable] or ""))
                if parts is None or _is_ours(parts, config, service):
                    continue
                other = next(
                    (c.name for c in seen.environments if _origin(urlsplit(c.options.url)) == _origin(parts)), ""
                )
                words = _("{variable} is the address of {other}, not of {environment}") if other else _(
                    "{variable} is not the address of {environment}")  # fmt: skip
                file, place = origin(seen, files, seen.env_of.get((config.name, name), ()), name, variable)
                yield PUBLIC_URL.at(
                    file, place, words.format(variable=variable, other=other, environment=config.name),
                    url=config.options.url,
                )  # fmt: skip


def _parts(value: str) -> SplitResult | None:
    """The address of a value; None for a path, and for what is no address."""
    try:
        parts = urlsplit(value)
        return parts if parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def _is_ours(parts: SplitResult, config: EnvironmentConfig, service: Service) -> bool:
    """Whether it is the environment's address, or that of a host that one of its services has for itself."""
    hosts = {(one.options.host or "").lower() for one in config.services.values()}
    return _origin(parts) == _origin(urlsplit(config.options.url)) or (parts.hostname or "") in hosts - {""}
