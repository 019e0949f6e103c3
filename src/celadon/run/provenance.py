"""Where an image came from, as an in-toto statement with SLSA provenance v1; what BuildKit resolved is taken from it.

Names of build arguments are kept, values never: they may be secrets. Source: slsa.dev/spec/v1.0/provenance.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from celadon import __version__
from celadon.adapters import git
from celadon.plan.steps import Build

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:celadon:build:v1"
BUILDER = "urn:celadon:builder"
METADATA = {"BUILDX_METADATA_PROVENANCE": "min"}  # whatever the operator's shell says

_LOGIN = re.compile(r"(?<=://)[^/@]*@")


def statement(
    step: Build, image_id: str, metadata: Mapping[str, Any], address: str, times: tuple[str, str]
) -> dict[str, Any]:
    """What is kept of a build. `metadata` is what Buildx wrote, `address` the repository's, `times` begin and end.

    A base image's digest is its registry's; of an image that was built on this engine, that of its layers.
    """
    source = {"uri": f"git+{without_login(address)}", "digest": {"gitCommit": step.source.commit}}
    definition = step.definition
    given = {
        "ref": step.source.ref,
        "context": step.source.context,
        "target": str(definition.get("target") or ""),
        "dockerfile": _dockerfile(definition),
        "args": sorted(definition.get("args") or {}),
    }
    algorithm, _colon, digest = image_id.partition(":")
    return {
        "_type": STATEMENT,
        "subject": [{"name": step.built.service, "digest": {algorithm: digest}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"source": source, **given},
                "resolvedDependencies": [source, *_bases(metadata)],
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": {"celadon": __version__}},
                "metadata": {
                    "invocationId": str(metadata.get("buildx.build.ref") or step.built.id),
                    "startedOn": times[0],
                    "finishedOn": times[1],
                },
            },
        },
    }


def _dockerfile(definition: Mapping[str, Any]) -> str:
    return "" if definition.get("dockerfile_inline") else str(definition.get("dockerfile") or "Dockerfile")


def _bases(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The images that the build was made of, with their digests; none where Buildx or BuildKit is too old to say."""
    told = metadata.get("buildx.build.provenance")
    materials = told.get("materials") if isinstance(told, dict) else None
    return [
        {"uri": without_login(str(one["uri"])), "digest": one["digest"]}
        for one in materials or []
        if isinstance(one, dict) and isinstance(one.get("digest"), dict) and "uri" in one
    ]


def without_login(address: str) -> str:
    """An address without the user and password in it, and without a query, which may hold a token."""
    return _LOGIN.sub("", address).partition("?")[0]


def of_file(file: Path) -> dict[str, Any]:
    """What Buildx wrote; empty where it wrote nothing that can be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def address(repository: Path) -> str:
    """Where a repository comes from: its remote, else its own folder."""
    return git.remote(repository) or f"file://{repository}"
