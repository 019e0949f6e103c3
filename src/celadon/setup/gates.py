"""From nginx's locations, or from published ports, to routes of services: who is reached where, and how."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from celadon.locale import _
from celadon.setup.doors import Doors, doors
from celadon.setup.health import Gate, with_health
from celadon.setup.proxy import Proxy, Site, Way
from celadon.setup.tale import CARRIED, CONTRADICTION, LEFT, Row, Spot
from celadon.setup.twins import DEVELOPMENT, EVERY, PRODUCTION, SPELLINGS, STAGING, WORD, Family, Old, Twin

_HERE = frozenset(("localhost", "127.0.0.1", "0.0.0.0", "[::1]", "host.docker.internal", "172.17.0.1"))  # noqa: S104
_FRONT = re.compile(r"(.*[-_])?(web|frontend|front|app|ui|www|client|site)")


@dataclass(frozen=True)
class Reached:
    """A way of nginx that ends at a service: at `port` of its container, in `environment`."""

    way: Way
    site: Site
    family: Family
    twin: Twin
    port: int
    environment: str


@dataclass(frozen=True)
class Gates:
    """The whole way in."""

    services: Mapping[str, Gate]
    doors: Mapping[str, Doors]
    rows: tuple[Row, ...]


def gates(old: Old, proxy: Proxy, deployed: Sequence[Family], workspace: Path) -> Gates:
    """Routes of the services in `deployed`, and the doors of both environments."""
    rows: list[Row] = []
    reached = list(_reached(old, proxy, deployed, rows))
    found = {family.name: _gate(old, family, [r for r in reached if r.family is family], rows) for family in deployed}
    hosts = {r.site.hosts[0] for r in reached if r.environment == PRODUCTION and r.site.hosts}
    if len(hosts) > 1:
        found = {name: _with_host(gate, name, reached) for name, gate in found.items()}
    if not proxy.sites:
        found = _out_of_ports(deployed, found, rows)
    found = {f.name: with_health(old, f, found[f.name], rows) for f in deployed}
    behind = {e: [r.site for r in reached if r.environment == e] for e in (STAGING, PRODUCTION)}
    return Gates(found, doors(old, proxy, behind, workspace, rows), tuple(rows))


def _reached(old: Old, proxy: Proxy, deployed: Sequence[Family], rows: list[Row]) -> Iterator[Reached]:
    for site in proxy.sites:
        ends = [(way, destination(old, way)) for way in site.ways]
        ours = {end[1].environment for _way, end in ends if end} & {STAGING, PRODUCTION}
        of_site = ours.pop() if len(ours) == 1 else _of_words(site) or PRODUCTION
        for way, end in ends:
            where = f"{way.host}:{way.port}"
            if end is None:
                what = _("no service of {file} answers at {where}").format(file=old.file, where=where)
                rows.append(Row(CONTRADICTION, way.spot, f"location {way.prefix}", what))
                continue
            family, twin, port = end
            if family not in deployed:
                what = _("{name} is a backing service: users do not reach it through the router").format(
                    name=family.name
                )
                rows.append(Row(LEFT, way.spot, f"location {way.prefix} → {where}", what))
                continue
            environment = twin.environment if twin.environment != EVERY else of_site
            if environment != DEVELOPMENT:
                yield Reached(way, site, family, twin, port, environment)


def destination(old: Old, way: Way) -> tuple[Family, Twin, int] | None:
    """Who answers a way, and at which port of its container."""
    if way.host in _HERE:
        published = old.publishing(way.port)
        return (published[0], published[1], published[2].container) if published else None
    called = old.called(way.host)
    return (*called, way.port) if called else None


def _of_words(site: Site) -> str:
    found = [SPELLINGS[m[1]] for text in (*site.hosts, site.spot.file) for m in WORD.finditer(text)]
    return found[0] if found else ""


def _gate(old: Old, family: Family, reached: Sequence[Reached], rows: list[Row]) -> Gate:
    """The route of a service: the shortest of production's prefixes; what lies beside it has no place."""
    mine = sorted(reached, key=lambda r: (r.environment != PRODUCTION, len(r.way.prefix)))
    if not mine:
        return Gate(port=_port_inside(family))
    first = mine[0]
    limits = first.way.limits
    for other in mine[1:]:
        below = f"{other.way.prefix}/".startswith(f"{first.way.prefix.rstrip('/')}/")
        if below and other.way.strip == first.way.strip:
            limits = limits.over(other.way.limits)
        else:
            why = _("{name} has one route: {route}").format(name=family.name, route=first.way.prefix)
            rows.append(Row(LEFT, other.way.spot, f"location {other.way.prefix}", why))
    stripped = _(", the prefix taken away") if first.way.strip else ""
    became = _("route {route} of {name}, port {port}{stripped}").format(
        route=first.way.prefix, name=family.name, port=first.port, stripped=stripped)  # fmt: skip
    limits = limits.over(first.site.limits)
    what = f"location {first.way.prefix} → {first.way.host}:{first.way.port}"
    rows.append(Row(CARRIED, first.way.spot, what, ", ".join(filter(None, [became, limits.said()]))))
    return Gate(first.port, first.way.prefix, "", "", first.way.strip, limits,
                {r.environment: (r.port, r.way.spot) for r in reversed(mine)})  # fmt: skip


def _port_inside(family: Family) -> int | None:
    for twin in family.twins:
        for port in twin.ports:
            return port.container
        for word in twin.definition.get("expose") or ():
            if str(word).isdigit():
                return int(word)
        if str(twin.environment_entries.get("PORT")).isdigit():
            return int(str(twin.environment_entries["PORT"]))
    return None


def _with_host(gate: Gate, name: str, reached: Iterable[Reached]) -> Gate:
    sites = (r.site for r in reached if r.family.name == name and r.environment == PRODUCTION and r.site.hosts)
    return replace(gate, host=next((site.hosts[0] for site in sites), ""))


def _out_of_ports(deployed: Sequence[Family], found: dict[str, Gate], rows: list[Row]) -> dict[str, Gate]:
    """Without nginx users asked published ports: one of those services is /, the others lie below it."""
    published = [f for f in deployed if any(t.ports for t in f.twins) and found[f.name].port]
    front = next((f for f in published if _FRONT.fullmatch(f.name)), published[0] if published else None)
    for family in published:
        route, strip = ("/", False) if family is front else (f"/{family.name}", True)
        port = next(p for t in family.twins for p in t.ports)
        became = _("route {route} of {name}{stripped}: users ask the environment's address").format(
            route=route, name=family.name, stripped=_(", the prefix taken away") if strip else "")  # fmt: skip
        rows.append(
            Row(CARRIED, Spot(family.first.file, port.place.line), f"port {port.host}:{port.container}", became)
        )
        found[family.name] = replace(found[family.name], route=route, strip=strip)
    return found
