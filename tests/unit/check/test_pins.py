"""Images that a Dockerfile names without a digest: which those are, what the policy makes of them, and their fix."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from celadon.check import pins
from celadon.check.facts import Build, Facts
from celadon.config.load import load_frozen
from celadon.config.positions import Place, Positions

DIGEST = f"sha256:{'a' * 64}"
NODE = f"node:24@{DIGEST}"


def facts(text: str, *, top: Any = None, production: Any = None, args: Any = None, **more: Any) -> Facts:
    environments = {
        "staging": {"listen": [1], "url": "http://x"},
        "production": {"listen": [2], "url": "http://x", "from": "staging", **(production or {})},
    }
    build = {"context": "/shop/web", **({"args": args} if args else {})}
    document = {"x-celadon": {"environments": environments, **(top or {})},
                "services": {"web": {"build": build, "x-celadon": {}}}}  # fmt: skip
    file = Path("/shop/compose.yaml")
    config = load_frozen(yaml.safe_dump(document), "shop", file.parent, file, "staging")
    made = Build("Dockerfile", text, ("web",), Place(1, 1), "compose.yaml", path="/shop/web/Dockerfile", **more)
    return Facts(Positions(file, document, None), "compose.yaml", (config,), (made,))


def said(seen: Facts) -> list[str]:
    return [f"{one.line}:{one.column} {one.severity} {one.what}" for one in pins.findings(seen)]


@pytest.mark.parametrize(
    ("text", "images"),
    [
        (f"FROM {NODE}\n", []),
        ("FROM node:24\n", ["1 node:24"]),
        ("FROM --platform=$BUILDPLATFORM node:24 AS build\nFROM build\nCOPY --from=build /a /a\n", ["1 node:24"]),
        ("FROM scratch\nFROM scratch\nCOPY --from=0 /a /a\nCOPY --from=nginx:1.30 /a /a\n", ["4 nginx:1.30"]),
        (f"FROM {NODE}\nRUN --mount=type=bind,from=golang:1,target=/x make\n", ["2 golang:1"]),
        ("FROM scratch\nRUN --mount=type=bind,From=golang:1,target=/x make\n", ["2 golang:1"]),
        ("ARG V=24\nFROM node:${V}\n", ["2 node:24"]),
        (f"ARG BASE={NODE}\nFROM $BASE\n", []),
        ("ARG V\nFROM node:$V\n", ["2 node:$V"]),
        ("FROM base\n", []),  # a named context of the compose file
        ("FROM node:24@sha256:abc\n", ["1 node:24@sha256:abc"]),
    ],
)
def test_images_without_a_digest(text: str, images: list[str]) -> None:
    seen = facts(text, contexts=frozenset({"base"}))
    found = [f"{one.place.line} {one.image}" for one in pins.unpinned(seen, seen.builds[0])]
    assert found == images


def test_the_compose_files_build_arguments_count() -> None:
    text = f"ARG BASE={NODE}\nFROM $BASE\n"
    assert said(facts(text, args={"BASE": "node:23"})) == ["2:1 info the image node:23 is not pinned by digest"]


def test_a_policy_makes_errors_of_remarks() -> None:
    required = {"policy": {"pinned": "required"}}
    text = "FROM node\n"
    assert said(facts(text)) == []  # dockerfile/unpinned-base says so
    assert said(facts("FROM node:24\n")) == ["1:1 info the image node:24 is not pinned by digest"]
    for seen in (facts(text, top=required), facts(text, production=required)):  # production runs what staging builds
        assert said(seen) == ["1:1 error the image node is not pinned by digest"]
    assert said(facts("FROM node:24\n", top=required, production={"policy": {}})) != []
    seen = replace(facts("ARG X\nFROM base:1\nCOPY --from=$X /a /a\n", top=required), digests={"base:1": ""})
    assert [line.partition(" error ")[2] for line in said(seen)] == [
        "the image base:1 has no digest: it was built on this server and never pushed or pulled",
        "the image $X depends on a build variable, so its digest cannot be checked",
    ]


@pytest.mark.parametrize("text", ["# syntax={}\n", "// syntax={}\n", "#!x\n#syntax={}\n"])
def test_a_frontend_is_pinned_in_the_compose_file(text: str) -> None:
    """A digest in the Dockerfile is refused: nobody can tell which release it is of."""
    required = {"policy": {"pinned": "required"}}
    text = f"{text.format('docker/dockerfile:1')}FROM scratch\n"
    assert said(facts(text)) == []
    seen = facts(text, top=required)
    assert said(seen) == ["1:1 error the image docker/dockerfile:1 is not pinned by its digest"]
    assert 'build.args: {BUILDKIT_SYNTAX: "docker/dockerfile:1@sha256:…"}' in next(iter(pins.findings(seen))).mend
    assert pins.written(seen, seen.builds[0], {Place(1, 1)})[0] == text
    build = replace(seen.builds[0], args={"BUILDKIT_SYNTAX": f"docker/dockerfile:1@{DIGEST}"})
    assert said(replace(seen, builds=(build,))) == []


def test_the_fix_writes_what_the_engine_has_and_leaves_what_is_not_certain() -> None:
    text = (
        "# syntax=docker/dockerfile:1\nARG V=24\nFROM node:${V} AS build\nFROM nginx:1.30 AS nginx\n"
        "COPY \\\n  --from=nginx:1.30-alpine \\\n  /a /nginx:1.30\nFROM own:1\n"
    )
    digests = {"node:24": DIGEST, "nginx:1.30": DIGEST, "nginx:1.30-alpine": DIGEST,
               "own:1": ""}  # fmt: skip
    seen = replace(facts(text), digests=digests)
    places = {Place(one.line, one.column) for one in pins.findings(seen)}
    fixed, done = pins.written(seen, seen.builds[0], places)
    assert fixed == (
        f"# syntax=docker/dockerfile:1\nARG V=24\nFROM node:${{V}} AS build\n"
        f"FROM nginx:1.30@{DIGEST} AS nginx\nCOPY \\\n  --from=nginx:1.30-alpine@{DIGEST} \\\n  /a /nginx:1.30\n"
        "FROM own:1\n"
    )
    assert done == {Place(4, 1), Place(5, 1)}
    assert pins.written(seen, seen.builds[0], ())[0] == text
