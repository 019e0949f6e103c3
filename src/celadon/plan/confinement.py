"""What the containers that Celadon starts may not do: the router, and application services."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celadon.config.workspace import EnvironmentConfig
from celadon.state.snapshot import Container

NO_NEW_PRIVILEGES = "no-new-privileges"
# Podman's default. A JVM with 200 request threads has some 250 tasks, Node a dozen, a browser a few hundred.
PIDS = 2048
ROUTER_PIDS = 1024  # a worker for each CPU, and as many again for each reload whose requests are not finished
# Far above what nginx needs: 8,000 slow downloads took 285 MB of its own and 64 MB of the kernel's. A lower limit that
# is met ends all connections of a worker: with 128m that was so at 3,000 of them.
ROUTER_MEMORY = "1g"


@dataclass(frozen=True)
class Rights:
    """What a container of nginx is given back after everything was dropped."""

    capabilities: tuple[str, ...]
    read_only: bool


def router_rights(config: EnvironmentConfig) -> Rights:
    """What nginx needs. Each capability is there because it does not start, or serve, without it.

    CHOWN: its temporary folders belong to the workers' user. DAC_OVERRIDE: its configuration is of mode 0600 and may
    belong to another user than root (DAC_READ_SEARCH would read less, but opens any file of the host by its handle).
    SETGID and SETUID: workers are not root. NET_BIND_SERVICE: ports below 1024 of the host's network.

    A template of the team's own may write anywhere, so the container's files are read-only with the built-in one.
    """
    on_host = ("NET_BIND_SERVICE",) if config.settings.router.on_host else ()
    return Rights(("CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID", *on_host), config.template is None)


def router(config: EnvironmentConfig) -> dict[str, Any]:
    """The router's restrictions, as Compose writes them."""
    rights = router_rights(config)
    return {
        "security_opt": [f"{NO_NEW_PRIVILEGES}:true"],
        "cap_drop": ["ALL"],
        "cap_add": list(rights.capabilities),
        "read_only": rights.read_only,
        "pids_limit": ROUTER_PIDS,
        "mem_limit": ROUTER_MEMORY,
    }


def confined(document: Mapping[str, Any], tested: Container | None = None) -> dict[str, Any]:
    """A release document with the restrictions that its service does not set itself.

    `tested` is the container that a promote copies: what it ran without, its copy runs without. An image that was
    tested with setuid programs must not meet production as the first place where they fail.
    """
    services = {name: _confined(definition, tested) for name, definition in document["services"].items()}
    return {**document, "services": services}


def _confined(definition: Mapping[str, Any], tested: Container | None) -> dict[str, Any]:
    made = dict(definition)
    given = [str(option) for option in made.get("security_opt") or []]
    if not any(option.startswith(NO_NEW_PRIVILEGES) for option in given) and (not tested or tested.no_new_privileges):
        made["security_opt"] = [*given, f"{NO_NEW_PRIVILEGES}:true"]
    if not _limits_pids(made) and (not tested or tested.pids_limit > 0):
        made["pids_limit"] = PIDS
    return made


def _limits_pids(definition: Mapping[str, Any]) -> bool:
    """Whether the service says itself how many processes it may have; -1 is without limit."""
    limits = ((definition.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    return "pids_limit" in definition or "pids" in limits
