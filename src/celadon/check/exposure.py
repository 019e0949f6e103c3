"""Rules of what a container sees that is not its own: of the host, of Celadon, of another service or environment."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from celadon.check.facts import ERROR, WARNING, Facts, Finding, Rule
from celadon.config.workspace import EnvironmentConfig
from celadon.locale import _

SOCKET = Rule(
    "compose/engine-socket",
    WARNING,
    _("anyone with access to the engine's socket is root on the host, even if it is mounted read-only"),
    _("Remove the mount; if a tool needs it, use a proxy that allows only specific API calls."),
)
STATE = Rule(
    "compose/celadon-mount",
    ERROR,
    _("it contains all releases of all services, with their environment variables"),
    _("Mount only the folder the service needs."),
)
HOST_FOLDER = Rule(
    "compose/host-mount",
    WARNING,
    _("it contains passwords, keys or data of the host and other services"),
    _("Mount only the folder or file the service needs, with `:ro` if it only reads."),
)
FOREIGN = Rule(
    "compose/other-source",
    WARNING,
    _("anyone who compromises the service can read or change the other service's source"),
    _("Use a separate folder for this service."),
)
SHARED = Rule(
    "compose/shared-between-environments",
    WARNING,
    _("tests in one environment can affect the data or services of the other"),
    _("Give each environment its own, with ${CELADON_ENV} in the name, or mount it with `:ro` if it is only read."),
)

_SOCKETS = frozenset({"docker.sock", "containerd.sock", "podman.sock", "crio.sock"})
_RUN = frozenset({"/run", "/var/run"})
_OF_THE_HOST = frozenset(
    {
        "/",
        "/bin",
        "/boot",
        "/dev",
        "/etc",
        "/home",
        "/lib",
        "/lib64",
        "/opt",
        "/proc",
        "/root",
        "/sbin",
        "/srv",
        "/sys",
        "/usr",
        "/var",
        "/var/lib",
        "/var/lib/docker",
        "/var/lib/containerd",
        "/var/log",
    }
)


def mounts(seen: Facts) -> Iterator[Finding]:
    """What services see of the host."""
    for config, name, definition in seen.definitions():
        for number, volume in enumerate(definition.get("volumes") or []):
            if volume.get("type") == "bind" and (found := _exposed(config, name, str(volume.get("source")))):
                rule, what, severity = found
                place = seen.raw.at(("services", name, "volumes", number))
                yield rule.at(seen.file, place, what, severity=severity)


def _exposed(config: EnvironmentConfig, name: str, source: str) -> tuple[Rule, str, str] | None:
    """The rule that a mounted path of the host breaks, what is said, and the severity if it is not the rule's own."""
    path, home = Path(source).resolve(), config.folder.resolve()
    words = {"service": name, "source": source}
    if path.name in _SOCKETS or source in _RUN or str(path) in _RUN:
        return SOCKET, _("{service} mounts the engine's socket: {source}").format(**words), ""
    if path.is_relative_to(home / ".celadon"):
        return STATE, _("{service} mounts Celadon's state folder").format(**words), ""
    if str(path) in _OF_THE_HOST:
        return HOST_FOLDER, _("{service} mounts {source} from the host").format(**words), ""
    if home.is_relative_to(path):
        return STATE, _("{service} mounts {source}, which contains .celadon").format(**words), WARNING
    for other in config.services.values():
        context = str((other.definition.get("build") or {}).get("context") or "")
        if (
            context
            and other.name != name
            and path.is_relative_to(Path(context).resolve())
            and not _built_in(config, name, path)
        ):
            what = _("{service} mounts a folder of the build context of {other}: {source}")
            return FOREIGN, what.format(other=other.name, **words), ""
    return None


def _built_in(config: EnvironmentConfig, name: str, path: Path) -> bool:
    """Whether a service is built from the folder that holds `path`, too."""
    service = config.services.get(name)
    context = str((service.definition.get("build") or {}).get("context") or "") if service else ""
    return bool(context) and path.is_relative_to(Path(context).resolve())


def shared(seen: Facts) -> Iterator[Finding]:
    """Volumes, networks and folders that two environments have together."""
    first: dict[tuple[str, str], str] = {}
    for config, name, definition in seen.definitions():
        for kind, thing, path in _held(seen, config, name, definition):
            owner = first.setdefault((kind, thing), config.name)
            if owner != config.name:
                what = _("{service} uses {thing} in both {one} and {other}").format(
                    service=name, thing=thing, one=owner, other=config.name
                )
                yield SHARED.at(seen.file, seen.raw.at(path), what)


def _held(
    seen: Facts, config: EnvironmentConfig, name: str, definition: Mapping[str, Any]
) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """What a service can change, or reach others by: (kind, its name on the host, where the file says so)."""
    for number, volume in enumerate(definition.get("volumes") or []):
        source, place = str(volume.get("source")), ("services", name, "volumes", number)
        if volume.get("read_only"):
            continue
        if volume.get("type") == "bind" and seen.binds.get(source) == "folder":
            yield "bind", source.removeprefix(f"{config.folder}/"), place
        elif volume.get("type") == "volume" and (named := (config.volumes.get(source) or {}).get("name")):
            yield "volume", str(named), place
    for network in definition.get("networks") or {}:
        if named := (config.networks.get(network) or {}).get("name"):
            yield "network", str(named), ("services", name, "networks")
