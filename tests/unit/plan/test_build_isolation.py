"""Which images a build may name: BuildKit's rules, decided as BuildKit does, by the last one that matches."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from celadon.config.model import ServiceOptions
from celadon.config.workspace import Service
from celadon.plan.build_isolation import cache_flags, source_policy
from celadon.state.disk import Named

RELEASE = "20260111-093012-9f12ce5"
DIGEST = f"sha256:{'a' * 64}"


def service(name: str, contexts: dict[str, str] | None = None, **options: Any) -> Service:
    return Service(name, ServiceOptions(**options), {"build": {"additional_contexts": contexts or {}}})


def allowed(
    image: str, *known: Named, contexts: dict[str, str] | None = None, frontend: str = "", pinned: bool = False
) -> bool:
    """Whether a build of `shop` may use `image`, as BuildKit names it."""
    own = service("shop", contexts)
    own.definition["build"]["args"] = {"BUILDKIT_SYNTAX": frontend} if frontend else {}
    options = SimpleNamespace(policy=None, from_=None)
    production = SimpleNamespace(policy=SimpleNamespace(pinned="required" if pinned else "optional"), from_="staging")
    config: Any = SimpleNamespace(
        workspace="team",
        name="staging",
        services={"shop": own, "hub": service("hub"), "nginx": service("nginx")},
        settings=SimpleNamespace(
            environments={"staging": options, "production": production}, policy=SimpleNamespace(pinned="optional")
        ),
    )
    last = "ALLOW"
    source = image if "://" in image else f"docker-image://{image}"
    for rule in source_policy(config, own, known)["rules"]:
        if re.search(rule["selector"]["identifier"], source):
            last = rule["action"]
    return last == "ALLOW"


@pytest.mark.parametrize(
    ("context", "source"),
    [
        ("https://x.example/tools.tar.gz", "https://x.example/tools.tar.gz"),
        ("https://ann:word@x.example/a.git#v1", "git://x.example/a.git#v1"),
    ],
)
def test_addresses_are_denied_but_those_of_the_compose_file(context: str, source: str) -> None:
    assert not allowed(source) and not allowed(source.replace("x.", "y."), contexts={"tools": context})
    assert allowed(source, contexts={"tools": context})


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/library/hub:staging",
        "docker.io/library/hub:production",
        f"docker.io/library/hub:{RELEASE}",
        f"docker.io/library/hub:staging@{DIGEST}",
        "index.docker.io/library/hub:staging",
        "hub:staging",
        f"docker.io/library/of-another-workspace:{RELEASE}",
        "docker.io/library/theirs:live",
        "localhost:5000/theirs:1",
        f"docker.io/library/theirs@{DIGEST}",
        f"docker.io/library/theirs:x@{DIGEST}",
        "docker.io/library/pulled:stable",
    ],
)
def test_images_of_other_services_are_denied(image: str) -> None:
    theirs = Named(("theirs:live", "localhost:5000/theirs:1"), (f"theirs@{DIGEST}",), "elsewhere")
    pulled = Named((f"pulled:{RELEASE}", "pulled:stable"))
    assert not allowed(image, theirs, pulled)


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/library/nginx:1.30",
        "docker.io/library/hub:1.0",
        "docker.io/library/shop:staging",
        f"docker.io/library/shop:{RELEASE}",
        "ghcr.io/team/hub:staging",
        "docker.io/team/hub:staging",
        "docker.io/library/node:24",
        f"docker.io/library/node:24@{DIGEST}",
        "docker.io/library/live:theirs",
    ],
)
def test_all_other_images_are_not(image: str) -> None:
    pulled = Named((f"pulled:{RELEASE}", "node:24"), (f"node@{DIGEST}",))
    mine = Named(("shop:staging", f"shop:{RELEASE}"), (), "team")
    assert allowed(image, pulled, mine, Named(("theirs:live",), (), "elsewhere"))


def test_what_the_compose_file_hands_over_is_allowed_and_nothing_beside_it() -> None:
    contexts = {"assets": "docker-image://hub:staging", "docs": "/srv/docs"}
    assert allowed("docker.io/library/hub:staging", contexts=contexts)
    assert allowed(f"docker.io/library/hub:staging@{DIGEST}", contexts=contexts)
    assert not allowed("docker.io/library/hub:production", contexts=contexts)


def test_where_digests_are_required_a_tag_is_denied_unless_the_compose_file_names_it() -> None:
    assert not allowed("docker.io/library/nginx:1.30", pinned=True)
    assert not allowed("docker.io/library/shop:staging", pinned=True)
    assert not allowed(f"docker.io/library/hub:{RELEASE}@{DIGEST}", pinned=True)
    assert allowed(f"docker.io/library/nginx:1.30@{DIGEST}", pinned=True)
    assert allowed("docker.io/library/nginx:1.30", contexts={"base": "docker-image://nginx:1.30"}, pinned=True)
    assert allowed("docker.io/docker/dockerfile:1", frontend="docker/dockerfile:1", pinned=True)


def test_caches_are_those_of_the_service_or_of_its_group() -> None:
    named = "BUILDKIT_CACHE_MOUNT_NS=celadon.team.service.shop"
    assert cache_flags("team", service("shop"), "FROM x\n") == ["--build-arg", named]
    shared = service("shop", build_cache="web")
    assert cache_flags("team", shared, "FROM x\n")[1] == "BUILDKIT_CACHE_MOUNT_NS=celadon.team.group.web"


@pytest.mark.parametrize(
    ("mount", "apart"),
    [
        ("type=cache,target=/a", False),
        ("type=bind,id=x,target=/a", False),
        ("type=cache,id=x,target=/a", True),
        ("id=x,type=cache,target=/a", True),
        ("type=cache,target=/a,sharing=locked", True),
        ('"type=cache",id=x', True),
        ('type="cache",id=x', True),
        ("Type=Cache,ID=x", True),
        ("type=cache,\\\nid=x", True),
        ("mode=0," * 140_000, False),
        ("--mount=" * 120_000, False),  # read once, not once from each place on
    ],
)
def test_steps_whose_namespace_buildkit_does_not_see_are_set_apart_by_a_host(mount: str, apart: bool) -> None:
    flags = cache_flags("team", service("shop"), f"FROM x\nRUN --mount={mount} \\\n  make\n")
    assert flags[2:] == (["--add-host", "celadon.team.service.shop.invalid:127.0.0.1"] if apart else [])
