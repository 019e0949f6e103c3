"""celadon init as an operator types it, over real folders and real repositories. No engine is needed."""

import json
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

EXAMPLE = Path(__file__).parents[3] / "examples" / "workhub"
INIT = [sys.executable, "-m", "celadon", "init"]
GIT = ["git", "-c", "user.name=Operator", "-c", "user.email=operator@example.com"]


def repository(folder: Path, files: dict[str, str], remote: str = "") -> Path:
    """A checkout with one commit on main; it fetches from `remote`."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run([*GIT, "init", "--quiet", "-b", "main"], cwd=folder, check=True)
    subprocess.run([*GIT, "add", "-A"], cwd=folder, check=True)
    subprocess.run([*GIT, "commit", "--quiet", "-m", "first"], cwd=folder, check=True)
    if remote:
        subprocess.run([*GIT, "remote", "add", "origin", remote], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page in Next.js that says all of itself, an API in FastAPI with a port only, a worker; and no services."""
    folder = tmp_path_factory.mktemp("team") / "Work Hub"
    repository(folder / "WBPortal", {
        "Dockerfile": "FROM node:24-slim\nEXPOSE 3000\n",
        "package.json": '{"name": "portal", "dependencies": {"next": "16"}}',
        "app/api/health/route.ts": "", ".env.example": "DATABASE_URL=\nPORT=3000\n",
    }, "git@github.com:your-org/WBPortal.git")  # fmt: skip
    repository(folder / "WBSales", {
        "Dockerfile": 'FROM python:3.14-slim\nCMD ["uvicorn", "main:app", "--port", "4010"]\n',
        "requirements.txt": "fastapi\n", "main.py": "", "node_modules/x/Dockerfile": "",
    }, "https://me:hunter2@example.com/WBSales.git")  # fmt: skip
    (folder / "services" / "clock").mkdir(parents=True)
    (folder / "services" / "clock" / "Dockerfile").write_text('FROM python:3.14-slim\nCMD ["python3", "clock.py"]\n')
    (folder / "docs").mkdir()
    (folder / "old").mkdir()
    (folder / "old" / "package.json").write_text("{}")
    return folder


@pytest.fixture
def team(cloned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cloned, tmp_path / cloned.name))


def init(folder: Path, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*INIT, *words], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=60, env={**os.environ, "COLUMNS": "200"})  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def compose(folder: Path) -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = yaml.safe_load((folder / "compose.yaml").read_text())
    return found


def test_all_that_can_be_found_is_found_and_the_rest_is_guessed_and_said(team: Path) -> None:
    done = init(team, "-y")
    made = compose(team)
    assert made["name"] == "work-hub"
    portal, sales, clock = (made["services"][name] for name in ("portal", "wbsales", "clock"))
    assert portal["x-celadon"] == {
        "git": {"url": "git@github.com:your-org/WBPortal.git", "branch": "main"},
        "port": 3000, "route": "/", "health": "/api/health",
    }  # fmt: skip
    assert sales["build"] == "./WBSales"
    assert sales["x-celadon"] == {
        "git": {"branch": "main"}, "port": 4010, "route": "/wbsales", "health": "/", "strip_prefix": True,
    }  # fmt: skip
    assert (clock["build"], clock["x-celadon"]) == ("./services/clock", {"strategy": "overlap"})
    for guess in ("--host localhost", "--service portal,route=/", "--service wbsales,route=/wbsales",
                  "--service wbsales,health=/", "--service clock,port=none"):  # fmt: skip
        assert guess in done.stdout
    assert "--service portal,health" not in done.stdout
    assert "old is left out: it has no Dockerfile." in done.stderr
    assert "services/clock is in no git repository yet: a deploy builds commits." in done.stderr
    assert "hunter2" not in done.stdout + (team / "compose.yaml").read_text()
    assert "# Asked for by portal:\n# DATABASE_URL=\n" in (team / "config" / ".env.staging").read_text()
    assert done.stdout.splitlines()[-4:] == [
        "  celadon check", "  celadon plan deploy staging", "  celadon deploy staging", "  celadon status",
    ]  # fmt: skip


def test_the_examples_folders_come_out_as_the_example_has_them(tmp_path: Path) -> None:
    """Express, Fastify and FastAPI as people write them: ports, routes and health paths are those of its own file."""
    folder = Path(shutil.copytree(EXAMPLE / "services", tmp_path / "workhub"))
    init(folder, "-y")
    expected = {
        service["build"]: {key: service["x-celadon"].get(key) for key in ("port", "route", "health")}
        for service in yaml.safe_load((EXAMPLE / "compose.yaml").read_text())["services"].values()
        if "build" in service
    }
    made = {service["build"]: service["x-celadon"] for service in compose(folder)["services"].values()}
    assert {path: {key: one.get(key) for key in ("port", "route", "health")}  # type: ignore[attr-defined]
            for path, one in made.items()} == expected  # fmt: skip
    assert not any("strip_prefix" in one for one in made.values())  # type: ignore[operator]


def test_what_is_private_is_private(team: Path) -> None:
    done = init(team, "-y")
    modes = {str(file.relative_to(team)): f"{file.stat().st_mode & 0o777:o}" for file in team.rglob("config/**/*")
             if file.is_file()}  # fmt: skip
    assert modes == {
        "config/.env.common": "600", "config/.env.staging": "600", "config/.env.production": "600",
        "config/.env.development": "600", "config/keys/jwt_private.pem": "600", "config/keys/jwt_public.pem": "644",
    }  # fmt: skip
    assert "PRIVATE KEY" not in done.stdout
    subprocess.run([*GIT, "init", "--quiet"], cwd=team, check=True)
    seen = subprocess.run(
        [*GIT, "status", "--porcelain", "-uall"], cwd=team, check=True, capture_output=True, text=True
    )
    assert "config" not in seen.stdout


def test_a_dollar_in_a_name_is_no_variable(tmp_path: Path) -> None:
    repository(tmp_path / "we$b", {"Dockerfile": "FROM alpine:3.22\nEXPOSE 3000\n"}, "git@example.com:team/$B.git")
    init(tmp_path, "-y")
    web = compose(tmp_path)["services"]["we-b"]
    assert web["build"] == "./we$$b"
    assert web["x-celadon"]["git"] == {"url": "git@example.com:team/$$B.git", "branch": "main"}  # type: ignore[index]
    assert "Nothing to write" in init(tmp_path, "-y").stdout


def test_a_second_time_changes_nothing(team: Path) -> None:
    init(team, "-y")
    before = {file: (file.stat().st_mtime_ns, file.stat().st_mode) for file in team.rglob("*") if file.is_file()}
    done = init(team, "-y")
    assert "Nothing to write: everything is there." in done.stdout
    assert {
        file: (file.stat().st_mtime_ns, file.stat().st_mode) for file in team.rglob("*") if file.is_file()
    } == before
    assert init(team).returncode == 0  # and nothing is asked


def test_a_repository_more_is_added_to_what_is_there(team: Path) -> None:
    init(team, "-y")
    text = (team / "compose.yaml").read_text().replace("mem_limit: 512m", "mem_limit: 300m")
    (team / "compose.yaml").write_text(text)
    repository(team / "portal", {"Dockerfile": "FROM python:3.14-slim\nEXPOSE 80\nHEALTHCHECK CMD curl localhost:80\n"})
    done = init(team, "-y", "--service", "blog,folder=portal,health=/up")
    after = (team / "compose.yaml").read_text()
    assert after.startswith(text)
    assert compose(team)["services"]["blog"]["x-celadon"] == {
        "port": 80, "route": "/blog", "health": "/up", "strip_prefix": True,
    }  # fmt: skip
    assert "-    mem_limit" not in done.stdout
    repository(team / "z", {"Dockerfile": "FROM python:3.14-slim\nEXPOSE 80\n"})
    done = init(team, "-y", "--service", "z,route=/blog", expect=2)
    assert "services.z.x-celadon.route: /blog is the route of another service already" in done.stderr
    assert "is in compose.yaml already" in init(team, "--service", "portal,port=1", expect=2).stderr
    assert "compose.yaml is there already" in init(team, "--host", "example.com", expect=2).stderr


def test_flags_say_what_is_so(team: Path) -> None:
    init(
        team, "--name", "hub", "--host", "hub.example.com", "--listen", "staging=127.0.0.1:4455", "--url",
        "production=https://hub.example.com", "--listen", "production=8080", "--skip", "services/clock",
        "--service", "portal,route=/portal,strip_prefix=false", "--service",
        "sales,folder=./WBSales/,route=none,port=4011,mem_limit=1g,branch=next",
    )  # fmt: skip
    made = compose(team)
    assert made["x-celadon"]["environments"] == {
        "staging": {"listen": ["127.0.0.1:4455"], "url": "http://hub.example.com:4455"},
        "production": {"listen": [8080], "url": "https://hub.example.com", "from": "staging"},
    }
    assert list(made["services"]) == ["portal", "sales"]
    assert made["services"]["portal"]["x-celadon"]["route"] == "/portal"  # type: ignore[index]
    assert made["services"]["sales"]["mem_limit"] == "1g"
    assert made["services"]["sales"]["x-celadon"] == {"git": {"branch": "next"}, "port": 4011}


def test_a_port_that_is_taken_is_not_proposed(team: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("", 4400))
        except OSError:
            pass  # somebody else has it: as good
        else:
            taken.listen()
        init(team, "-y")
    listen = compose(team)["x-celadon"]["environments"]["staging"]["listen"]  # type: ignore[index]
    assert listen[0] > 4400


def test_without_a_terminal_what_is_unknown_is_named_by_its_flag(team: Path) -> None:
    done = init(team, "--service", "wbsales,route=/sales,health=/up", "--host", "example.com", expect=2)
    assert [line.split()[:2] for line in done.stderr.splitlines() if "--service" in line] == [
        ["--service", "clock,port=none"], ["--service", "portal,route=/"],
    ]  # fmt: skip
    assert "--host" not in done.stderr
    assert not (team / "compose.yaml").exists()


def test_dry_run_and_json_write_nothing(team: Path) -> None:
    assert "+name: work-hub" in init(team, "--dry-run").stdout
    done = json.loads(init(team, "--dry-run", "--json").stdout)
    assert done["services"][1] | {"folder": 0} == {
        "service": "portal", "folder": 0, "made_with": "Next.js", "strip_prefix": False,
        "port": {"value": 3000, "source": "Dockerfile:2 EXPOSE", "guessed": False},
        "route": {"value": "/", "source": "", "guessed": True},
        "health": {"value": "/api/health", "source": "app/api/health/route.ts", "guessed": False},
    }  # fmt: skip
    assert {"file": "config/keys/jwt_private.pem", "new": True} in done["files"]
    assert done["left_out"] == ["old"]
    assert not (team / "compose.yaml").exists()
    assert not (team / "config").exists()


def test_what_is_there_is_changed_only_after_a_yes(team: Path) -> None:
    (team / "scripts").mkdir()
    (team / "scripts" / "deploy-staging.sh").write_text("#!/bin/sh\ndocker compose build\n")
    words = ("--host", "a.example.com", "--skip", "services/clock", "--service", "portal,route=/", "--service",
             "wbsales,route=/sales,health=/up")  # fmt: skip
    done = init(team, *words, expect=2)
    assert "nobody is at the terminal: scripts/deploy-staging.sh" in done.stderr
    assert "-docker compose build" in done.stdout
    assert not (team / "compose.yaml").exists()
    init(team, *words, "-y")
    assert "deploy staging" in (team / "scripts" / "deploy-staging.sh").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--service", "portal,ports=1"], "with keys out of folder, port, route"),
        (["--service", ",port=1"], "--service should be NAME,KEY=VALUE"),
        (["--service", "portl,port=1"], "There is no service `portl`"),
        (["--service", "x,folder=WBPortl"], "Did you mean `WBPortal`?"),
        (["--service", "Bad,folder=WBPortal"], "small letters, digits and hyphens"),
        (["--service", "router,folder=WBPortal"], "is a name that Celadon uses itself"),
        (["--service", "portal,port=http"], "should be a number or none, not 'http'"),
        (["--service", "portal,port=99999"], "services.portal.x-celadon.port: should be at most 65535"),
        (["--service", "portal,route=shop"], "services.portal.x-celadon.route: should begin with /"),
        (["--service", "portal,health=up"], "services.portal.x-celadon.health.path: should be a path"),
        (["--service", "portal,strategy=both"], "services.portal.x-celadon.strategy: should be"),
        (["--service", "portal,strip_prefix=maybe"], "should be true or false, not 'maybe'"),
        (["--service", "portal,mem_limit=lots"], "should be a size such as 512m"),
        (["--service", "portal,route=/x", "--service", "wbsales,route=/x"], "/x is the route of `portal` already"),
        (
            ["--service", "clock,port=none,route=/x"],
            "services.clock.x-celadon.port: is missing: a route needs the port",
        ),
        (["--name", "Work Hub"], "--name should be small letters"),
        (["--host", "a b"], "should be an address such as"),
        (["--listen", "staging"], "--listen should be ENV=VALUE, not 'staging'"),
        (["--listen", "stage=1"], "There is no environment `stage`"),
        (["--listen", "staging=http"], "should be a port from 1 to 65535"),
        (["--listen", "staging=4400", "--listen", "production=4400"], "port 4400 is taken by `staging` already"),
        (["--url", "production=example.com"], "should be an address such as"),
        (["--skip", "WBNothing"], "there is no folder WBNothing"),
    ],
)
def test_what_cannot_be_is_refused_in_words(team: Path, words: list[str], said: str) -> None:
    done = init(team, "-y", *words, expect=2)
    assert said in done.stderr
    assert not (team / "compose.yaml").exists()


def test_a_folder_without_services_and_a_plain_compose_file_say_where_to_go(tmp_path: Path) -> None:
    assert "Clone your repositories into it" in init(tmp_path, "-y", expect=2).stderr
    (tmp_path / "docker-compose.yml").write_text("services: {a: {image: b}}\n")
    assert "celadon import docker-compose.yml" in init(tmp_path, "-y", expect=2).stderr
    (tmp_path / "docker-compose.yml").write_text("services: [\n")
    assert "docker-compose.yml:2:1: is not YAML" in init(tmp_path, "-y", expect=2).stderr


def test_a_file_that_is_no_text_is_named(team: Path) -> None:
    (team / "config").mkdir()
    (team / "config" / ".env.common").write_bytes(b"A=\xff\xfe\n")
    assert "config/.env.common: is no UTF-8 text" in init(team, "-y", expect=2).stderr
    (team / "config" / ".env.common").unlink()
    (team / "scripts").mkdir()
    (team / "scripts" / "deploy-staging.sh").write_bytes(b"\xff\xfe\n")
    assert "scripts/deploy-staging.sh: is no UTF-8 text" in init(team, "-y", expect=2).stderr


def test_what_is_in_the_way_is_named(team: Path) -> None:
    (team / "compose.yaml").mkdir()
    assert "compose.yaml: Is a directory" in init(team, "-y", expect=2).stderr
    (team / "compose.yaml").rmdir()
    (team / "config").write_text("")
    done = init(team, "-y", expect=1)
    assert "Not everything could be written" in done.stderr
    (team / "config").unlink()
    init(team, "-y")
    assert "Nothing to write" in init(team, "-y").stdout


def test_the_remotes_main_branch_counts_and_not_the_one_somebody_works_on(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin", {"Dockerfile": "FROM python:3.14-slim\n"})
    clone = tmp_path / "team" / "clock"
    subprocess.run([*GIT, "clone", "--quiet", str(origin), str(clone)], check=True)
    subprocess.run([*GIT, "checkout", "--quiet", "-b", "my-idea"], cwd=clone, check=True)
    init(tmp_path / "team", "-y")
    git = compose(tmp_path / "team")["services"]["clock"]["x-celadon"]["git"]  # type: ignore[index]
    assert git == {"url": str(origin), "branch": "main"}


def test_a_single_repository_is_a_workspace_as_well(tmp_path: Path) -> None:
    folder = repository(tmp_path / "blog", {"Dockerfile": "FROM python:3.14-slim\nEXPOSE 80\n", "a.py": '"/health"'})
    init(folder, "-y")
    assert compose(folder)["services"]["blog"]["build"] == "."
    assert compose(folder)["services"]["blog"]["x-celadon"] == {"port": 80, "route": "/", "health": "/health"}


def test_a_terminal_is_asked_what_is_not_known(team: Path) -> None:
    """Answers: a host, /portal; /sales after one that cannot be; the rest as it is guessed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(INIT, cwd=team, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ}) as child:
        os.close(theirs)
        said = ""
        for question, answer in (
            ("host (", "hub.example.com"), ("clock: port (", ""), ("portal: route (", ""),
            ("wbsales: route (", "sales"),
            ("wbsales: route (", "/sales"), ("wbsales: health (", ""), ("Write these files?", "y"),
        ):  # fmt: skip
            said += answered(ours, question, answer)
        said += answered(ours, "celadon status", "")
        assert child.wait(20) == 0
    os.close(ours)
    assert "should begin with /" in said
    made = compose(team)
    assert made["x-celadon"]["environments"]["staging"]["url"].startswith("http://hub.example.com:")  # type: ignore
    assert made["services"]["wbsales"]["x-celadon"]["route"] == "/sales"  # type: ignore[index]


def answered(terminal: int, question: str, answer: str) -> str:
    """Wait for a question, answer it; what was shown until then."""
    said, end = "", time.monotonic() + 20
    while question not in said:
        assert time.monotonic() < end, f"no {question!r} in {said!r}"
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 65536).decode(errors="replace")
    os.write(terminal, f"{answer}\n".encode())
    return said
