"""A team's nginx.conf, read: who answers where, at which port, under which name. What has no place here is told."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from celadon.config.values import NGINX_SIZE, ROUTE
from celadon.locale import _
from celadon.setup.nginxparse import Directive, named, parse, said, spot
from celadon.setup.proxy import Door, Left, Limits, Proxy, Site, Way
from celadon.setup.tale import BY_HAND

# What Celadon's router does by itself, and what says nothing about services.
_KNOWN = frozenset((
    "access_log", "client_body_timeout", "client_header_timeout", "default_type", "error_log", "events", "http2",
    "include", "ip_hash", "keepalive", "keepalive_timeout", "least_conn", "log_format", "log_not_found", "map", "pid",
    "proxy_buffer_size", "proxy_buffers", "proxy_busy_buffers_size", "proxy_cache_bypass", "proxy_connect_timeout",
    "proxy_http_version", "proxy_next_upstream", "proxy_redirect", "proxy_send_timeout", "resolver", "resolver_timeout",
    "send_timeout", "sendfile", "server_names_hash_bucket_size", "server_tokens", "set", "ssl_ciphers", "ssl_dhparam",
    "ssl_prefer_server_ciphers", "ssl_protocols", "ssl_session_cache", "ssl_session_tickets", "ssl_session_timeout",
    "tcp_nodelay", "tcp_nopush", "types", "types_hash_max_size", "user", "worker_connections", "worker_processes",
    "worker_rlimit_nofile", "zone",
))  # fmt: skip
_HEADERS = frozenset((
    "host", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-prefix", "upgrade",
    "connection",
))  # fmt: skip
_DOORKEEPERS = frozenset(("allow", "auth_basic", "auth_jwt", "auth_request", "deny", "satisfy", "ssl_verify_client"))
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>\[[^\]]*\]|[^/:]+)(?::(?P<port>\d+))?(?P<uri>/.*)?")
_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass
class _Reading:
    """What was met on the way."""

    upstreams: dict[str, tuple[str, int]] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def leave(self, one: Directive, why: str) -> None:
        """Tell it; of what is neither an address nor a path only the first word, since it may hold a secret."""
        plain = len(one["args"]) < 2 or one["directive"] in ("location", "server")
        what = said(one) if plain else f"{one['directive']} {one['args'][0]} …"
        if one["directive"] in _DOORKEEPERS and one["args"] != ["off"]:
            why = _("without it everybody gets in: put it into x-celadon.router.template")
            self.left.append(Left(spot(one), what, why, BY_HAND))
        else:
            self.left.append(Left(spot(one), what, why))


def read(files: Sequence[Path]) -> Proxy:
    """What the files say, with what they include. Raises ConfigError with the place of what nginx would not read."""
    directives = [one for file in files for one in parse(file)]
    reading = _Reading()
    for one in named(directives, "upstream"):
        _upstream(one, reading)
    limits = Limits()
    for one in directives:
        for inner in one["block"] if one["directive"] == "http" else [one]:
            limits = _limits(inner).over(limits)
            if inner["directive"] not in ("server", "upstream", "http") and not _is_known(inner):
                reading.leave(inner, _("it is of the whole nginx; x-celadon.router.template can have it"))
    sites = tuple(_site(one, reading) for one in named(directives, "server") if "block" in one)
    alike = {site.limits for site in sites if site.ways}
    if len(alike) == 1:  # all of them say the same: it is of the whole router
        limits = alike.pop().over(limits)
        sites = tuple(replace(site, limits=Limits()) for site in sites)
    return Proxy(sites, tuple(sorted(set(reading.left), key=lambda left: left.spot)), limits)


def _upstream(one: Directive, reading: _Reading) -> None:
    servers = [s for s in one["block"] if s["directive"] == "server"]
    ready = [s for s in servers if not {"backup", "down"} & set(s["args"])] or servers
    if ready:
        host, _colon, port = ready[0]["args"][0].partition(":")
        reading.upstreams[one["args"][0]] = (host, int(port) if port.isdigit() else 80)
    for other in servers:
        if other is not ready[0]:
            reading.leave(other, _("a service has one live slot; Celadon moves it itself"))


def _site(one: Directive, reading: _Reading) -> Site:
    site = Site(spot(one), doors=())
    variables: dict[str, str] = {}
    ways: list[Way] = []
    for inner in one["block"]:
        args = inner["args"]
        match inner["directive"]:
            case "listen":
                door = _door(inner, reading)
                site = replace(site, doors=(*site.doors, door) if door else site.doors)
            case "server_name":
                site = replace(
                    site, hosts=tuple(h for h in args if h not in ("_", "") and "*" not in h and h[0] != "~")
                )
            case "ssl_certificate":
                site = replace(site, certificate=args[0])
            case "ssl_certificate_key":
                site = replace(site, key=args[0])
            case "set":
                variables[args[0]] = args[1]
            case "location":
                pass  # below: limits of the server may follow it
            case "return" | "if" | "rewrite" if "https://" in str(inner):
                site = replace(site, redirects=True)
            case _ if _says_limits(inner):
                site = replace(site, limits=_limits(inner).over(site.limits))
            case _ if not _is_known(inner):
                reading.leave(inner, _("x-celadon.router.template can have it"))
    for inner in one["block"]:
        if inner["directive"] == "location":
            sent = str([i["args"] for i in inner["block"] if i["directive"] == "return"])
            if inner["args"][-1] == "/" and "https://" in sent:
                site = replace(site, redirects=True)
            else:
                way = _way(inner, variables, reading)
                ways += [way] if way else []
    return replace(site, doors=tuple(dict.fromkeys(site.doors)) or (Door(80),), ways=tuple(ways))


def _door(one: Directive, reading: _Reading) -> Door | None:
    address, _colon, port = one["args"][0].rpartition(":")
    if not port.isdigit():
        address, port = one["args"][0], "80"
        if address.startswith("unix"):
            reading.leave(one, _("the router listens on ports"))
            return None
    return Door(int(port), "" if address in ("", "*", "0.0.0.0", "[::]") else address, "ssl" in one["args"])  # noqa: S104


def _way(one: Directive, variables: Mapping[str, str], reading: _Reading) -> Way | None:
    """The way that a location is; None, and told, where it is none."""
    modifier, path = one["args"] if len(one["args"]) == 2 else ("", one["args"][0])
    inner = {d["directive"]: d for d in one["block"]}
    passes = inner.get("proxy_pass")
    if not passes:
        what = next(
            (said(inner[d]) for d in ("root", "alias", "try_files", "return", "fastcgi_pass") if d in inner), ""
        )
        reading.leave(one, _("no service answers there ({what}); x-celadon.router.template can have it").format(
            what=what or _("no proxy_pass")))  # fmt: skip
        return None
    if modifier.startswith("~"):
        reading.leave(one, _("a route is a prefix, not a pattern"))
        return None
    variables = {**variables, **{d["args"][0]: d["args"][1] for d in one["block"] if d["directive"] == "set"}}
    address = passes["args"][0]
    for name, value in variables.items():
        address = address.replace(name, value)
    found = _ADDRESS.fullmatch(address)
    prefix = path.rstrip("/") or "/"
    if not found or "$" in found["host"] or not ROUTE.fullmatch(prefix):
        reading.leave(one, _("its address cannot be read: {address}").format(address=passes["args"][0]))
        return None
    uri = found["uri"]
    if uri is not None and uri.rstrip("/") not in ("", prefix.rstrip("/")):
        reading.leave(passes, _("a prefix can be kept or taken away, not exchanged for another"))
    strip = prefix != "/" and ((uri is not None and not uri.rstrip("/")) or _takes_away(one, prefix))
    limits = Limits()
    for other in one["block"]:
        limits = _limits(other).over(limits)
        if other["directive"] not in ("proxy_pass", "rewrite") and not _is_known(other):
            reading.leave(other, _("x-celadon.router.template can have it"))
    host, port = reading.upstreams.get(found["host"], (found["host"], int(found["port"] or 80)))
    return Way(spot(one), prefix, host, port, strip, limits)


def _takes_away(one: Directive, prefix: str) -> bool:
    """Whether it rewrites /prefix/x to /x."""
    return any(d["directive"] == "rewrite" and d["args"][0].startswith(f"^{prefix}/") and d["args"][1] == "/$1"
               for d in one["block"])  # fmt: skip


def _is_known(one: Directive) -> bool:
    """Whether the router does it anyway, or it says nothing about services, or its limits are carried."""
    header = one["directive"] == "proxy_set_header" and one["args"] and one["args"][0].lower() in _HEADERS
    return one["directive"] in _KNOWN or bool(header) or _says_limits(one)


def _says_limits(one: Directive) -> bool:
    return one["directive"] in ("client_max_body_size", "proxy_read_timeout")


def _limits(one: Directive) -> Limits:
    value = one["args"][0] if one["args"] else ""
    if one["directive"] == "client_max_body_size" and NGINX_SIZE.fullmatch(value):
        return Limits(body=value)
    if one["directive"] == "proxy_read_timeout" and (match := re.fullmatch(r"(\d+)(ms|[smhd]?)", value)):
        return Limits(timeout=int(match[1]) * _SECONDS[match[2]])
    return Limits()
