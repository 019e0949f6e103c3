"""From the team's Compose services to the documents that Celadon keeps and runs.

A release document is a Compose file of one service, without a slot: it is frozen with the release. An environment
document is the whole environment as it runs: backing services, router, and every slot in use. Anyone can read it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celadon.config.interpolation import escaped
from celadon.config.secret_files import NAME, content_of
from celadon.config.workspace import EnvironmentConfig, Service
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.plan import confinement, release_label
from celadon.plan.network import Network
from celadon.state import snapshot as labels
from celadon.state.snapshot import Release

# Keys of a service that belong to the folder it was built in, to plain `docker compose up`, or to one container only.
DROPPED = ("build", "image", "ports", "depends_on", "profiles", "scale", "networks", "container_name", "pull_policy")
# Options of a service that say how its image is made: a release that runs is no other one for them.
OF_BUILDS = {"git", "build_cache"}

LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
RESTART = "unless-stopped"
# The engine takes every `docker kill`, the HUP of a reload as well, for a stop by hand: "unless-stopped" would leave
# the router down after a reboot (moby/moby#41302).
ROUTER_RESTART = "always"

# Inside the router's container: plain and TLS entrances, out of the way of the services' own ports.
PLAIN_ENTRANCE, TLS_ENTRANCE = 60080, 60443

ROUTER_FOLDER = "/etc/celadon"
# What nginx writes: uploads and answers that are too large for its buffers. On disk: in memory they would count.
ROUTER_TEMPORARY = "celadon-router"

# In a frozen document: what the record knows of the release, should the record be lost.
RELEASE_KEY = "x-release"

Document = dict[str, Any]


def release_document(config: EnvironmentConfig, service: Service) -> Document:
    """The service as it is frozen: its definition, what the router must know of it, and the volumes it names.

    Raises RefusedError for a secret that has no value.
    """
    _refuse_unset(config, service)
    definition = {key: value for key, value in service.definition.items() if key not in DROPPED}
    definition.setdefault("restart", RESTART)
    definition.setdefault("logging", LOGGING)
    extra = [name for name in service.definition.get("networks") or {} if name != "default"]
    if extra:
        definition["networks"] = dict.fromkeys(extra)
    definition["x-celadon"] = service.options.model_dump(mode="json", exclude=OF_BUILDS, exclude_defaults=True)
    document: Document = {"services": {service.name: definition}}
    named = {
        "volumes": [
            v["source"] for v in definition.get("volumes") or [] if v.get("type") == "volume" and "source" in v
        ],
        "secrets": [s["source"] for s in definition.get("secrets") or []],
        "configs": [c["source"] for c in definition.get("configs") or []],
        "networks": extra,
    }
    for section, names in named.items():
        known: Mapping[str, Any] = getattr(config, section)
        kept = {name: known[name] for name in names if name in known}
        if kept:
            document[section] = kept
    return document


def _refuse_unset(config: EnvironmentConfig, service: Service) -> None:
    for grant in service.definition.get("secrets") or []:
        secret = config.secrets.get(grant["source"]) or {}
        words = {"service": service.name, "name": grant["source"]}
        if content_of(grant) is not None or not NAME.fullmatch(words["name"]):
            continue
        if "environment" in secret:
            raise RefusedError(
                _("{service}: the secret {name} has no value: {variable} is not set.").format(
                    **words, variable=secret["environment"]
                ),
                hint=_("Set it in an env file of the service, in the shell, or in a .env file next to compose.yaml."),
            )
        if "file" in secret:
            raise RefusedError(
                _("{service}: the secret {name} cannot be read from {file}.").format(**words, file=secret["file"]),
                hint=_("It must be a file of at most 1 MB that you can read."),
            )


def fingerprint(document: Mapping[str, Any]) -> str:
    """A short name of a document's content: equal documents have equal fingerprints."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def build_key(commit: str, service: Service) -> str:
    """What an image is made of: the commit, and how it is built. Equal keys need no second build."""
    build = {k: v for k, v in (service.definition.get("build") or {}).items() if k != "context"}
    return fingerprint({"commit": commit, "build": build})


@dataclass(frozen=True)
class Placed:
    """A frozen release in a slot, at its address; the contents of its secrets are files in the folder `secrets`."""

    release: Release
    slot: str
    address: str
    document: Mapping[str, Any]
    secrets: str = ""

    @property
    def name(self) -> str:
        """The name of the slot's service in the environment document."""
        return f"{self.release.service}-{self.slot}"


def environment_document(
    config: EnvironmentConfig,
    network: Network,
    placed: Sequence[Placed],
    router_folder: str,
    router_image: str,
    secrets_folder: str = "",
) -> Document:
    """The whole environment as one Compose document. `router_folder` is the host folder that the router mounts,
    `router_image` the id of its image; `secrets_folder` has the contents of backing services' secrets.
    """
    hosts = host_entries(config, network)
    services: Document = {name: _backing(config, name, d) for name, d in config.backing.items()}
    files: Document = {}
    for name in config.backing:
        services[name], more = secret_mounts(services[name], name, f"{secrets_folder}/{name}")
        files |= more
    services[labels.ROUTER] = _router(config, network, router_folder, router_image)
    document: Document = {
        "name": config.project,
        "services": services,
        "networks": {**{n: dict(d) for n, d in config.networks.items()}, "default": _network(config)},
    }
    for section in ("volumes", "secrets", "configs"):
        merged = dict(getattr(config, section))
        for one in placed:
            merged.update(one.document.get(section) or {})
        if merged:
            document[section] = merged
    document["volumes"] = {**document.get("volumes", {}), ROUTER_TEMPORARY: None}
    for one in placed:
        services[one.name], more = secret_mounts(slot_service(config, one, hosts), one.name, one.secrets)
        files |= more
    known = {**document.pop("secrets", {}), **files}
    if used := {grant["source"] for one in services.values() for grant in one.get("secrets") or []} & known.keys():
        document["secrets"] = {name: known[name] for name in sorted(used)}  # of others a variable may not be set
    return document


def secret_mounts(definition: Document, name: str, folder: str) -> tuple[Document, Document]:
    """A service whose secrets with known contents are files in `folder`, and the secrets that it then names."""
    grants, files = [], {}
    for grant in definition.get("secrets") or []:
        source = grant["source"]
        if content_of(grant) is None:
            grants.append(grant)
            continue
        unique = f"{name}.{source}"  # two slots may have two values
        files[unique] = {"file": escaped(f"{folder}/{source}")}
        grants.append({"source": unique, "target": grant.get("target") or source})
    return ({**definition, "secrets": grants} if grants else definition), files


def slot_service(config: EnvironmentConfig, placed: Placed, hosts: Mapping[str, str]) -> Document:
    """The Compose service of one slot."""
    frozen = placed.document["services"][placed.release.service]
    definition = {key: value for key, value in frozen.items() if key != "x-celadon"}
    definition["image"] = placed.release.image
    definition["pull_policy"] = "never"
    definition["networks"] = {**(definition.get("networks") or {}), "default": {"ipv4_address": placed.address}}
    definition["extra_hosts"] = [*(definition.get("extra_hosts") or []), *(f"{n}={a}" for n, a in hosts.items())]
    definition["annotations"] = _annotations(config, definition)
    definition["labels"] = {
        **(definition.get("labels") or {}),
        **_labels(config, labels.IN_SLOT, placed.release.service),
        labels.SLOT: placed.slot,
        labels.RELEASE: placed.release.id,
        labels.COMMIT: placed.release.commit,
        labels.DOCUMENT: release_label.packed(placed.document),
    }
    return definition


def one_off_document(config: EnvironmentConfig, network: Network, placed: Placed) -> Document:
    """A container beside a frozen release: the same image, environment and mounts, at an address that is free."""
    document = environment_document(config, network, [placed], router_folder="", router_image="")
    definition = document["services"][placed.name]
    marks = _labels(config, labels.ONE_OFF, placed.release.service) | {labels.RELEASE: placed.release.id}
    given = {name: value for name, value in definition["labels"].items() if not name.startswith("celadon.")}
    definition |= {"labels": {**given, **marks}, "networks": {**definition["networks"], "default": None}}
    return {**document, "services": {placed.release.service: definition}}


def host_entries(config: EnvironmentConfig, network: Network) -> dict[str, str]:
    """Names by which services call each other: all lead to the router, which knows the live slot."""
    router = network.gateway if config.settings.router.on_host else network.router
    return {name: str(router) for name, service in config.services.items() if service.options.port}


def _backing(config: EnvironmentConfig, name: str, definition: Mapping[str, Any]) -> Document:
    return {
        "restart": RESTART,
        "logging": LOGGING,
        **definition,
        "annotations": _annotations(config, definition),
        "labels": {**(definition.get("labels") or {}), **_labels(config, labels.BACKING, name)},
    }


def _router(config: EnvironmentConfig, network: Network, folder: str, image: str) -> Document:
    return {
        "image": image,
        "pull_policy": "never",
        "command": ["nginx", "-c", f"{ROUTER_FOLDER}/nginx.conf", "-g", "daemon off;"],
        "restart": ROUTER_RESTART,
        "logging": LOGGING,
        "stop_grace_period": f"{config.options.drain:g}s",
        **_reached(config, network),
        **confinement.router(config),
        "annotations": _annotations(config, {}),
        "volumes": [
            {"type": "bind", "source": escaped(folder), "target": ROUTER_FOLDER, "read_only": True},
            {"type": "volume", "source": ROUTER_TEMPORARY, "target": "/tmp"},  # noqa: S108 (in the container)
        ],
        "labels": {
            **_labels(config, labels.ROUTER, labels.ROUTER),
            labels.FINGERPRINT: router_fingerprint(config),
            labels.CONFINEMENT: router_confinement(config),
        },
    }


def _reached(config: EnvironmentConfig, network: Network) -> Document:
    """How users and services reach the router."""
    if config.settings.router.on_host:
        return {"network_mode": "host"}
    ports = [_published(listen, PLAIN_ENTRANCE) for listen in config.options.listen]
    if config.options.tls:
        ports += [_published(listen, TLS_ENTRANCE) for listen in config.options.tls.listen]
    return {"ports": ports, "networks": {"default": {"ipv4_address": str(network.router)}}}


def router_fingerprint(config: EnvironmentConfig) -> str:
    """What the router's container was made for: another value needs another container, not only a reload."""
    settings = config.settings.router
    tls = [str(listen) for listen in config.options.tls.listen] if config.options.tls else []
    doors = {"listen": [str(listen) for listen in config.options.listen], "tls": tls}
    folder = str(config.folder)  # a workspace that was moved: the old mount leads nowhere
    reached: Document = {"network": "host"} if settings.on_host else doors  # on the host, a reload opens other doors
    return fingerprint({"image": settings.image, **reached, "folder": folder, "restart": ROUTER_RESTART})


def router_confinement(config: EnvironmentConfig) -> str:
    """Which restrictions the router's container was made with. They can wait for a restart that somebody asks for: a
    newer Celadon alone must not cost users a second."""
    return fingerprint(confinement.router(config))


def _published(listen: Any, target: int) -> Document:
    port: Document = {"mode": "ingress", "protocol": "tcp", "target": target, "published": str(listen.port)}
    if listen.address:
        port["host_ip"] = listen.address
    return port


def _network(config: EnvironmentConfig) -> Document:
    """It is there before anything starts in it: the router may have to listen on its gateway."""
    return {"name": config.network, "external": True}


def network_labels(config: EnvironmentConfig) -> dict[str, str]:
    return {labels.WORKSPACE: config.workspace, labels.ENVIRONMENT: config.name}


def _annotations(config: EnvironmentConfig, definition: Mapping[str, Any]) -> dict[str, str]:
    """The container's own, and the mark of what Celadon made: an image brings labels along, but no annotations."""
    return {**(definition.get("annotations") or {}), labels.MADE: config.workspace}


def _labels(config: EnvironmentConfig, role: str, service: str) -> dict[str, str]:
    """Every label of Celadon's, so that none of the image's shows through."""
    return {
        **dict.fromkeys((labels.SLOT, labels.RELEASE, labels.COMMIT, labels.FINGERPRINT, labels.DOCUMENT), ""),
        labels.WORKSPACE: config.workspace,
        labels.FOLDER: escaped(str(config.folder)),
        labels.ENVIRONMENT: config.name,
        labels.ROLE: role,
        labels.SERVICE: service,
    }
