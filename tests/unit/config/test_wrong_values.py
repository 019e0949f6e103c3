"""Wrong values, each with the exact lines that an operator sees: a new case is two lines in wrong_values.txt, no code.

A section says where a case stands in the file below; `env`, `included` and `extended` are files that it names, and
`file` is the whole of it. There, escapes such as \\n and \\xff are the bytes they mean.

Compose hands `x-celadon` on as it stands: where a case is only about that, and holds no variable, the file is taken for
what Compose renders, unless CELADON_THOROUGH is set.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from celadon.adapters import compose, notify
from celadon.config.load import load_environment
from celadon.config.workspace import Rendered
from celadon.errors import USAGE, ConfigError

BASE = """name: shop
x-celadon:
  environments:
    staging: {listen: [4400], url: "http://shop.example:4400"<environment>}
  <top>
services:
  web: {image: "nginx:1.30"<service>, x-celadon: {<x-celadon>}}
<end>
"""
NAMES = {
    "env": ("a.env", "service", ", env_file: [a.env]"),
    "included": ("included.yaml", "end", "include: [included.yaml]"),
    "extended": ("base.yaml", "service", ", extends: {file: base.yaml, service: base}"),
}
ONLY_OURS = () if os.environ.get("CELADON_THOROUGH") else ("top", "environment", "x-celadon")


def as_it_stands(file: Path, _project: str, _variables: Mapping[str, str]) -> Rendered:
    return Rendered(file.read_text())


def cases() -> Iterator[tuple[str, str, list[str]]]:
    section, case, expected = "", "", list[str]()
    for line in [*Path(__file__).with_name("wrong_values.txt").read_text().splitlines(), "## end of the list"]:
        if line.startswith("    "):
            expected.append(line.strip())
            continue
        if case:
            yield section, case, expected
        case, expected = line, []
        if line.startswith("## "):
            section, case = line[3:], ""


def write(folder: Path, section: str, case: str) -> None:
    raw = case.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")
    name, place, words = NAMES.get(section, ("", section, case))
    text = BASE
    for part in ("environment", "top", "service", "x-celadon", "end"):
        text = text.replace(f"<{part}>", words if part == place else "")
    (folder / "compose.yaml").write_bytes(raw if section == "file" else text.encode())
    (folder / "empty.env").touch()
    if name:
        (folder / name).write_bytes(raw)


@pytest.mark.parametrize(("section", "case", "expected"), [pytest.param(*c, id=f"{c[0]}: {c[1]}") for c in cases()])
def test_a_wrong_value_is_explained(
    section: str, case: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    write(folder, section, case)
    monkeypatch.chdir(folder)
    render = as_it_stands if section in ONLY_OURS and "$" not in case else compose.render
    with pytest.raises(ConfigError) as caught:
        load_environment(folder / "compose.yaml", "staging", render, notify.problem_of)
    assert [str(problem).replace(str(folder), "FOLDER") for problem in caught.value.problems] == expected
    assert caught.value.exit_code == USAGE


def test_there_are_many() -> None:
    found = list(cases())
    assert len(found) == len({case[:2] for case in found}) > 150 and all(expected for _s, _c, expected in found)
