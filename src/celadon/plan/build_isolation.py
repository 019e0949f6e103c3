"""What keeps one service's build away from the others: a namespace of cache mounts, and sources it may not name.

The sources are BuildKit's own source policy, which it enforces for every way to name one: FROM, COPY --from,
RUN --mount, ADD, ONBUILD of a base image, another frontend. Source: moby/buildkit, sourcepolicy/engine.go.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from celadon.config.workspace import EnvironmentConfig, Service
from celadon.plan.frontend import ARGUMENT
from celadon.state.disk import Named

RELEASE_TAG = r"\d{8}-\d{6}-[0-9a-f]{7}"  # as plan.common.new_id makes it
HUB = r"(?:(?:index\.)?docker\.io/)?(?:library/)?"
IMAGE_CONTEXT = "docker-image://"  # what a named context of Compose begins with that is an image

Policy = Mapping[str, list[dict[str, Any]]]

# BuildKit fetches what ADD names from the host's own network: 127.0.0.1, a cloud's metadata service. Names and
# redirects lead there as well, so no list of addresses would do. With a checksum, only known content comes in.
FETCHED = (
    {
        "action": "DENY",
        "selector": {
            "identifier": "^https?://",
            "match_type": "REGEX",
            "constraints": [{"key": "http.checksum", "value": "", "condition": "EQUAL"}],
        },
    },
    {"action": "DENY", "selector": {"identifier": "^(?:git|ssh)://", "match_type": "REGEX"}},
)
ADDRESS = re.compile(r"(?:https?|git|ssh)://(?:[^/@]*@)?([^#?]+)")

UNPINNED = {  # denies every image that has no digest
    "action": "DENY",
    "selector": {"identifier": f"^{IMAGE_CONTEXT}[^@]+$", "match_type": "REGEX"},
}


def cache_flags(workspace: str, service: Service, dockerfile: str) -> list[str]:
    """The flags of Buildx that keep a service's cache mounts to itself, and the layers that are made with them.

    BuildKit takes the namespace for a part of a step only where its mounts are plain (solver/llbsolver/ops/exec.go,
    checkShouldClearCacheOpts). Where one has an id or a way of sharing, another service's build of the same steps would
    be taken for this one, made with what it put into its cache: there a host's name, which is a part of every step,
    sets them apart.
    """
    namespace = cache_namespace(workspace, service)
    flags = ["--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={namespace}"]
    words = re.sub(r"[\\`][ \t]*\r?\n", "", dockerfile).lower().split()
    mounts = [word for word in words if "--mount=" in word and re.search(r"\btype=\W?cache", word)]
    if any(re.search(r"\b(id|sharing)=", mount) for mount in mounts):
        flags += ["--add-host", f"{namespace}.invalid:127.0.0.1"]
    return flags


def cache_namespace(workspace: str, service: Service) -> str:
    """The namespace of a service's cache mounts; services of a workspace share one where their file says so.

    It has to stay as it is: with another one every service fetches its packages anew. With a slash in it BuildKit does
    not know it again.
    """
    if group := service.options.build_cache:
        return f"celadon.{workspace}.group.{group}"
    return f"celadon.{workspace}.service.{service.name}"


def source_policy(config: EnvironmentConfig, service: Service, images: Iterable[Named]) -> Policy:
    """Deny the images of all other services of the host, and what BuildKit would fetch from the host's own network, but
    not what the compose file hands to this build.

    Where base images must be pinned, deny those without a digest as well: `check` reads a Dockerfile as a person does,
    and whoever writes one to deceive it would find a way. The last rule that matches decides.
    """
    denied = dict.fromkeys([*_of_this_file(config, service.name), *_others(service.name, images)])
    rules = [_rule("DENY", rf"{HUB}[^/:@]+:{RELEASE_TAG}")]
    rules += [_rule("DENY", _pattern(name)) for name in denied]
    rules += [_rule("ALLOW", rf"{HUB}{re.escape(service.name)}:[^:@]+")]
    rules += [UNPINNED] if must_be_pinned(config) else []
    rules += [_rule("ALLOW", _pattern(name)) for name in handed_over(service)]
    rules += [*FETCHED, *filter(None, map(_address, _contexts(service)))]
    return {"rules": rules}


def demands_digests(policy: Policy) -> bool:
    """Whether a policy denies images that have no digest."""
    return UNPINNED in policy.get("rules", [])


def must_be_pinned(config: EnvironmentConfig) -> bool:
    """Whether what an environment builds must be pinned: for itself, or for one that takes its releases from it."""
    every = config.settings.environments
    for name, options in every.items():
        policy = options.policy or config.settings.policy
        source: str | None = name
        while source is not None and policy.pinned == "required":
            if source == config.name:
                return True
            source = every[source].from_ if source in every else None
    return False


def handed_over(service: Service) -> list[str]:
    """The images that the compose file itself gives a build: as `additional_contexts`, and its frontend."""
    given = _contexts(service)
    found = [text.removeprefix(IMAGE_CONTEXT) for text in given if text.startswith(IMAGE_CONTEXT)]
    frontend = str((_build(service).get("args") or {}).get(ARGUMENT) or "").partition(" ")[0]
    return [*found, frontend] if frontend else found


def _contexts(service: Service) -> list[str]:
    return [*map(str, (_build(service).get("additional_contexts") or {}).values())]


def _build(service: Service) -> Mapping[str, Any]:
    return service.definition.get("build") or {}


def _of_this_file(config: EnvironmentConfig, own: str) -> Iterator[str]:
    for name in (name for name in config.services if name != own):
        yield from (f"{name}:{environment}" for environment in config.settings.environments)


def _others(own: str, images: Iterable[Named]) -> Iterator[str]:
    """All names of images that were built for a service; of one that was pulled, those that Celadon gave it."""
    for image in images:
        mine = {name.rpartition(":")[0] for name in image.tags if re.search(rf":{RELEASE_TAG}$", name)}
        for name in (*image.tags, *image.digests):
            repository = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
            if repository != own and (image.workspace or repository in mine):
                yield name


def _pattern(name: str) -> str:
    """An image's name in the forms that BuildKit may have it in; without a tag it is `latest`."""
    rest = re.sub(rf"^{HUB}", "", name)
    known, at, digest = rest.partition("@")
    if at:
        return rf"{HUB}{re.escape(known)}(?::[^:@]+)?@{re.escape(digest)}"
    tagged = known if ":" in known.rpartition("/")[2] else f"{known}:latest"
    return f"{HUB}{re.escape(tagged)}"


def _rule(action: str, pattern: str) -> dict[str, Any]:
    identifier = f"^{IMAGE_CONTEXT}{pattern}(?:@.*)?$"
    return {"action": action, "selector": {"identifier": identifier, "match_type": "REGEX"}}


def _address(context: str) -> dict[str, Any] | None:
    """The rule that allows an address of the compose file as BuildKit names it; None for what is none."""
    match = ADDRESS.match(context)
    if match is None:
        return None
    identifier = f"^(?:https?|git|ssh)://(?:[^/@]*@)?{re.escape(match[1])}(?:[#?].*)?$"
    return {"action": "ALLOW", "selector": {"identifier": identifier, "match_type": "REGEX"}}
