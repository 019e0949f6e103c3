"""The fixtures as golden files: what a team's folder becomes, and what is told of it, to the letter."""

import shutil
import subprocess
from pathlib import Path

import pytest

from celadon.app import importing
from celadon.app.importing import Proposal

FIXTURES = Path(__file__).parents[2] / "fixtures"
GOLDEN = Path(__file__).with_name("golden")
CASES = {"twins": ("docker-compose.yml", []), "rename": ("docker-compose.yml", ["nginx/nginx.conf"]),
         "plain": ("compose.yaml", [])}  # fmt: skip


def table(proposal: Proposal) -> str:
    return "".join(f"{row.kind} | {row.spot} | {row.what} | {row.became}\n" for row in proposal.rows)


def propose(fixture: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Proposal:
    shutil.copytree(FIXTURES / fixture, folder / fixture)
    monkeypatch.chdir(folder / fixture)
    file, nginx = CASES[fixture]
    return importing.propose(Path(file), [Path(one) for one in nginx], Path())


@pytest.mark.parametrize("fixture", CASES)
def test_a_fixture_becomes_its_golden_file(fixture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = propose(fixture, tmp_path, monkeypatch)
    compose = proposal.drafts[0]
    assert compose.path == tmp_path / fixture / "compose.yaml"
    assert compose.text == (GOLDEN / f"{fixture}.compose.yaml").read_text()
    assert table(proposal) == (GOLDEN / f"{fixture}.table.txt").read_text()


@pytest.mark.parametrize("fixture", CASES)
def test_nothing_shown_holds_a_secret(fixture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = propose(fixture, tmp_path, monkeypatch)
    assert "c4n4ry" not in "\n".join(proposal.diff()) + table(proposal) + repr(proposal)


def test_the_env_files_of_twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = propose("twins", tmp_path, monkeypatch)
    proposal.write()
    config = tmp_path / "twins" / "config"
    head = "# Only {}. NAME=value, one a line. Mode 0600, and never in git.\n"
    assert {file.name: file.read_text() for file in config.glob(".env.*") if file.name != ".env.common"} == {
        ".env.staging": "DATABASE_URL=postgres://desk:st4ging-c4n4ry@localhost:5432/desk\nGREETING=hello staging\n"
        "NODE_ENV=staging\n",
        ".env.production": "DATABASE_URL=postgres://desk:pr0duction-c4n4ry@postgres:5432/desk\n"
        "GREETING=hello production\nNODE_ENV=production\n",
        ".env.prod": (FIXTURES / "twins" / "config" / ".env.prod").read_text(),
        ".env.development": head.format("development") + "# DATABASE_URL=\n# GREETING=\n",
        ".env.saleshub.staging": head.format("staging") + "SALES_TOKEN=st4ging-c4n4ry\n",
        ".env.saleshub.production": head.format("production") + "SALES_TOKEN=pr0duction-c4n4ry\n",
        ".env.saleshub.development": head.format("development") + "# SALES_TOKEN=\n",
    }
    assert {file.stat().st_mode & 0o777 for file in config.glob(".env.*.*")} == {0o600}
    assert (tmp_path / "twins" / ".gitignore").read_text() == ".celadon/\n.env\nconfig/.env.*\nconfig/keys/\n"


def test_the_old_compose_file_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = propose("plain", tmp_path, monkeypatch)
    before = (FIXTURES / "plain" / "compose.yaml").read_text()
    (tmp_path / "plain" / "compose.yaml.before-celadon").write_text("of an earlier try")
    again = importing.propose(Path("compose.yaml"), [], Path())
    again.write()
    assert (tmp_path / "plain" / "compose.yaml.before-celadon").read_text() == "of an earlier try"
    assert (tmp_path / "plain" / "compose.yaml.before-celadon.2").read_text() == before
    assert proposal.drafts[0].text == (tmp_path / "plain" / "compose.yaml").read_text()


@pytest.mark.parametrize("fixture", ["twins", "rename"])
def test_a_second_time_changes_nothing(fixture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    propose(fixture, tmp_path, monkeypatch).write()
    file, nginx = CASES[fixture]
    again = importing.propose(Path(file), [Path(one) for one in nginx], Path())
    assert (again.drafts, again.kept) == ((), ())


def test_a_file_of_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are the new workspace's, and the .env that Compose interpolates from comes along."""
    shutil.copytree(FIXTURES / "rename", tmp_path / "old")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    subprocess.run(["git", "init", "--quiet", str(workspace)], check=True)
    monkeypatch.chdir(workspace)
    proposal = importing.propose(Path("../old/docker-compose.yml"), [Path("../old/nginx/nginx.conf")], workspace)
    text = proposal.drafts[0].text
    assert "build: ../old/frontend" in text
    assert "env_file: [config/.env.common, .env, 'config/.env.${CELADON_ENV:-development}']" in text
    proposal.write()
    assert (workspace / ".env").read_text() == "GREETING=hello\n"
    assert (workspace / ".env").stat().st_mode & 0o777 == 0o600
