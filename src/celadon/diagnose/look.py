"""The one look: everything that the checks need, read from the kernel, the engine and the disk; nothing is changed."""

import re
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celadon.adapters import cgroup, docker, git, host, nginx, ownership, process, storage
from celadon.config.workspace import EnvironmentConfig, Outline, Service
from celadon.diagnose.facts import Box, Door, Engine, Facts, FileSystem, Kill, Shares
from celadon.errors import CommandError, CommandTimeout
from celadon.locale import _
from celadon.plan import admission
from celadon.state import caps
from celadon.state import snapshot as labels
from celadon.state.ending import Fall
from celadon.state.layout import Layout
from celadon.state.snapshot import Container

NOT_FOUND = 126  # exit codes from here on: the command could not be run at all
DAYS = 7  # of the kernel's log
ASKED = 5  # hosts: more would make everybody wait
PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
# Whether a TCP connection to a host and a port can be had, with what the router's image has: Alpine's, or Debian's.
CONNECT = (
    'if command -v nc >/dev/null; then nc -z -w 5 "$0" "$1"; elif command -v bash >/dev/null; '
    """then timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$0" "$1"; else exit 126; fi"""
)


def look(outline: Outline, layout: Layout, configs: Mapping[str, EnvironmentConfig]) -> Facts:
    """What is so now. `configs`: what was last deployed, by environment. Raises EngineError without an engine."""
    raw, info = docker.every_container(), docker.info()
    kills = host.kernel_kills(DAYS)
    boxes = tuple(sorted((_box(outline.name, one, kills) for one in raw), key=lambda b: b.name))
    free, total = host.memory()
    resolved = _resolved(configs, boxes)
    return Facts(
        now=datetime.now(UTC),
        memory_free=free,
        memory_total=total,
        swap_free=host.swap()[0],
        swap_total=host.swap()[1],
        pressure=host.pressure(),
        kills=None if kills is None else tuple(
            Kill(datetime.fromtimestamp(k.when, UTC), k.process, k.memory, k.group) for k in kills),
        engine=_engine(info),
        boxes=boxes,
        disks=_disks([*(("Docker", folder) for folder in storage.folders(info)), ("workspace", layout.workspace)]),
        shares=_shares(outline.name),
        doors=tuple(_doors(layout, configs, [one for one in raw if _belongs(one, outline.name)])),
        floor=max((c.settings.disk.floor or 0 for c in configs.values()), default=0),
        build_memory=admission.BUILD_LEAST if not configs else max(
            c.settings.build.memory or admission.BUILD_LEAST for c in configs.values()),
        killed=cgroup.killed_by_the_host(),
        up=tuple(dict.fromkeys(b.environment for b in boxes if b.mine and b.role == labels.ROUTER)),
        resolved=resolved,
        reached=_reached(configs, boxes, resolved),
        certificates=_certificates(layout, configs),
        clock_synchronized=_clock(),
        capped_by=tuple(sorted(caps.known(info["ServerVersion"]))),
    )  # fmt: skip


def _box(workspace: str, raw: Mapping[str, Any], kills: Sequence[host.Killed] | None) -> Box:
    mine = _belongs(raw, workspace)
    state, marks = raw["State"], raw["Config"]["Labels"] or {}
    log = Path(raw.get("LogPath") or "/nowhere")
    try:
        size = log.stat().st_size
    except OSError:
        size = None
    return Box(
        name=raw["Name"].removeprefix("/"),
        mine=mine,
        environment=marks.get(labels.ENVIRONMENT, ""),
        role=marks.get(labels.ROLE, ""),
        service=marks.get(labels.SERVICE, ""),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "").replace("none", ""),
        memory=host.memory_of(state["Pid"]) if state["Pid"] else None,
        limit=raw["HostConfig"]["Memory"],
        restarts=raw["RestartCount"],
        log=size,
        id=raw["Id"],
        fall=_fall(docker.container(raw), state["FinishedAt"], kills) if mine else None,
        killed=host.kills_of(state["Pid"]) if state["Pid"] else 0,
    )


def _fall(container: Container, finished: str, kills: Sequence[host.Killed] | None) -> Fall | None:
    """How a container last ended, None for one that never did."""
    if container.state == "created" or (container.running and not container.restarts):
        return None
    above = host.killed_from_above(kills, container.id, datetime.fromisoformat(finished).timestamp())
    return docker.last_fall(container, time.time(), of_the_host=above)


def _engine(info: Mapping[str, Any]) -> Engine:
    def tool(*argv: str) -> str:
        try:
            words = process.run(["docker", *argv], timeout=30).out.split()
        except CommandError:
            return "-"
        return next((w.removeprefix("v") for w in words if w.removeprefix("v")[:1].isdigit()), "-")

    return Engine(
        version=info["ServerVersion"],
        compose=tool("compose", "version", "--short"),
        buildx=tool("buildx", "version"),
        live_restore=info["LiveRestoreEnabled"],
        driver=info["Driver"],
        root=info["DockerRootDir"],
        log_driver=info["LoggingDriver"],
        cgroups=str(cgroup.version()),
    )


def _disks(folders: Sequence[tuple[str, Path]]) -> tuple[FileSystem, ...]:
    found: dict[int, FileSystem] = {}
    for what, folder in folders:
        one = host.disk(folder)
        known = found.get(one.device)
        holds = tuple(dict.fromkeys((*(known.holds if known else ()), what)))
        found[one.device] = FileSystem(known.folder if known else one.folder, holds, one.free, one.total,
                                       one.inodes_free, one.inodes)  # fmt: skip
    return tuple(found.values())


def _shares(workspace: str) -> Shares:
    raw, images = storage.usage(), storage.images().values()
    cache = raw.get("BuildCache") or []
    return Shares(
        images=raw.get("LayersSize") or 0,
        ours=sum(i.own for i in images if i.workspace == workspace),
        reclaimable=sum(i.own for i in images if not i.used),
        volumes=sum(max(0, (v.get("UsageData") or {}).get("Size") or 0) for v in raw.get("Volumes") or []),
        cache=sum(record["Size"] for record in cache if not record.get("Shared")),
        containers=sum(c.get("SizeRw") or 0 for c in raw.get("Containers") or []),
    )


def _belongs(raw: Mapping[str, Any], workspace: str) -> bool:
    return (raw["Config"]["Labels"] or {}).get(labels.WORKSPACE) == workspace and ownership.is_celadons(raw)


def _doors(layout: Layout, configs: Mapping[str, EnvironmentConfig], raw: Sequence[Mapping[str, Any]]) -> list[Door]:
    found = []
    routers = {
        marks[labels.ENVIRONMENT]: one
        for one in raw
        if (marks := one["Config"]["Labels"] or {}).get(labels.ROLE) == labels.ROUTER and one["State"]["Running"]
    }
    for name, config in configs.items():
        tls = config.options.tls
        for listen in (*config.options.listen, *(tls.listen if tls else ())):
            router = routers.get(name)
            ours = router is not None and (
                _publishes(router, listen.port) or nginx.listens_on(layout.router(name), str(listen))
            )
            taken = host.is_listened_on(listen.port)
            holder = (docker.port_holder(listen.port) or host.port_holder(listen.port) or "?") if taken else ""
            found.append(Door(name, str(listen), holder, ours and taken))
    return found


def _publishes(router: Mapping[str, Any], port: int) -> bool:
    bound = router["HostConfig"].get("PortBindings") or {}
    return any(one["HostPort"] == str(port) for several in bound.values() for one in several or [])


def _resolved(configs: Mapping[str, EnvironmentConfig], boxes: Sequence[Box]) -> dict[str, str]:
    """The hosts of the team's repositories, asked in a router: what containers and builds will need."""
    found = {}
    for name in sorted({name for name, _port in _remotes(configs)})[:ASKED]:
        if re.fullmatch(r"[\d.]+|[\da-f:]+", name):
            continue  # an address has no need to be resolved
        problem = _in_router(configs, boxes, ["getent", "hosts", name], _("no such name"))
        if problem is not None:
            found[name] = problem
    return found


def _reached(
    configs: Mapping[str, EnvironmentConfig], boxes: Sequence[Box], resolved: Mapping[str, str]
) -> dict[str, str]:
    """Whether containers reach those of these hosts whose names they resolve."""
    found = {}
    for name, port in sorted(_remotes(configs))[:ASKED]:
        if not resolved.get(name):
            problem = _in_router(configs, boxes, ["sh", "-c", CONNECT, name, str(port)], _("no connection within 5 s"))
            if problem is not None:
                found[f"{name}:{port}"] = problem
    return found


def _in_router(
    configs: Mapping[str, EnvironmentConfig], boxes: Sequence[Box], argv: Sequence[str], otherwise: str
) -> str | None:
    """Why a command fails in a router, `otherwise` where it says nothing, "" where it works; None where there is none
    to ask, where it would answer for the host, or where its image lacks the command."""
    router = next((b.name for b in boxes if b.mine and b.role == labels.ROUTER and b.state == "running"), None)
    if router is None or any(config.settings.router.on_host for config in configs.values()):
        return None
    try:
        asked = process.run(["docker", "exec", router, *argv], timeout=20, check=False)
    except CommandTimeout as late:
        return late.message
    if asked.code >= NOT_FOUND:
        return None
    return "" if asked.code == 0 else " ".join(asked.tail) or otherwise


def _remotes(configs: Mapping[str, EnvironmentConfig]) -> set[tuple[str, int]]:
    """The hosts and ports that the team's sources come from."""
    return {found for config in configs.values() for service in config.services.values() if (found := _remote(service))}


def _remote(service: Service) -> tuple[str, int] | None:
    """The host and port that a service's source comes from, None for a folder."""
    context = (service.definition.get("build") or {}).get("context")
    url = service.options.git.url if service.options.git else None
    address = url or (git.remote(Path(context)) if context else "")
    if "://" in address:
        try:
            parts = urlsplit(address)
            port = parts.port or PORTS.get(parts.scheme)
        except ValueError:  # no address at all; a fetch says so
            return None
        return (parts.hostname, port) if parts.hostname and port else None
    before, colon, _path = address.partition(":")
    return (before.rpartition("@")[2], PORTS["ssh"]) if colon and "/" not in before else None


def _certificates(layout: Layout, configs: Mapping[str, EnvironmentConfig]) -> dict[str, datetime]:
    """When the certificates that the routers serve end, by environment."""
    found = {}
    for name, config in configs.items():
        if config.options.tls is None:
            continue
        current = layout.router(name) / nginx.CERTIFICATE
        file = layout.router(name) / f"{current.read_text()}.pem" if current.exists() else None
        if file and file.exists() and (end := _end_of(file)):
            found[name] = end
    return found


def _end_of(file: Path) -> datetime | None:
    """The end of the first certificate in a file; None where no `openssl` is installed to read it."""
    try:
        shown = process.run(["openssl", "x509", "-noout", "-enddate", "-in", str(file)], timeout=10).out
    except CommandError:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown.strip().removeprefix("notAfter=")), UTC)


def _clock() -> bool | None:
    """Whether the clock is kept right; None where systemd does not say."""
    try:
        shown = process.run(
            ["timedatectl", "show", "--property", "NTPSynchronized", "--value"], timeout=10, check=False
        )
    except CommandError:
        return None
    return {"yes": True, "no": False}.get(shown.out.strip())
