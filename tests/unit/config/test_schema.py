"""The JSON Schema for editors: it is what the code writes, it takes what Celadon takes, and marks what it does not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from celadon.config import reference, schema
from celadon.config.positions import Loader

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads(schema.FILE.read_text())
# Compose's own part is Compose's: what it says of a file is nothing that Celadon could break.
COMPOSE: Registry[Any] = Registry().with_resource(schema.COMPOSE, Resource({}, DRAFT7))
VALIDATOR = Draft7Validator(SCHEMA, registry=COMPOSE)
PROBLEMS = Path(__file__).with_name("problems")

# Rules between several keys, or between the file and the disk, the engine or apprise: a schema cannot know them.
BEYOND_A_SCHEMA = [
    "a_folder_that_is_not_there",
    "a_key_twice",
    "a_policy_in_somebody_elses_hands",
    "a_route_needs_port_and_health",
    "addresses_of_unknown_services",
    "an_address_that_compose_cannot_read",
    "git_that_would_run_commands",
    "keys_that_two_slots_cannot_share",
    "missing_env_file",
    "names_of_slots_are_taken",
    "not_yaml",
    "nothing_to_deploy",
    "promotes_from_nowhere",
    "promotes_in_a_circle",
    "replace_with_a_route",
    "the_same_port_in_two_environments",
    "the_same_route_twice",
]


def told(text: str) -> list[str]:
    found = VALIDATOR.iter_errors(yaml.load(text, Loader))  # noqa: S506 (a safe loader)
    return sorted(".".join(map(str, one.absolute_path)) for one in found)


def wrong(top: str = "", environment: str = "", service: str = "port: 80") -> list[str]:
    file = f"""
name: shop
x-celadon:
  environments: {{staging: {{listen: [80], url: "http://x", {environment}}}}}
  {top}
services: {{web: {{x-celadon: {{{service}}}}}}}
"""
    return told(file)


def properties(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        for name, inner in part.get("properties", {}).items():
            yield f"{path}.{name}".lstrip("."), inner
            yield from properties(inner, f"{path}.{name}")
        for key in ("anyOf", "items", "additionalProperties"):
            yield from properties(part.get(key), path)
    if isinstance(part, list):
        for inner in part:
            yield from properties(inner, path)


def test_it_is_what_the_code_writes() -> None:
    assert schema.FILE.read_text() == schema.text(), "run `make schema`"


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_reference_and_the_example_are_good() -> None:
    assert told(reference.text()) == []
    assert told((ROOT / "examples/workhub/compose.yaml").read_text()) == []


@pytest.mark.parametrize("case", sorted(PROBLEMS.glob("*.yaml")), ids=lambda case: case.stem)
def test_wrong_files(case: Path) -> None:
    if case.stem in ("a_key_twice", "not_yaml"):
        return
    marked = bool(told(case.read_text()))
    assert marked is (case.stem not in BEYOND_A_SCHEMA)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"top": "kep: 2"}, "x-celadon"),
        ({"top": "keep: 21"}, "x-celadon.keep"),
        ({"top": "keep: many"}, "x-celadon.keep"),
        ({"top": "build: {memory: huge}"}, "x-celadon.build.memory"),
        ({"top": "build: {timeout: soon}"}, "x-celadon.build.timeout"),
        ({"top": "build: {timeout: ''}"}, "x-celadon.build.timeout"),
        ({"top": "build: {cpus: 0}"}, "x-celadon.build.cpus"),
        ({"top": "build: {uncapped: allow}"}, "x-celadon.build.uncapped"),
        ({"top": "build: {network: none}"}, "x-celadon.build.network"),
        ({"top": "router: {network: none}"}, "x-celadon.router.network"),
        ({"top": "notify: [{url: x, on: exploded}]"}, "x-celadon.notify"),
        ({"environment": "watch: -1"}, "x-celadon.environments.staging.watch"),
        ({"environment": "frm: staging"}, "x-celadon.environments.staging"),
        ({"environment": "tls: {certificate: a, key: b}"}, "x-celadon.environments.staging.tls"),
        ({"environment": "tls: {certificate: a, key: b, listen: []}"}, "x-celadon.environments.staging.tls.listen"),
        ({"service": "port: 0"}, "services.web.x-celadon.port"),
        ({"service": "port: eighty"}, "services.web.x-celadon.port"),
        ({"service": "route: shop"}, "services.web.x-celadon.route"),
        ({"service": "route: /shop/"}, "services.web.x-celadon.route"),
        ({"service": "host: 'http://x'"}, "services.web.x-celadon.host"),
        ({"service": "health: {path: /h, good: 0}"}, "services.web.x-celadon.health"),
        ({"service": "health: api"}, "services.web.x-celadon.health"),
        ({"service": "strip_prefix: sometimes"}, "services.web.x-celadon.strip_prefix"),
        ({"service": "strategy: canary"}, "services.web.x-celadon.strategy"),
    ],
)
def test_what_is_marked(part: dict[str, str], place: str) -> None:
    assert wrong(**part) == [place]


@pytest.mark.parametrize(
    "part",
    [
        {"top": "build: {memory: 512m, timeout: 1h30m, lock_timeout: 90, cpus: 0.5}"},
        {"top": "notify: slack://x"},
        {"top": "notify: {url: x, on: failed}"},
        {"top": "keep: ${KEEP:-2}"},
        {"environment": "watch: 500ms"},
        {"environment": "tls: {certificate: a, key: b, listen: ['10.0.0.1:443', 444], redirect: false}"},
        {"service": "{port: '${PORT}', strip_prefix: '${STRIP}', strategy: '${STRATEGY}', route: '${ROUTE}'}"[1:-1]},
        {"service": "port: 80, health: /api/health, route: /a/b, release: [npm, run, migrate]"},
    ],
)
def test_what_people_write_is_not(part: dict[str, str]) -> None:
    assert wrong(**part) == []


def test_each_key_says_what_it_is() -> None:
    found = {path: part.get("description") for path, part in properties(SCHEMA) if path != "services"}
    assert len(found) > 45 and [path for path, words in found.items() if not words] == []


def test_defaults_are_told_as_they_are_written() -> None:
    found = {path: part["default"] for path, part in properties(SCHEMA) if "default" in part}
    assert found["x-celadon.build.timeout"] == "30m" and found["x-celadon.build.memory"] == "auto"
    assert not [path for path, value in found.items() if isinstance(value, float)]
    assert not [text for text in map(str, found.values()) if re.search("Secret|object at", text)]
