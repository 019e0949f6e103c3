"""Stories of `import`: a team comes with what it has, and its users get the same answers from Celadon."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.workspace import GIT, Workspace, run

FIXTURES = Path(__file__).parents[1] / "fixtures"
CANARY = "c4n4ry"


def bring(team: Workspace, fixture: str, services: tuple[str, ...], ports: Mapping[str, int]) -> None:
    """A copy of a fixture whose services have names of their own, and whose ports are free."""
    shutil.copytree(FIXTURES / fixture, team.folder, dirs_exist_ok=True)
    for file in team.folder.rglob("*"):
        if file.suffix in (".yml", ".yaml", ".conf"):
            text = file.read_text()
            for name in services:  # images are named after services, and are the host's; paths stay
                text = re.sub(rf"(?<!(?<!/)/){name}", team.unique(name), text)
            for old, port in ports.items():
                text = text.replace(old, old.replace(old.split(":")[1], str(port)))
            file.write_text(f"name: {team.name}\n{text}" if file.suffix != ".conf" else text)
    for dockerfile in team.folder.glob("*/Dockerfile"):
        folder = dockerfile.parent
        run(["git", "init", "--quiet", "-b", "main", str(folder)])
        run([*GIT, "add", "-A"], folder)
        run([*GIT, "commit", "--quiet", "-m", "first"], folder)


def hurry(team: Workspace, ports: Mapping[str, int] | None = None) -> None:
    """Doors that are free here, and a shorter watch."""
    file = team.folder / "compose.yaml"
    text = file.read_text()
    for old, port in (ports or {}).items():
        text = text.replace(f"listen: [{old}]", f"listen: ['127.0.0.1:{port}']")
    file.write_text(text.replace("      url:", "      watch: 1s\n      drain: 5s\n      url:"))


def test_twins_become_one_service_each(empty: Workspace) -> None:
    team = empty
    names = ("deskhub", "saleshub", "finhub", "onboarding", "mailer")
    bring(team, "twins", names, {"127.0.0.1:4400": team.staging, "127.0.0.1:4500": team.production})
    told = team.celadon("import", str(team.folder / "docker-compose.yml"), "-y")
    assert CANARY not in told.out + told.err
    team.celadon("check")
    hurry(team)
    team.celadon("deploy", "staging")
    assert team.get("/who")[1] == {"service": "deskhub", "path": "/who", "greeting": "hello staging"}
    assert team.get("/saleshub/who")[1]["path"] == "/saleshub/who"
    assert [team.get(f"/{name}/who")[1]["service"] for name in ("finhub", "onboarding")] == ["finhub", "onboarding"]
    assert "mailer" in " ".join(team.slots())
    team.celadon("promote", team.unique("saleshub"), "-y")
    promoted = team.get("/saleshub/who", "production")[1]
    assert (promoted["service"], promoted["greeting"]) == ("saleshub", "hello production")


def test_a_set_up_that_renames_containers(empty: Workspace) -> None:
    team = empty
    bring(team, "rename", ("frontend", "backend", "llmserver"), {})
    words = ("import", str(team.folder / "docker-compose.yml"), "--nginx", str(team.folder / "nginx" / "nginx.conf"))
    asked = team.celadon(*words, expect=2)
    assert "nobody is at the terminal" in asked.err
    assert not (team.folder / "compose.yaml").exists()
    team.celadon(*words, "-y")
    team.celadon("check")
    hurry(team, {"4400": team.staging, "80": team.production})
    team.celadon("deploy", "staging")
    assert team.get("/who")[1]["service"] == "frontend"
    assert team.get("/api/who")[1] == {"service": "backend", "path": "/api/who", "greeting": "hello"}
    assert team.get("/llm/who")[1] == {"service": "llmserver", "path": "/who", "greeting": "hello"}


def test_a_plain_compose_file(empty: Workspace) -> None:
    team = empty
    bring(team, "plain", ("api", "web"), {})
    file = team.folder / "compose.yaml"
    before = file.read_text()
    told = team.celadon("import", str(file), "-y")
    assert CANARY not in told.out + told.err
    assert (team.folder / "compose.yaml.before-celadon").read_text() == before
    team.celadon("check")
    hurry(team, {"4400": team.staging, "80": team.production})
    team.celadon("deploy", "staging")
    assert team.get("/who")[1]["service"] == "web"
    assert team.get(f"/{team.unique('api')}/who")[1] == {"service": "api", "path": "/who", "greeting": "hello"}


@pytest.mark.parametrize("words", [("none.yml",), ("docker-compose.yml", "--nginx", "none.conf")])
def test_a_file_that_is_not_there(empty: Workspace, words: tuple[str, ...]) -> None:
    shutil.copytree(FIXTURES / "rename", empty.folder, dirs_exist_ok=True)
    told = empty.celadon("import", *(str(empty.folder / w) if w[0] != "-" else w for w in words), expect=2)
    assert f"{empty.folder}/{words[-1]}: No such file or directory" in told.err
