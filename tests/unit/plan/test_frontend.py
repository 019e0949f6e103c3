"""The frontends that Dockerfiles ask for: in every form that BuildKit reads."""

import pytest

from celadon.plan import frontend


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("# syntax=evil/one", "evil/one"),
        ("#syntax = evil/one with words\r\nFROM x", "evil/one"),
        ("\ufeff# SYNTAX=evil/one", "evil/one"),
        ("#!/usr/bin/env docker\n# syntax=evil/one", "evil/one"),
        ("# escape=`\n# check=skip=all\n# syntax=evil/one", "evil/one"),
        ("// syntax=evil/one", "evil/one"),
        ('{"syntax": "evil/one"}', "evil/one"),
        ("\n# syntax=evil/one", ""),
        ("# a comment\n# syntax=evil/one", ""),
        ("FROM x\n# syntax=evil/one", ""),
        ("# escape=`\u2028# syntax=evil/one", ""),  # one line for BuildKit
        ('{"syntax": 1}', ""),
        ("[" * 100_000, ""),
        ("", ""),
    ],
)
def test_the_frontend_is_found_where_buildkit_finds_it(text: str, image: str) -> None:
    assert frontend.asked_for(text) == image


@pytest.mark.parametrize(
    "image",
    [
        "docker/dockerfile",
        "docker/dockerfile:1",
        "docker.io/docker/dockerfile:1.4",
        "docker/dockerfile:1.20.3-labs",
        "docker/dockerfile-upstream:master",
        "docker/dockerfile:labs",
    ],
)
def test_dockers_own_that_keep_caches_apart_are_taken(image: str) -> None:
    assert frontend.refused(f"# syntax={image}\n", {}) == ""


@pytest.mark.parametrize(
    "image",
    [
        "docker/dockerfile:experimental",
        "docker/dockerfile:1.0-experimental",
        "docker/dockerfile:1.1",
        "docker/dockerfile:1.0.1",
        f"docker/dockerfile:1.7@sha256:{'0' * 64}",
        "evil.example.com/docker/dockerfile:1",
        "docker/dockerfile-evil:1",
    ],
)
def test_others_are_refused_unless_the_compose_file_names_one(image: str) -> None:
    assert frontend.refused(f"# syntax={image}\n", {"args": {"A": "b"}}) == image
    assert frontend.refused(f"# syntax={image}\n", {"args": {"BUILDKIT_SYNTAX": image}}) == ""
