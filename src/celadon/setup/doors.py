"""From nginx's servers to what each environment listens on, its public address, its certificates."""

import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celadon.locale import _
from celadon.setup.proxy import Proxy, Site
from celadon.setup.tale import BY_HAND, CARRIED, Row, Spot
from celadon.setup.twins import PRODUCTION, STAGING, Old, mounts

NOWHERE = "localhost"  # the host of a public address that nobody told
LISTEN = {STAGING: 4400, PRODUCTION: 80}  # where nothing says another


@dataclass(frozen=True)
class Doors:
    """What an environment listens on, and its public address."""

    listen: tuple[int | str, ...]
    url: str
    tls: Mapping[str, Any] = field(default_factory=dict)

    @property
    def taken(self) -> tuple[int | str, ...]:
        """All that it listens on."""
        return (*self.listen, *self.tls.get("listen", ()))


def doors(old: Old, proxy: Proxy, behind: Mapping[str, Sequence[Site]], workspace: Path, rows: list[Row]
          ) -> dict[str, Doors]:  # fmt: skip
    """The doors of both environments; `behind` are the servers that lead to services of each."""
    found = {one: _doors(old, proxy, one, behind[one], workspace, rows) for one in (PRODUCTION, STAGING)}
    found[STAGING] = _apart(found[STAGING], found[PRODUCTION], rows, old)
    if urlsplit(found[PRODUCTION].url).hostname == NOWHERE:
        what = _("no server_name is known")
        rows.append(Row(BY_HAND, Spot(old.file, 0), what, _("put the public addresses in `url`")))
    return found


def _doors(old: Old, proxy: Proxy, environment: str, behind: Sequence[Site], workspace: Path, rows: list[Row]
           ) -> Doors:  # fmt: skip
    hosts = {host for site in behind for host in site.hosts}
    redirects = [site for site in proxy.sites if not site.ways and site.redirects and hosts & set(site.hosts)]
    sites = list(dict.fromkeys((*behind, *redirects)))
    ports = list(dict.fromkeys(door for site in sites for door in site.doors))
    listen, secure = (
        tuple(dict.fromkeys(_outside(old, environment, d.address, d.port) for d in ports if d.tls == tls))
        for tls in (False, True)
    )
    host = next((site.hosts[0] for site in sites if site.hosts), "")
    tls = _tls(old, environment, sites, secure, workspace, rows) if secure else {}
    made = Doors(listen or (LISTEN[environment],), "", tls)
    for site in sites:
        what = "listen " + ", ".join(str(door.port) for door in site.doors)
        became = _("{environment} listens on {ports}").format(
            environment=environment, ports=", ".join(map(str, made.taken)))  # fmt: skip
        rows.append(Row(CARRIED, site.spot, what, became))
    return replace(made, url=_url(host, made))


def _url(host: str, doors: Doors) -> str:
    scheme, default = ("https", 443) if doors.tls else ("http", 80)
    ports = [port_of(one) for one in (doors.tls.get("listen") or doors.listen)]
    return f"{scheme}://{host or NOWHERE}{'' if default in ports else f':{ports[0]}'}"


def _outside(old: Old, environment: str, address: str, port: int) -> int | str:
    """The host's port of one that nginx listens on, in a container or not."""
    routers = (f.of(environment) for f in old.families if f.is_router)
    published = (p for twin in routers if twin for p in twin.ports if p.container == port and p.host)
    if outside := next(published, None):
        address, port = outside.address, outside.host
    return f"{address}:{port}" if address.count(".") == 3 else port


def _tls(old: Old, environment: str, sites: Sequence[Site], secure: Sequence[int | str], workspace: Path,
         rows: list[Row]) -> Mapping[str, Any]:  # fmt: skip
    site = next((site for site in sites if site.certificate and site.key), None)
    if site is None:
        return {}
    files = [_on_host(old, environment, path, workspace) for path in (site.certificate, site.key)]
    if not all((workspace / file).is_file() for file in files):
        why = _("{files}: not here; put them there and add `tls` to {environment}").format(
            files=", ".join(files), environment=environment)  # fmt: skip
        rows.append(Row(BY_HAND, site.spot, "ssl_certificate", why))
        return {}
    redirect = any(one.redirects for one in sites)
    rows.append(Row(CARRIED, site.spot, "ssl_certificate", _("tls of {environment}").format(environment=environment)))
    return {"certificate": files[0], "key": files[1], "listen": list(secure), "redirect": redirect}


def _on_host(old: Old, environment: str, path: str, workspace: Path) -> str:
    """A path of nginx's container as one of the host, relative to the workspace where it lies below it."""
    file = Path(path)
    for twin in (f.of(environment) for f in old.families if f.is_router):
        for source, target in mounts(twin) if twin else ():
            if path == target or path.startswith(f"{target.rstrip('/')}/"):
                file = old.folder / source / path.removeprefix(target).lstrip("/")
    file = Path(os.path.normpath(old.folder / file))  # a link stays one: a renewed certificate is behind it
    return str(file.relative_to(workspace) if file.is_relative_to(workspace) else file)


def _apart(staging: Doors, production: Doors, rows: list[Row], old: Old) -> Doors:
    """Staging's doors, where production has other ones: two routers cannot share a port."""
    host = next((name for one in (staging, production) if (name := urlsplit(one.url).hostname) != NOWHERE), None)
    taken = {port_of(one) for one in production.taken}
    if not taken & {port_of(one) for one in staging.taken}:
        return replace(staging, url=_url(host or "", staging))
    free = next(port for port in range(LISTEN[STAGING], 65535) if port not in taken)
    why = _("each environment has ports of its own: staging listens on {port}").format(port=free)
    rows.append(Row(BY_HAND, Spot(old.file, 0), _("staging and production share ports"), why))
    return replace(made := Doors((free,), ""), url=_url(host or "", made))


def port_of(listen: int | str) -> int:
    """The port of "127.0.0.1:4400", or of 4400."""
    return int(str(listen).rpartition(":")[2])
