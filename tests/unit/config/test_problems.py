"""Wrong files, each with the exact lines that an operator sees: a new case is a new file in problems/, no code.

The expected lines are the comments at the top of the file, which is read as compose.yaml in a folder named workspace.
"""

from pathlib import Path

import pytest

from celadon.adapters import compose, notify
from celadon.config.load import load_environment
from celadon.config.outline import load_outline
from celadon.errors import USAGE, ConfigError

CASES = sorted(Path(__file__).with_name("problems").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_wrong_file_is_explained(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "compose.yaml").write_text(case.read_text())
    (folder / "empty.env").touch()
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as caught:
        load_environment(folder / "compose.yaml", "staging", compose.render, notify.problem_of)
    expected = [line.removeprefix("# ") for line in case.read_text().splitlines() if line.startswith("# compose.yaml:")]
    assert [str(p).replace(str(folder), "FOLDER") for p in caught.value.problems] == expected
    assert caught.value.exit_code == USAGE


def test_services_that_are_no_mapping_are_left_to_compose(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("name: shop\nx-celadon: {environments: {staging: {}}}\nservices: [web]\n")
    assert load_outline(file).services == ()
    with pytest.raises(ConfigError, match="problems") as caught:
        load_environment(file, "staging", compose.render)
    assert "services: should be a mapping" in str(caught.value.problems[0])


def test_a_value_that_compose_cannot_read_is_not_passed_on(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("name: shop\nservices: {web: {image: x, env_file: a.env, x-celadon: {}}}\n")
    (tmp_path / "a.env").write_text('TOKEN="canary\nB=1\n')
    with pytest.raises(ConfigError) as caught:
        load_environment(file, "staging", compose.render)
    assert [p.file for p in caught.value.problems] == [str(tmp_path / "a.env")]
    assert "canary" not in str(caught.value.evidence)


def test_a_name_that_no_file_can_have_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        'name: shop\nx-celadon: {environments: {staging: {listen: [80], url: "http://x"}}}\n'
        f"services: {{web: {{build: {'a' * 300}, x-celadon: {{}}}}}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_environment(file, "staging", compose.render)
    assert "there is no folder" in str(caught.value.problems[0])
