from pathlib import Path

import pytest

from tests.unit.env.team import Team


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Team:
    return Team(tmp_path, monkeypatch, capsys)
