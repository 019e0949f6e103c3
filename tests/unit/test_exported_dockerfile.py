"""The Dockerfile that is built is looked at where it lies: it may differ from what the commit has."""

from pathlib import Path
from typing import Any

import pytest

from celadon.errors import RefusedError
from celadon.plan.steps import Build
from celadon.run import exported_dockerfile
from celadon.state.snapshot import Built, Source


def step(**definition: Any) -> Build:
    built = Built("web", "20260111-093012-9f12ce5", "", "9f12ce5", "a commit", "key", "2026-01-11T09:30:12")
    return Build(built, Source("web", "9f12ce5", "a commit", "main", "web", "app"), definition)


def test_it_is_read_and_its_frontend_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    assert exported_dockerfile.checked(step(dockerfile="../Dockerfile"), tmp_path) == "FROM x\n"
    assert exported_dockerfile.checked(step(), tmp_path) == ""
    assert exported_dockerfile.checked(step(dockerfile_inline="# syntax=mine\n"), tmp_path) == "# syntax=mine\n"
    (tmp_path / "app" / "Dockerfile").write_text("# syntax=evil/one\n")
    with pytest.raises(RefusedError, match="web: the Dockerfile uses the frontend image evil/one"):
        exported_dockerfile.checked(step(), tmp_path)


def test_it_is_a_file_of_the_export(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").symlink_to("/etc/passwd")
    with pytest.raises(RefusedError, match="web: the Dockerfile is a link that points outside its checkout"):
        exported_dockerfile.checked(step(), tmp_path)
