"""Wrong files, each with the exact lines that an operator sees: a new case is a new file in problems/, no code.

The expected lines are the comments at the top of the file, which is read as compose.yaml in a folder named workspace.
"""

from pathlib import Path

import pytest

from celadon.adapters import compose, notify
from celadon.config.load import load_environment
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
