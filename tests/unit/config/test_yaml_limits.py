"""A file that is too much for whoever reads it is refused at its place, before anything is built of it."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from celadon.config.load import rendered
from celadon.config.positions import read
from celadon.config.workspace import Rendered
from celadon.errors import ConfigError

HEAD = "name: shop\nx-celadon:\n  environments: {staging: {listen: [4400], url: 'http://shop.example'}}\n"


def _bomb(levels: int) -> str:
    lines = ["x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x-deep: " + "[" * 200_000, "4:108: exceeds the limits for YAML: it is nested more than 100 levels deep"),
        ("x-deep:\n  " + "- " * 200_000, "exceeds the limits for YAML: it is nested more than 100 levels deep"),
        ("x-deep: " + "{a: " * 200_000, "exceeds the limits for YAML: it is nested more than 100 levels deep"),
        ("x-deep: " + "[" * 3000 + "]" * 3000, "exceeds the limits for YAML: it is nested more than 100 levels deep"),
        (
            "\n".join(" " * n + "a:" for n in range(1400)),
            "exceeds the limits for YAML: it is nested more than 100 levels deep",
        ),
        ("? " * 200_000, "exceeds the limits for YAML: it is nested more than 100 levels deep"),
        (_bomb(10), "9:11: exceeds the limits for YAML: it has more than 100000 values"),
        ("x-list: [" + "1," * 100_001 + "1]", "exceeds the limits for YAML: it has more than 100000 values"),
        ("x-cycle: &a [*a]", "4:14: exceeds the limits for YAML: an alias refers to an anchor that contains it"),
        ("x-cycle: &a {b: {<<: *a}}", "exceeds the limits for YAML: an alias refers to an anchor that contains it"),
        ("# " + "x" * (1 << 20), "exceeds the limits for YAML: it is larger than 1.0M"),
    ],
)
def test_excess_is_said_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "compose.yaml").write_text(HEAD + text)
    begun = time.process_time()
    assert words in _refused(tmp_path / "compose.yaml")
    assert time.process_time() - begun < 5


def _refused(file: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        read(file)
    (problem,) = refused.value.problems
    return f"{problem.line}:{problem.column}: {problem.message}"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("zero", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("folder", "Is a directory"),
    ],
)
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str, words: str) -> None:
    file = tmp_path / "compose.yaml"
    if kind == "zero":
        file.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()
    assert words in _refused(file)


def test_what_an_included_file_makes_of_a_small_one_is_measured_too(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(HEAD)
    raw = read(tmp_path / "compose.yaml")
    for text in ("x: " + "[" * 300_000, "x: [" + "1," * 600_000 + "1]"):
        with pytest.raises(ConfigError) as refused:
            rendered(raw, "staging", lambda *_words, text=text: Rendered(text))  # type: ignore[misc]
        assert "exceeds the limits with all the files that it includes" in refused.value.problems[0].message


def test_a_large_file_of_a_large_team_is_fine(tmp_path: Path) -> None:
    service = "    image: nginx\n    environment:\n" + "".join(f"      VARIABLE_{n}: value {n}\n" for n in range(100))
    services = "".join(f"  service-{n}:\n    <<: *common\n{service}" for n in range(200))
    text = f"{HEAD}x-common: &common {{restart: always}}\nservices:\n{services}"
    (tmp_path / "compose.yaml").write_text(text)
    assert len(read(tmp_path / "compose.yaml").data["services"]) == 200


def test_a_number_of_any_length_is_read(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(f"{HEAD}x-number: {'9' * 100_000}\n")
    assert read(tmp_path / "compose.yaml").data["x-number"] == "9" * 100_000


def test_no_process_dies_of_what_it_reads(tmp_path: Path) -> None:
    """The parser's C code has a stack of its own: what overflows it ends the whole process."""
    (tmp_path / "compose.yaml").write_text(HEAD + "x-deep: " + "[" * 400_000)
    small = (1 << 20, 1 << 20)
    done = subprocess.run(
        [sys.executable, "-m", "celadon", "-C", str(tmp_path), "status"], capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, small),
    )  # fmt: skip
    assert done.returncode == 2 and "nested more than 100 levels deep" in done.stderr
