"""The engine's default bridge: its interface on this host, the containers that use it, and the steps of builds."""

from pathlib import Path

from celadon.adapters import engine
from celadon.errors import CommandError

NAME = "com.docker.network.bridge.name"
INTERFACES = Path("/sys/class/net")


def interface() -> str:
    """The name of its interface, "" where the engine has none, or none on this host (rootless, in a machine)."""
    try:
        options = engine.ask("GET", "/networks/bridge")["Options"] or {}
    except CommandError as problem:
        if problem.code != engine.NOT_FOUND:
            raise
        return ""
    rootless = "name=rootless" in (engine.ask("GET", "/info").get("SecurityOptions") or [])
    name = str(options.get(NAME, ""))
    return name if name and not rootless and (INTERFACES / name).exists() else ""


def containers() -> dict[str, str]:
    """The containers that run on it: id → name."""
    found = engine.ask("GET", "/containers/json", query={"filters": {"network": ["bridge"]}})
    return {one["Id"]: one["Names"][0].removeprefix("/") for one in found}


def has_steps() -> bool:
    """Whether a step of a build is on it: the engine knows its address by an id that is no container's."""
    on_it = engine.ask("GET", "/networks/bridge")["Containers"] or {}
    return bool(on_it.keys() - {one["Id"] for one in engine.ask("GET", "/containers/json", query={"all": 1})})
