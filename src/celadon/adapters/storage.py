"""What the engine keeps on disk: where that is, images with their sizes, build cache; and taking single ones away."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from celadon.adapters import engine, process
from celadon.errors import CommandError
from celadon.state import snapshot as labels
from celadon.state.disk import Cached, Image

CONTAINERD, CONTAINERD_SETTINGS = Path("/var/lib/containerd"), Path("/etc/containerd/config.toml")
CONTAINERD_SOCKETS = ("/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock")  # the system's own
SNAPSHOTTER = "io.containerd.snapshotter.v1"
# Newer engines answer otherwise where no version is asked for; older ones do not know this version.
SHAPE = "/v1.44"
AT_ONCE = 200  # ids in one question: a line of a request has its limit


def folders(info: Mapping[str, Any]) -> tuple[Path, ...]:
    """The folders that really hold images, layers and build cache: the engine's, and containerd's where it stores.

    `info` is what the engine says of itself.
    """
    root = Path(info["DockerRootDir"])
    if not any(SNAPSHOTTER in pair for pair in info.get("DriverStatus") or []):
        return (root,)
    if (info.get("Containerd") or {}).get("Address", CONTAINERD_SOCKETS[0]) in CONTAINERD_SOCKETS:
        return (root, _containerd_root())
    return (root, root / "containerd" / "daemon")  # one that the engine started for itself, wherever its socket lies


def _containerd_root() -> Path:
    import tomllib  # few servers need it, and each look would wait for it

    try:
        return Path(str(tomllib.loads(CONTAINERD_SETTINGS.read_text()).get("root") or CONTAINERD))
    except (OSError, ValueError):
        return CONTAINERD


def usage() -> dict[str, Any]:
    """What images, containers, volumes and build cache take (the engine's own keys); it may take it some seconds."""
    return _df_asked()()


def images() -> dict[str, Image]:
    """Every image of the host, by id."""
    used = {one["ImageID"] for one in engine.ask("GET", "/containers/json", query={"all": 1})}
    raw = engine.ask("GET", "/images/json", query={"shared-size": 1, "manifests": 1}, timeout=120)
    return {one["Id"]: _image(one, used) for one in raw}


def _image(raw: Mapping[str, Any], used: Collection[str]) -> Image:
    names = (*(raw.get("RepoTags") or []), *(raw.get("RepoDigests") or []))
    tags = tuple(name for name in names if not name.startswith("<none>"))
    marks = raw.get("Labels") or {}
    return Image(raw["Id"], tags, own(raw), marks.get(labels.WORKSPACE, ""), str(raw["Created"]), raw["Id"] in used)


def own(raw: Mapping[str, Any]) -> int:
    """The bytes of an image that no other one shares.

    containerd keeps each layer twice, packed and unpacked, and the engine says only of the unpacked ones what is
    shared; the packed ones are shared in about the same proportion.
    """
    size, shared = int(raw["Size"]), max(0, raw.get("SharedSize") or 0)
    unpacked = sum(((one.get("ImageData") or {}).get("Size") or {}).get("Unpacked") or 0
                   for one in raw.get("Manifests") or [])  # fmt: skip
    return max(0, size - (shared * size // unpacked if unpacked else shared))


def cache() -> tuple[Cached, ...]:
    """The records of the build cache of the engine's own builder, whoever built."""
    return cache_asked()()


def cache_asked() -> Callable[[], tuple[Cached, ...]]:
    """The same, put now and answered when called: the engine goes through all of it."""
    answer = _df_asked("?type=build-cache")
    return lambda: _records(answer())


def _records(raw: Mapping[str, Any]) -> tuple[Cached, ...]:
    return tuple(
        Cached(one["ID"], one.get("Description") or "", one["Size"], one.get("LastUsedAt") or one["CreatedAt"],
               bool(one.get("InUse") or one.get("Shared")), _parents(one),
               datetime.fromisoformat(one["CreatedAt"]).timestamp())
        for one in raw.get("BuildCache") or []
    )  # fmt: skip


def _parents(raw: Mapping[str, Any]) -> tuple[str, ...]:
    several = raw.get("Parents") or raw.get(" Parents") or []  # with a space in some engines (moby)
    return (*several, *([raw["Parent"]] if raw.get("Parent") else []))


def builds_between(begin: float, end: float) -> int | None:
    """How many builds the engine's own builder had under way between two moments (seconds since 1970), whoever began
    them; None where Buildx cannot say (before 0.20)."""
    asked = [*engine.plugin("buildx"), "history", "ls", "--builder", engine.context(), "--format", "json"]
    try:
        told = [json.loads(line) for line in process.run(asked, timeout=30).out.splitlines()]
        return sum(_time(one["created_at"]) <= end and _time(one.get("completed_at")) >= begin for one in told)
    except (CommandError, ValueError, KeyError, TypeError):
        return None


def _time(text: str | None) -> float:
    """Seconds since 1970; what has no time yet is still to come."""
    return datetime.fromisoformat(text).timestamp() if text else float("inf")


def _df_asked(query: str = "") -> Callable[[], dict[str, Any]]:
    answer = engine.asked(f"{SHAPE}/system/df{query}", timeout=300)

    def found() -> dict[str, Any]:
        try:
            return dict(answer())
        except CommandError:
            return dict(engine.ask("GET", f"/system/df{query}", timeout=300))

    return found


def remove_image(image_id: str) -> bool:
    """Remove an image that has no tag; whether it could be: what a container or a child stands on stays."""
    try:
        engine.ask("DELETE", f"/images/{image_id}", timeout=300)
    except CommandError as refusal:
        if refusal.code not in (engine.NOT_FOUND, engine.CONFLICT):
            raise
        return False
    return True


def prune_cache(ids: Collection[str]) -> int:
    """Drop records of the build cache, and nothing beside them; returns the bytes that were freed.

    A record that another one stands on stays, whatever is asked.
    """
    freed, rest = 0, sorted(ids)
    while rest:
        some, rest = rest[:AT_ONCE], rest[AT_ONCE:]
        pattern = f"^({'|'.join(map(re.escape, some))})$"  # the engine reads the value as a regular expression
        wanted = {"all": "true", "filters": {"id": [pattern]}}
        freed += int(engine.ask("POST", "/build/prune", query=wanted, timeout=600).get("SpaceReclaimed") or 0)
    return freed
