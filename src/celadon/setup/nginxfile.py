"""A team's nginx.conf, read: who answers where, at which port, under which name. What has no place here is told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from celadon.config.positions import shown
from celadon.config.values import NGINX_SIZE, ROUTE
from celadon.errors import ConfigError, Problem
from celadon.locale import _

# What Celadon's router does by itself, and what says nothing about services.
_KNOWN = frozenset(
    [
        "proxy_http_version",
        "proxy_set_header",
        "proxy_redirect",
        "proxy_buffering",
        "proxy_buffers",
        "proxy_buffer_size",
        "proxy_cache_bypass",
        "proxy_connect_timeout",
        "proxy_send_timeout",
        "proxy_next_upstream",
        "proxy_busy_buffers_size",
        "proxy_request_buffering",
        "keepalive",
        "keepalive_timeout",
        "http2",
        "server_tokens",
        "sendfile",
        "tcp_nopush",
        "tcp_nodelay",
        "types_hash_max_size",
        "default_type",
        "log_format",
        "access_log",
        "error_log",
        "log_not_found",
        "ssl_protocols",
        "ssl_ciphers",
        "ssl_prefer_server_ciphers",
        "ssl_session_cache",
        "ssl_session_timeout",
        "ssl_session_tickets",
        "ssl_dhparam",
        "resolver",
        "resolver_timeout",
        "map",
        "set",
        "types",
        "server_names_hash_bucket_size",
        "client_body_timeout",
        "client_header_timeout",
        "send_timeout",
        "zone",
        "least_conn",
        "ip_hash",
        "worker_processes",
        "worker_connections",
        "worker_rlimit_nofile",
        "pid",
        "user",
        "events",
        "include",
    ]
)
_ELSEWHERE = re.compile(r"(mime\.types|_params|snippets/.*|modules-enabled/.*)$")  # files of nginx itself
_ENDS_EARLY = frozenset(("listen", "server_name", "proxy_pass", "location", "root", "return", "upstream", "server"))
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>\[[^\]]*\]|[^/:]+)(?::(?P<port>\d+))?(?P<uri>/.*)?")
_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, order=True)
class Spot:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


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


@dataclass(frozen=True)
class Proxy:
    """All of it."""

    sites: tuple[Site, ...] = ()
    left: tuple[Left, ...] = ()
    limits: Limits = Limits()


@dataclass
class _Reading:
    """What was met on the way."""

    upstreams: dict[str, tuple[str, int]] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def leave(self, one: Mapping[str, Any], why: str, what: str = "") -> None:
        self.left.append(Left(_spot(one), what or _said(one), why))


def read(files: Sequence[Path]) -> Proxy:
    """What the files say, with what they include. Raises ConfigError with the place of what nginx would not read."""
    directives = [one for file in files for one in _parsed(file)]
    reading = _Reading()
    for one in _everywhere(directives, "upstream"):
        _upstream(one, reading)
    limits = Limits()
    for one in directives:
        for inner in one["block"] if one["directive"] == "http" else [one]:
            limits = _limits(inner).over(limits)
            if inner["directive"] not in {"server", "upstream", "http", *_KNOWN} and not _says_limits(inner):
                reading.leave(inner, _("it is of the whole nginx; x-celadon.router.template can have it"))
    sites = tuple(_site(one, reading) for one in _everywhere(directives, "server") if "block" in one)
    said = {site.limits for site in sites if site.ways}
    if len(said) == 1:  # all of them say the same: it is of the whole router
        limits = said.pop().over(limits)
        sites = tuple(replace(site, limits=Limits()) for site in sites)
    return Proxy(sites, tuple(sorted(set(reading.left), key=lambda left: left.spot)), limits)


def _parsed(file: Path) -> list[dict[str, Any]]:
    """The directives of a file, those of included ones in their place."""
    import crossplane  # only this verb needs it

    try:
        file.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigError([Problem(shown(file), 0, 0, "", problem.strerror or str(problem))]) from None
    except UnicodeDecodeError as problem:
        words = _("is not nginx's configuration: {problem}").format(problem=problem)
        raise ConfigError([Problem(shown(file), 0, 0, "", words)]) from None
    result = crossplane.parse(str(file), check_ctx=False)
    problems = [_refused(error) for error in result["errors"] if not _of_nginx_itself(error)]
    directives = list(_joined(result["config"], 0)) if result["config"] else []
    problems += [_unended(one) for one in _all(directives) if _runs_on(one)]
    if problems:
        raise ConfigError(problems)
    return [*directives, *(d for inner in _mounted(file, directives) for d in _parsed(inner))]


def _joined(files: Sequence[Mapping[str, Any]], number: int) -> Iterator[dict[str, Any]]:
    """The directives of a file, each with the name of its own, and those of included files in their place.

    crossplane's own `combine` gives what follows an include the name of the included file.
    """

    def placed(one: Mapping[str, Any], file: str) -> Iterator[dict[str, Any]]:
        inner = {"block": [d for b in one["block"] for d in placed(b, file)]} if "block" in one else {}
        yield {**one, "file": file, **inner}
        for included in one.get("includes", ()):
            yield from _joined(files, included)

    for one in files[number]["parsed"]:
        yield from placed(one, files[number]["file"])


def _refused(error: Mapping[str, Any]) -> Problem:
    words = re.sub(r"\[Errno \d+\] | in \S+:\d+$", "", str(error["error"]))
    return Problem(shown(Path(error["file"])), error["line"] or 0, 1 if error["line"] else 0, "", words)


def _of_nginx_itself(error: Mapping[str, Any]) -> bool:
    """Whether it only complains of a file that lies in nginx's own folder on another machine, or in its image."""
    missing = re.search(r"No such file or directory: '(.*)'", str(error["error"]))
    return bool(missing and error["line"] and (missing[1].startswith("/etc/") or _ELSEWHERE.search(missing[1])))


def _runs_on(one: Mapping[str, Any]) -> bool:
    """nginx takes the next words for arguments where a semicolon is missing, and complains elsewhere."""
    simple = one["directive"] in ("listen", "server_name", "proxy_pass", "include", "client_max_body_size")
    return simple and ("block" in one or bool(_ENDS_EARLY & set(one["args"][1:])))


def _unended(one: Mapping[str, Any]) -> Problem:
    spot = _spot(one)
    words = _("`{directive}` is not ended by a semicolon").format(directive=one["directive"])
    return Problem(spot.file, spot.line, 1, "", words)


def _mounted(file: Path, directives: Sequence[Mapping[str, Any]]) -> Iterator[Path]:
    """What is included from /etc/nginx and lies beside the file here: it is mounted there."""
    for one in _everywhere(directives, "include"):
        folder, _slash, pattern = one["args"][0].removeprefix("/etc/nginx/").rpartition("/")
        if one["args"][0].startswith("/etc/nginx/") and not _ELSEWHERE.search(pattern):
            for where in {file.parent / folder, file.parent}:
                yield from (f for f in sorted(where.glob(pattern)) if f != file and pattern.endswith(".conf"))


def _all(directives: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in directives:
        yield one
        yield from _all(one.get("block") or ())


def _everywhere(directives: Sequence[Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in _all(directives) if one["directive"] == name)


def _spot(one: Mapping[str, Any]) -> Spot:
    return Spot(shown(Path(one["file"])), one["line"])


def _said(one: Mapping[str, Any]) -> str:
    return " ".join([one["directive"], *one["args"]])


def _upstream(one: Mapping[str, Any], reading: _Reading) -> None:
    servers = [s for s in one["block"] if s["directive"] == "server"]
    ready = [s for s in servers if not {"backup", "down"} & set(s["args"])] or servers
    if ready:
        host, _colon, port = ready[0]["args"][0].partition(":")
        reading.upstreams[one["args"][0]] = (host, int(port) if port.isdigit() else 80)
    for other in servers:
        if other is not ready[0]:
            reading.leave(other, _("a service has one live slot; Celadon moves it itself"))


def _site(one: Mapping[str, Any], reading: _Reading) -> Site:
    site = Site(_spot(one), doors=())
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
            case name if name not in _KNOWN:
                reading.leave(inner, _("x-celadon.router.template can have it"))
    for inner in one["block"]:
        if inner["directive"] == "location":
            if "https://" in str([i["args"] for i in inner["block"] if i["directive"] == "return"]):
                site = replace(site, redirects=True)
            else:
                way = _way(inner, variables, reading)
                ways += [way] if way else []
    return replace(site, doors=tuple(dict.fromkeys(site.doors)) or (Door(80),), ways=tuple(ways))


def _door(one: Mapping[str, Any], reading: _Reading) -> Door | None:
    address, _colon, port = one["args"][0].rpartition(":")
    if not port.isdigit():
        address, port = one["args"][0], "80"
        if address.startswith("unix"):
            reading.leave(one, _("the router listens on ports"))
            return None
    return Door(int(port), "" if address in ("", "*", "0.0.0.0", "[::]") else address, "ssl" in one["args"])  # noqa: S104


def _way(one: Mapping[str, Any], variables: Mapping[str, str], reading: _Reading) -> Way | None:
    """The way that a location is; None, and told, where it is none."""
    modifier, path = one["args"] if len(one["args"]) == 2 else ("", one["args"][0])
    inner = {d["directive"]: d for d in one["block"]}
    passes = inner.get("proxy_pass")
    if not passes:
        what = next(
            (_said(inner[d]) for d in ("root", "alias", "try_files", "return", "fastcgi_pass") if d in inner), ""
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
        if other["directive"] not in {"proxy_pass", "rewrite", "set", *_KNOWN} and not _says_limits(other):
            reading.leave(other, _("x-celadon.router.template can have it"))
    host, port = reading.upstreams.get(found["host"], (found["host"], int(found["port"] or 80)))
    return Way(_spot(one), prefix, host, port, strip, limits)


def _takes_away(one: Mapping[str, Any], prefix: str) -> bool:
    """Whether it rewrites /prefix/x to /x."""
    return any(d["directive"] == "rewrite" and d["args"][0].startswith(f"^{prefix}/") and d["args"][1] == "/$1"
               for d in one["block"])  # fmt: skip


def _says_limits(one: Mapping[str, Any]) -> bool:
    return one["directive"] in ("client_max_body_size", "proxy_read_timeout")


def _limits(one: Mapping[str, Any]) -> Limits:
    value = one["args"][0] if one["args"] else ""
    if one["directive"] == "client_max_body_size" and NGINX_SIZE.fullmatch(value):
        return Limits(body=value)
    if one["directive"] == "proxy_read_timeout" and (match := re.fullmatch(r"(\d+)(ms|[smhd]?)", value)):
        return Limits(timeout=int(match[1]) * _SECONDS[match[2]])
    return Limits()
