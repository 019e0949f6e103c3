"""What is kept of images: provenance without secrets, files that go with the last release."""

import json
import os
import select
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from celadon.adapters import process
from celadon.config.policy import for_image, is_below
from celadon.errors import CommandTimeout
from celadon.plan.steps import Build
from celadon.run import inspection, provenance
from celadon.state import evidence
from celadon.state.layout import Layout
from celadon.state.snapshot import Built, Source

ID, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def statement(definition: dict[str, Any], metadata: dict[str, Any], address: str) -> dict[str, Any]:
    built = Built("web", "20260101-000000-ccccccc", "", "c" * 40, "x", "key", "")
    source = Source("web", "c" * 40, "x", "main", "/shop/web", "app")
    made = provenance.statement(Build(built, source, definition), ID, metadata, address, ("begin", "end"))
    return dict(made)


def test_provenance_says_where_an_image_comes_from_and_no_secret() -> None:
    base = {"uri": "pkg:docker/node@24", "digest": {"sha256": "1"}}
    metadata = {
        "buildx.build.ref": "default/1",
        "buildx.build.provenance": {
            "materials": [base, {"uri": "https://user:hush@example.com/x?token=hush", "digest": {"sha1": "2"}}, "x"],
            "invocation": {"parameters": {"args": {"build-arg:TOKEN": "hush"}}},
        },
    }
    made = statement(
        {"dockerfile": "Dockerfile.prod", "target": "run", "args": {"TOKEN": "hush", "B": None}},
        metadata,
        "https://deploy:hush@git.example.com/shop/web.git",
    )
    assert "hush" not in json.dumps(made)
    assert made["predicateType"] == "https://slsa.dev/provenance/v1"
    assert made["subject"] == [{"name": "web", "digest": {"sha256": "a" * 64}}]
    definition = made["predicate"]["buildDefinition"]
    source = {"uri": "git+https://git.example.com/shop/web.git", "digest": {"gitCommit": "c" * 40}}
    assert definition["externalParameters"] == {
        "source": source, "ref": "main", "context": "app", "target": "run", "dockerfile": "Dockerfile.prod",
        "args": ["B", "TOKEN"],
    }  # fmt: skip
    asked = {"uri": "https://example.com/x", "digest": {"sha1": "2"}}
    assert definition["resolvedDependencies"] == [source, base, asked]
    details = made["predicate"]["runDetails"]["metadata"]
    assert details == {"invocationId": "default/1", "startedOn": "begin", "finishedOn": "end"}


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"buildx.build.provenance": 1}'])
def test_what_buildx_does_not_say_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    made = statement({}, provenance.of_file(tmp_path / "m.json"), "git@example.com:web.git")
    assert [one["uri"] for one in made["predicate"]["buildDefinition"]["resolvedDependencies"]] == [
        "git+git@example.com:web.git"
    ]


def test_evidence_goes_with_its_image(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    evidence.prune(layout, ())
    evidence.keep(layout, ID, evidence.SBOM, {"a": 1})
    evidence.keep(layout, OTHER, evidence.scan("staging"), {"code": 0})
    assert evidence.found(layout, ID, evidence.SBOM) == {"a": 1}
    assert evidence.found(layout, ID, evidence.PROVENANCE) is None
    evidence.prune(layout, [OTHER, "no id"])
    assert evidence.found(layout, ID, evidence.SBOM) is None
    assert evidence.found(layout, OTHER, evidence.scan("staging")) == {"code": 0}
    for bad in ("", "../../x", "sha256:../x", f"sha256:{'A' * 64}"):
        assert evidence.file(layout, bad, evidence.SBOM) is None
        evidence.keep(layout, bad, evidence.SBOM, {})


def test_the_image_takes_its_place_in_a_command() -> None:
    assert for_image(("trivy", "image"), ID) == ["trivy", "image", ID]
    assert for_image(("syft", "docker:{image}", "-o", "json"), ID) == ["syft", f"docker:{ID}", "-o", "json"]


def test_a_file_below_a_folder_by_whatever_way(tmp_path: Path) -> None:
    shop, keys = tmp_path / "shop", tmp_path / "keys"
    (shop / "sub").mkdir(parents=True)
    keys.mkdir()
    (keys / "mine").touch()
    (shop / "sub" / "theirs").touch()
    (shop / "away").symlink_to(keys / "mine")
    (keys / "in").symlink_to(shop / "sub" / "theirs")
    (keys / "through").symlink_to(shop / "away")
    (tmp_path / "door").symlink_to(shop)
    (keys / "round").symlink_to(keys / "round")
    below = [shop / "sub" / "theirs", shop / "away", keys / "in", keys / "through", tmp_path / "door" / "away",
             shop / ".." / "shop" / "away", keys / ".." / "shop" / "sub" / "theirs", keys / "round"]  # fmt: skip
    assert [file for file in below if not is_below(file, shop)] == []
    assert not is_below(keys / "mine", shop) and not is_below(tmp_path / "no" / "where", shop)
    assert is_below(shop / "sub" / "theirs", tmp_path / "door")


def test_a_program_can_be_given_an_environment_of_its_own() -> None:
    whole = process.run(["sh", "-c", "env"], env={"PATH": "/usr/bin:/bin", "A": "1"}, whole=True)
    assert {line.partition("=")[0] for line in whole.out.splitlines()} <= {"PATH", "A", "PWD", "SHLVL", "_"}


def test_what_a_program_started_is_stopped_with_it() -> None:
    script = "(trap '' TERM; exec sleep 7532) & echo $!; wait"
    lines: list[str] = []
    with pytest.raises(CommandTimeout):
        process.run(["sh", "-c", script], timeout=0.5, on_line=lines.append)
    with suppress(ProcessLookupError):  # it is gone already
        descriptor = os.pidfd_open(int(lines[0]))
        try:
            assert select.select([descriptor], [], [], 10)[0]  # it ends
        finally:
            os.close(descriptor)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("\u202eevil\x00", "evil"),
        ("x" * 1000, "x" * 399 + "…"),
    ],
)
def test_what_a_scanner_says_moves_no_terminal(line: str, shown: str) -> None:
    assert inspection.cleaned(line) == shown
