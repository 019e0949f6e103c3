"""Whole workspaces, a compose file in: exactly what the rules of services, ports, routes and env files say.

Compose itself renders them; what the server would tell is given.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from celadon.adapters import compose
from celadon.app import checking
from celadon.check import allowing, envfiles, folders, ports, routes, rules, sarif, server, services, warned
from celadon.check.facts import Engine, Facts, Finding
from celadon.check.look import env_files, look
from celadon.config.load import load_environment
from celadon.config.positions import read
from celadon.errors import RefusedError
from celadon.plan import steps
from celadon.plan.steps import Plan, Unchanged
from celadon.state.snapshot import Built, Source

EXAMPLE = Path(__file__).parents[3] / "examples" / "workhub"
HEAD = """\
name: shop
x-celadon:
  environments:
    staging: {listen: [4400], url: "http://s.example.com:4400"}
    production: {listen: [80], url: "http://shop.example.com", from: staging}
services:
  web:
    image: web:1
    x-celadon: {port: 3000, route: /, health: /health}
    mem_limit: 1g
"""
DB = "  db:\n    image: postgres:18\n    mem_limit: 512m\n"
SHOP = "  shop:\n    image: shop:1\n    mem_limit: 1m\n    x-celadon: {port: 1, route: /shop, health: /h}\n"
ALL = (services.limits, services.memory, services.logs, services.mounts, services.loopback, services.build_args,
       ports.findings, routes.hidden, routes.health, routes.public_url, envfiles.missing, warned.findings)  # fmt: skip
GIB = 1 << 30


def facts(folder: Path, text: str, files: dict[str, str], **more: Any) -> Facts:
    (folder / "compose.yaml").write_text(text)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    before = env_files(read(folder / "compose.yaml"), ("staging", "production"))
    configs = [load_environment(folder / "compose.yaml", name, compose.render) for name in ("staging", "production")]
    return replace(look(before, configs), engine=Engine(), **{"memory": 64 * GIB, **more})


def lines(found: list[Finding]) -> list[str]:
    return [f"{f.file}:{f.line}:{f.column} {f.severity} {f.rule} {f.what}" for f in sorted(set(found))]


@pytest.mark.parametrize(
    ("text", "files", "findings"),
    [
        (HEAD + DB, {}, []),
        # memory
        (HEAD.replace("    mem_limit: 1g\n", ""), {},
         ["compose.yaml:7:3 info compose/no-mem-limit web has no mem_limit"]),
        (HEAD.replace("mem_limit: 1g", "deploy: {resources: {limits: {memory: 1g}}}"), {}, []),
        # logs
        (HEAD + "    logging: {driver: json-file}\n", {},
         ["compose.yaml:11:5 warning compose/log-rotation web sets `logging` without max-size"]),
        (HEAD + "    logging: {options: {max-size: 5m}}\n", {}, []),
        (HEAD + "    logging: {driver: journald}\n", {}, []),
        (HEAD + DB + "    logging: {options: {max-file: \"3\"}}\n", {},
         ["compose.yaml:14:5 warning compose/log-rotation db sets `logging` without max-size"]),
        # mounts
        (HEAD + "    volumes: [./keys:/keys]\n", {},
         ["compose.yaml:11:15 warning compose/bind-missing web mounts keys, which is not there"]),
        (HEAD + "    volumes: [./keys:/keys]\n", {"keys/x": ""}, []),
        (HEAD + "    volumes:\n      - ./conf/app.ini:/app.ini\n", {"conf/app.ini": ""},
         ["compose.yaml:12:9 info compose/bind-file web mounts the single file conf/app.ini"]),
        (HEAD + DB + "    volumes: [./my.conf:/etc/my.conf]\n", {"my.conf": ""},
         ["compose.yaml:14:15 warning compose/bind-file db mounts the single file my.conf"]),
        # addresses that lead back into the container
        (HEAD + "    environment: {DATABASE_URL: \"postgres://u:canary@localhost:5432/x\"}\n", {},
         ["compose.yaml:11:19 warning compose/localhost DATABASE_URL leads to localhost"]),
        (HEAD + "    environment:\n      - REDIS_HOST=127.0.0.1\n", {},
         ["compose.yaml:12:9 warning compose/localhost REDIS_HOST leads to 127.0.0.1"]),
        (HEAD + "    env_file: a.env\n", {"a.env": "A=1\nAPI_URL=http://[::1]:9/canary\n"},
         ["a.env:2:1 warning compose/localhost API_URL leads to [::1]"]),
        (HEAD + "    environment: {SELF_URL: \"http://localhost:3000\", HOST: 127.0.0.1, DB_HOST: db, CORS_URL: "
         "\"http://localhost:1\", API_URL: \"http://localhost.example.com\"}\n", {}, []),
        (HEAD + DB + "    environment: {REPLICA_HOST: localhost}\n    network_mode: host\n", {}, []),
        # what is built in
        (HEAD.replace("image: web:1", "build: {context: ., args: {API: \"${CELADON_ENV}\", B: 1}}"), {},
         ["compose.yaml:8:32 warning compose/build-args-differ web: the build argument API differs between staging and "
          "production"]),
        # ports
        (HEAD + DB + "    ports: [\"5432:5432\"]\n", {},
         ["compose.yaml:14:13 error compose/port-taken db of production and db of staging both want port 5432 of the "
          "host"]),
        (HEAD + DB + "    ports: [\"127.0.0.1:4400:5432\"]\n", {},
         ["compose.yaml:14:13 error compose/port-taken db of production and db of staging both want port 4400 of the "
          "host",
          "compose.yaml:14:13 error compose/port-taken db of staging and the router of staging both want port 4400 of "
          "the host"]),
        (HEAD + DB + "    ports: [\"4400/udp\", \"5432\"]\n", {}, []),
        (HEAD + "    ports: [\"4400:3000\"]\n", {}, []),
        # routes
        (HEAD + SHOP.replace("port: 1", "host: s.example.com, port: 1"), {},
         ["compose.yaml:9:36 error routes/hidden web is hidden behind shop, which has s.example.com for itself in "
          "staging"]),
        (HEAD + SHOP.replace("port: 1", "host: other.example.com, port: 1"), {}, []),
        (HEAD.replace("port: 3000", "host: A.example.com, port: 3000")
         + SHOP.replace("port: 1", "host: a.example.com, port: 1"), {},
         ["compose.yaml:14:23 error routes/hidden shop is hidden behind web: its host differs in capitals only"]),
        (HEAD.replace("/health}", "/shop/health}") + SHOP, {},
         ["compose.yaml:9:47 error routes/health-elsewhere the health path /shop/health of web belongs to shop"]),
        (HEAD.replace("/health}", "/shopping}") + SHOP, {}, []),
        # public addresses
        (HEAD + "    environment: {PUBLIC_URL: \"http://s.example.com:4400/x\"}\n", {},
         ["compose.yaml:11:19 warning routes/public-url PUBLIC_URL is the address of staging, not of production"]),
        (HEAD + "    environment: {NEXT_PUBLIC_API_URL: \"https://canary.example.org\"}\n", {},
         ["compose.yaml:11:19 warning routes/public-url NEXT_PUBLIC_API_URL is not the address of production",
          "compose.yaml:11:19 warning routes/public-url NEXT_PUBLIC_API_URL is not the address of staging"]),
        (HEAD + "    env_file: ['${CELADON_ENV}.env']\n",
         {"staging.env": "PUBLIC_URL=http://s.example.com:4400\n",
          "production.env": "PUBLIC_URL=http://shop.example.com:80/\n"}, []),
        (HEAD + "    environment: {PUBLIC_URL: /shop}\n", {}, []),
        # what one environment has and the other lacks
        (HEAD + "    env_file: [common.env, \"${CELADON_ENV}.env\"]\n",
         {"common.env": "A=1\n", "staging.env": "B=1\nC=canary\n", "production.env": "B=2\n"},
         ["staging.env:2:1 warning env/missing-key C is given to web here, but not in production: production.env lacks "
          "it"]),
        (HEAD + "    env_file: [{path: \"${CELADON_ENV}.env\", required: false}]\n", {"production.env": "B=2\n"},
         ["production.env:1:1 warning env/missing-key B is given to web here, but not in staging"]),
        # what Compose itself warns of: never more of a value than its own name
        (HEAD.replace("image: web:1", "image: \"web:${NO_TAG}\""), {},
         ["compose.yaml:8:12 warning compose/unset-variable NO_TAG is not set"]),
        (HEAD + "    environment: {A: $$canary, B: \"$NO_B\", C: \"word$canary\"}\n", {},
         ["compose.yaml:11:35 warning compose/unset-variable NO_B is not set",
          "compose.yaml:11:47 warning compose/unset-variable a `$` names a variable that is not set"]),
        (HEAD + "    env_file: a.env\n", {"a.env": "A=1\nDB_PASSWORD=word$canary\nC='word$canary'\n#$canary\n"},
         ["a.env:2:1 warning env/dollar DB_PASSWORD: a `$` in the value begins a variable that is not set"]),
        (HEAD.replace("name: shop\n", "name: shop\nversion: '3'\n"), {},
         ["compose.yaml:2:1 warning compose/warning the attribute `version` is obsolete, it will be ignored, please "
          "remove it to avoid potential confusion"]),
        (HEAD.replace("services:", "include: [more.yaml]\nservices:"),
         {"more.yaml": "services:\n  db: {image: \"d:$canary\", mem_limit: 1m}\n"},
         ["compose.yaml:1:1 warning compose/unset-variable a variable is not set that an included file asks for"]),
    ],
)  # fmt: skip
def test_what_a_workspace_is_told(
    text: str, files: dict[str, str], findings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = facts(tmp_path, text, files)
    found = [finding for rule in ALL for finding in rule(seen)]
    assert lines(found) == findings
    assert "canary" not in str(found)


def test_the_example_with_its_sources_is_checked_within_two_seconds(tmp_path: Path) -> None:
    """As `make demo` lays it out: six checkouts, each with its Dockerfile. What counts is the processors' time."""
    shutil.copytree(EXAMPLE, tmp_path / "workhub")
    for source in sorted((EXAMPLE / "services").iterdir()):
        checkout = shutil.copytree(source, tmp_path / "workhub" / source.name)
        for words in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *words], cwd=checkout, check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "celadon", "-C", str(tmp_path / "workhub"), "check", "--json"], text=True,
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}, capture_output=True, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    found = {(Path(one["file"]).parent.name, one["rule"]) for one in json.loads(done.stdout)}
    tags = {one for one in found if one[1] == "dockerfile/not-pinned"}
    assert len(tags) == 6
    assert found - tags - {("workhub", "compose/memory-sum")} == {  # on a small machine
        ("WBWorker", "dockerfile/no-health"), ("workhub", "compose/bind-missing"), ("", "host/engine"),
    }  # fmt: skip


def test_the_sum_of_the_limits_is_reckoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = facts(tmp_path, HEAD + DB, {}, memory=3 * GIB)
    assert lines(list(services.memory(seen))) == [
        "compose.yaml:6:1 warning compose/memory-sum the limits come to 4.0G, and this machine has 3.0G: "
        "staging 1.5G + production 1.5G + staging's second slots in a switch 1.0G"
    ]
    assert list(services.memory(replace(seen, memory=4 * GIB))) == []


def test_what_the_engine_tells(tmp_path: Path) -> None:
    seen = facts(tmp_path, HEAD, {})
    assert list(server.findings(seen)) == []
    assert lines(list(server.findings(replace(seen, engine=Engine(live_restore=False))))) == [
        ":0:0 warning host/live-restore live-restore is off"
    ]
    assert lines(list(server.findings(replace(seen, engine=Engine(problem="no socket"))))) == [
        ":0:0 info host/engine the Docker engine did not answer: no socket"
    ]


def test_a_broken_env_file_hides_nothing_of_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.env").write_text('A="canary\nB=2\n')
    (tmp_path / "b.env").write_text("API_URL=http://localhost:1\n")
    more = "    env_file: [a.env, b.env]\n    logging: {driver: json-file}\n"
    (tmp_path / "compose.yaml").write_text(HEAD + more)
    found = {(one.file, one.rule) for one in checking.check(tmp_path, ()).findings}
    assert {("a.env", "env/quoting"), ("b.env", "compose/localhost"), ("compose.yaml", "compose/log-rotation")} <= found
    assert "env/not-checked" not in {rule for _file, rule in found}
    (tmp_path / ".env").write_text('A="canary\n')  # this one Compose needs for the file itself
    found = {(one.file, one.rule) for one in checking.check(tmp_path, ()).findings}
    assert {(".env", "env/quoting"), ("compose.yaml", "env/not-checked")} <= found


DOCKERFILE = "FROM a:1\nENV DB_PASSWORD=canary\nUSER 1\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, str]], Source]:
    """Commits files in the build folder `web` of a workspace, and says where they are to be built from."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "web"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(folder)]

    def commit(context: str, files: dict[str, str]) -> Source:
        (folder / context).mkdir(parents=True, exist_ok=True)
        if not (folder / ".git").exists():
            subprocess.run([*git, "init", "--quiet"], check=True)
        for name, content in files.items():
            (folder / context / name).write_text(content)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "x"], check=True)
        sha = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        return Source("web", sha, "x", "", str(folder), context)

    return commit


@pytest.mark.parametrize("context", [".", "app/src"])
def test_a_deploy_is_told_of_what_the_commit_has(
    context: str, repository: Callable[[str, dict[str, str]], Source], tmp_path: Path
) -> None:
    source = repository(context, {"Dockerfile": DOCKERFILE, ".dockerignore": ".git\n.env\n", ".npmrc": "a=1\n"})
    (tmp_path / "web" / context / "Dockerfile").write_text("FROM a:1\nUSER 1\n")  # mended, but not committed
    build = f"build: ./web/{context}"
    env = '    env_file: [a.env]\n    environment: {X: "${NO_X}"}\n'
    (tmp_path / "a.env").write_text("A=1\n")
    (tmp_path / "a.env").chmod(0o644)
    (tmp_path / "compose.yaml").write_text(HEAD.replace("image: web:1", build) + env + SHOP)
    config = load_environment(tmp_path / "compose.yaml", "staging", compose.render)
    built = Built("web", "r1", "", source.commit, "x", "key", "")
    step = steps.Build(built, source, config.services["web"].definition["build"])
    plan = Plan("deploy", "staging", ("web",), (step,))

    found = checking.of_plan(config, plan)
    file = f"web/{context}/Dockerfile".replace("./", "")
    assert [one for one in lines(list(found)) if " error " in one] == [
        f"{file}:2:1 error dockerfile/secret ENV gives DB_PASSWORD a value"
    ]
    assert {one.rule for one in found} == {
        "dockerfile/secret", "dockerfile/not-pinned", "env/mode", "compose/unset-variable"}  # fmt: skip
    with pytest.raises(RefusedError) as refused:
        checking.refuse(found, "staging")
    assert "# celadon: allow dockerfile/secret" in refused.value.hint and "canary" not in str(refused.value.evidence)
    assert {one.rule for one in checking.of_plan(config, replace(plan, verb="build"))} == {
        "dockerfile/secret", "dockerfile/not-pinned", "compose/unset-variable"}  # fmt: skip
    assert checking.of_plan(config, replace(plan, unchanged=(Unchanged("web", "x"),))) == ()
    assert checking.of_plan(config, replace(plan, verb="promote")) == checking.of_plan(config, replace(plan, steps=()))

    allowed = repository(context, {"Dockerfile": f"# celadon: allow dockerfile/secret\n{DOCKERFILE}"})
    step = replace(step, source=allowed)
    checking.refuse(checking.of_plan(config, replace(plan, steps=(step,))), "staging")
    gone = replace(step, source=replace(allowed, context="nowhere"))
    assert "dockerfile/missing" in {one.rule for one in checking.of_plan(config, replace(plan, steps=(gone,)))}


def test_a_dockerfile_that_is_a_link_in_the_commit_is_refused(
    repository: Callable[[str, dict[str, str]], Source], tmp_path: Path
) -> None:
    (tmp_path / "web" / "docker").mkdir(parents=True)
    (tmp_path / "web" / "Dockerfile").symlink_to("docker/real")
    source = repository(".", {"docker/real": DOCKERFILE})
    (tmp_path / "compose.yaml").write_text(HEAD.replace("image: web:1", "build: ./web"))
    config = load_environment(tmp_path / "compose.yaml", "staging", compose.render)
    raw = read(tmp_path / "compose.yaml")
    with pytest.raises(RefusedError, match="web: Dockerfile is a symbolic link in commit"):
        folders.committed(raw, config, {"web": source})
    (tmp_path / "compose.yaml").write_text(
        HEAD.replace("image: web:1", "build: {context: ./web, dockerfile: docker/real}")
    )
    config = load_environment(tmp_path / "compose.yaml", "staging", compose.render)
    (build,) = folders.committed(raw, config, {"web": source})
    assert build.text == DOCKERFILE and build.ignore is None and build.services == ("web",)


def test_an_error_elsewhere_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """web's own mistakes (its health path is shop's, its key lies open) refuse a deploy of web, and none of shop."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jwt.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    (tmp_path / "jwt.pem").chmod(0o644)
    text = HEAD.replace("/health}", "/shop/health}") + "    volumes: [./jwt.pem:/jwt.pem]\n" + SHOP
    (tmp_path / "compose.yaml").write_text(text)
    config = load_environment(tmp_path / "compose.yaml", "staging", compose.render)

    def errors(*names: str) -> set[str]:
        plan = Plan("deploy", "staging", names, (steps.CleanUp(("staging",)),))
        return {one.rule for one in checking.of_plan(config, plan) if one.severity == "error"}

    assert errors("web") == {"routes/health-elsewhere", "keys/mode"}
    assert errors("shop") == set()
    (tmp_path / ".env").write_text("DB_PASSWORD=canary\n")  # what the compose file itself reads concerns all
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run(["git", "add", ".env"], check=True)
    assert errors("shop") == {"env/tracked"}
    (tmp_path / ".env").unlink()
    (tmp_path / "compose.yaml").write_text(f"# celadon: allow keys/mode\n{text}")
    assert errors("web") == {"routes/health-elsewhere"}


FOUND = [
    Finding("a b/Dockerfile", 3, 5, "dockerfile/root", "warning", "what", "why", "mend"),
    Finding("", 0, 0, "host/engine", "info", "what", "why", "mend"),
    Finding("x/Dockerfile", 1, 1, "buildkit/StageNameCasing", "warning", "what", "why", "https://x"),
    Finding("/elsewhere/x.pem", 1, 1, "keys/mode", "error", "what", "why", "mend"),
]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("FROM a\nUSER 1\nUSER 0\n", 1),
        ("FROM a\n# celadon: allow dockerfile/root, x/y  because\nUSER 0\n", 0),
        ("FROM a\nUSER 1\nUSER 0 # celadon: allow dockerfile/root\n", 0),
        ("# celadon: allow dockerfile/root\nFROM a\nUSER 0\n", 0),
        ("FROM a\n# celadon: allow dockerfile/other\nUSER 0\n", 1),
        ("FROM a\n\nUSER 0\n# celadon: allow dockerfile/root\n", 1),
    ],
)
def test_a_comment_allows(text: str, left: int) -> None:
    assert len(allowing.kept(FOUND[:1], {"a b/Dockerfile": text})) == left


def test_code_hosts_can_read_the_sarif() -> None:
    made = json.loads(json.dumps(sarif.document(FOUND, rules.RULES, "compose.yaml")))
    assert made["version"] == "2.1.0" and made["$schema"].endswith("sarif-2.1.0.json")
    (run,) = made["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "celadon"
    names = [rule["id"] for rule in driver["rules"]]
    assert sorted(names) == names == ["buildkit/StageNameCasing", "dockerfile/root", "host/engine", "keys/mode"]
    assert all(rule["fullDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    for result in run["results"]:
        assert names[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note") and result["message"]["text"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert region["startLine"] >= 1 and region["startColumn"] >= 1
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]]
    assert uris == ["a%20b/Dockerfile", "compose.yaml", "x/Dockerfile", "file:///elsewhere/x.pem"]


def test_each_rule_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "check.md").read_text()
    assert [rule.name for rule in rules.RULES if f"`{rule.name}`" not in manual] == []
    assert len({rule.name for rule in rules.RULES}) == len(rules.RULES) >= 30
