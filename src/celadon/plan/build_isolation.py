"""What keeps one service's build away from the others: a namespace of cache mounts, and images it may not name.

The images are BuildKit's own source policy, which it enforces for every way to name one: FROM, COPY --from,
RUN --mount, ONBUILD of a base image, another frontend. Source: moby/buildkit, sourcepolicy/engine.go.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from celadon.config.workspace import EnvironmentConfig, Service
from celadon.state.disk import Named

RELEASE_TAG = r"\d{8}-\d{6}-[0-9a-f]{7}"  # as plan.common.new_id makes it
HUB = r"(?:(?:index\.)?docker\.io/)?(?:library/)?"
IMAGE_CONTEXT = "docker-image://"  # what a named context of Compose begins with that is an image

Policy = Mapping[str, list[dict[str, Any]]]


def cache_flags(workspace: str, service: Service, dockerfile: str) -> list[str]:
    """The flags of Buildx that keep a service's cache mounts to itself, and the layers that are made with them.

    BuildKit takes the namespace for a part of a step only where its mounts are plain (solver/llbsolver/ops/exec.go,
    checkShouldClearCacheOpts). Where one has an id or a way of sharing, another service's build of the same steps would
    be taken for this one, made with what it put into its cache: there a host's name, which is a part of every step,
    sets them apart.
    """
    namespace = cache_namespace(workspace, service)
    flags = ["--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={namespace}"]
    mounts = re.findall(r"--mount=\S*\btype=\W?cache\S*", dockerfile)
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


def image_policy(config: EnvironmentConfig, service: Service, images: Iterable[Named]) -> Policy:
    """Deny the images of all other services of the host, but not those that the compose file hands to this build.

    The last rule that matches decides.
    """
    denied = dict.fromkeys([*_of_this_file(config, service.name), *_others(service.name, images)])
    rules = [_rule("DENY", rf"{HUB}[^/:@]+:{RELEASE_TAG}")]
    rules += [_rule("DENY", _pattern(name)) for name in denied]
    rules += [_rule("ALLOW", rf"{HUB}{re.escape(service.name)}:[^:@]+")]
    rules += [_rule("ALLOW", _pattern(name)) for name in handed_over(service)]
    return {"rules": rules}


def handed_over(service: Service) -> list[str]:
    """The images that the compose file itself gives a build, as `additional_contexts`."""
    contexts: Mapping[str, Any] = (service.definition.get("build") or {}).get("additional_contexts") or {}
    return [text.removeprefix(IMAGE_CONTEXT) for text in map(str, contexts.values()) if text.startswith(IMAGE_CONTEXT)]


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
