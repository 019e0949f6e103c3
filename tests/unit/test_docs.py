"""The manual on the terminal: from the sources, and from a wheel as people install it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from celadon.app import manual
from celadon.cli.main import run
from celadon.cli.verbs import VERBS
from celadon.config import reference, schema
from celadon.errors import DONE, USAGE, UsageError

ROOT = Path(__file__).parents[2]


def printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = DONE) -> str:
    assert run(["docs", *words]) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_all_pages_are_topics(capsys: pytest.CaptureFixture[str]) -> None:
    listed = printed(capsys)
    for file in (ROOT / "docs").glob("*.md"):
        assert re.search(rf"^{file.stem}  +\S", listed, re.MULTILINE)
        assert printed(capsys, file.stem) == file.read_text()
    assert printed(capsys, "reference") == reference.text()
    assert printed(capsys, "--schema") == schema.FILE.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["x-celadon.build.memory"], ["build.memory"], ["memory"], ["configuration", "x-celadon.build.memory"],
        ["reference", "memory"],
    ],
)  # fmt: skip
def test_one_key(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, *words).splitlines() == [
        "x-celadon.build.memory: auto",
        "    what a build may take, held by the kernel: 2g; auto: what is free, less a reserve",
    ]


def test_a_path_as_problems_name_it_and_what_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "x-celadon.environments.prod.tls.listen.0").startswith(
        "x-celadon.environments.ENV.tls.listen: [443]\n"
    )
    heads = re.findall(r"^\S[^:]*", printed(capsys, "services.shop.x-celadon.health"), re.MULTILINE)
    assert heads[:2] == ["services.SERVICE.x-celadon.health", "services.SERVICE.x-celadon.health.path"]
    assert len(heads) == 5


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["confguration"], "→ celadon docs configuration"),
        (["x-celadon.build.memry"], "→ celadon docs x-celadon.build.memory"),
        (["memry"], "→ celadon docs x-celadon.build.memory"),
        (["zzz"], "→ All topics: celadon docs"),
        (["."], "→ All topics: celadon docs"),
        (["confguration", "keep"], "→ celadon docs configuration"),
    ],
)
def test_what_there_is_not(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, *words, code=USAGE).splitlines() == [f"error: There is no topic or key `{words[0]}`.", hint]


def test_any_key_of_the_reference_can_be_asked_for() -> None:
    for path, entry in reference.entries().items():
        if entry.comment:
            assert manual.read(reference.shown(path)).startswith(reference.shown(path) + ":")
    with pytest.raises(UsageError):
        manual.read("x-celadon.environments.staging.frm")


def test_a_manual_page_that_roff_takes(capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, "--man")
    assert page.startswith(".TH CELADON 1 ") and "\\fBx\\-celadon.build.memory\\fR\n" in page
    assert not [line for line in page.splitlines() if re.match(r"[.'](?!TH |SH |TP$)", line)]
    if shutil.which("groff"):
        made = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-k"], input=page, capture_output=True, text=True)
        assert not made.stderr and all(verb in re.sub("\x1b[^m]*m|.\b", "", made.stdout) for verb in VERBS)


def test_a_wheel_carries_the_manual(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")

    def celadon(*words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
        argv = [sys.executable, "-m", "celadon", "docs", *words]
        return subprocess.run(argv, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    assert celadon("operating") == (ROOT / "docs" / "operating.md").read_text()
    assert celadon("--schema") == schema.FILE.read_text()
    assert "configuration" in celadon()
