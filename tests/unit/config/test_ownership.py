"""Whose files are used in a folder."""

import os
from pathlib import Path

import pytest

from celadon.config.ownership import accepted


@pytest.mark.parametrize(
    ("mode", "users"),
    [(0o755, {0, "me"}), (0o775, {0, "me", 4711, 4712}), (0o2775, {0, "me", 4711, 4712}), (0o777, {0, "me"})],
)
def test_a_team_shares_a_folder_that_its_group_may_write_to(tmp_path: Path, mode: int, users: set[object]) -> None:
    tmp_path.chmod(mode)
    found = accepted(tmp_path, members=lambda _group: frozenset({4711, 4712}))
    assert found == {os.geteuid() if one == "me" else one for one in users}
