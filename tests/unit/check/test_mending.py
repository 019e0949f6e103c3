"""What --fix proposes, text in: exactly the lines that change, and what is left alone because it is not certain."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celadon.adapters import compose
from celadon.adapters.drafts import diff, write
from celadon.check import images, installs, mending, mounts, rules
from celadon.check.access import Access
from celadon.check.facts import Build, Facts, Finding
from celadon.check.look import env_files, look
from celadon.config.load import load_environment
from celadon.config.positions import Place, read

NPM = "--mount=type=cache,target=/root/.npm"
PIP = "--mount=type=cache,target=/root/.cache/pip"
APT = "--mount=type=cache,target=/var/cache/apt,sharing=locked"
KEEPS = "rm -f /etc/apt/apt.conf.d/docker-clean && "


def build(text: str, **around: Any) -> Build:
    return Build("Dockerfile", text, ("web",), Place(1, 1), "compose.yaml", ignore=".git\n.env\n", **around)


def places(made: Build) -> set[Place]:
    rule = installs.NO_CACHE_MOUNT.name
    return {Place(one.line, one.column) for one in installs.findings(made) if one.rule == rule}


def fixed(text: str, **around: Any) -> str:
    made = build(text, **around)
    return mounts.added(made, places(made))[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("RUN npm ci", f"RUN {NPM} npm ci"),
        ("run\tnpm ci", f"run {NPM}\tnpm ci"),
        ("  RUN  npm ci", f"  RUN {NPM}  npm ci"),
        ("RUN --network=none npm ci", f"RUN {NPM} --network=none npm ci"),
        ("RUN --mount=type=secret,id=x npm ci", f"RUN {NPM} --mount=type=secret,id=x npm ci"),
        ("RUN set -e; \\\n    # why\n    npm ci && \\\n    npm run build",
         f"RUN {NPM} set -e; \\\n    # why\n    npm ci && \\\n    npm run build"),
        ("RUN \\\n  npm ci", f"RUN {NPM} \\\n  npm ci"),
        ('RUN ["npm", "ci"]', f'RUN {NPM} ["npm", "ci"]'),
        ("RUN <<EOF\nnpm ci\nEOF", f"RUN {NPM} <<EOF\nnpm ci\nEOF"),
        ("RUN npm ci && pip install x", f"RUN {NPM} {PIP} npm ci && pip install x"),
        (f"RUN {PIP} npm ci", f"RUN {NPM} {PIP} npm ci"),
        ("RUN yarn install", "RUN --mount=type=cache,target=/usr/local/share/.cache/yarn yarn install"),
        ("RUN pnpm i", "RUN --mount=type=cache,target=/root/.local/share/pnpm/store pnpm i"),
        ("RUN uv sync", "RUN --mount=type=cache,target=/root/.cache/uv uv sync"),
        ("RUN ./mvnw -B package", "RUN --mount=type=cache,target=/root/.m2/repository ./mvnw -B package"),
        ("COPY build.gradle .\nRUN gradle build",
         "COPY build.gradle .\nRUN --mount=type=cache,target=/root/.gradle gradle build"),
        ("RUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*",
         f"RUN {APT} {KEEPS}apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*"),
        ("RUN --network=host \\\n apt-get update \\\n && apt-get install -y x",
         f"RUN {APT} --network=host \\\n {KEEPS}apt-get update \\\n && apt-get install -y x"),
        ("RUN pip install --no-cache-dir -r x", f"RUN {PIP} pip install -r x"),
        ("RUN pip install -r x --no-cache-dir", f"RUN {PIP} pip install -r x"),
        ("RUN pip install \\\n    --no-cache-dir \\\n    -r x", f"RUN {PIP} pip install \\\n    \\\n    -r x"),
        ("USER root\nRUN npm ci", f"USER root\nRUN {NPM} npm ci"),
    ],
)  # fmt: skip
def test_cache_mounts_are_added(before: str, after: str) -> None:
    assert fixed(f"FROM a:1\n{before}\n") == f"FROM a:1\n{after}\n"
    assert places(build(f"FROM a:1\n{after}\n")) == set()  # nothing is left to do the second time


@pytest.mark.parametrize(
    "text",
    [
        "FROM a:1\nUSER node\nRUN npm ci",
        "FROM a:1 AS x\nUSER 1000\nFROM x\nRUN npm ci",
        "FROM a:nonroot\nRUN npm ci",
        "FROM a:1\nENV npm_config_cache=/c\nRUN npm ci",
        "FROM a:1\nENV HOME=/home/x\nRUN npm ci",
        "FROM a:1\nRUN HOME=/x npm ci",
        "FROM a:1\nRUN npm ci --cache /x",
        "FROM a:1\nRUN npm ci && npm cache clean --force",
        "FROM a:1\nRUN npm ci && rm -rf ~/.npm",
        "FROM a:1 AS x\nRUN npm ci\nFROM a:1\nCOPY --from=x /root/.npm /root/.npm",
        "FROM a:1 AS x\nRUN npm ci\nFROM a:1\nCOPY --from=x /root /root",
        "FROM a:1\nCOPY settings.xml /root/.m2/\nRUN mvn package",
        "FROM a:1\nENV PIP_NO_CACHE_DIR=1\nRUN pip install x",
        "FROM a:1\nRUN pip install x && rm -rf /root/.cache",
        "FROM a:1\nRUN uv sync --no-cache",
        'FROM a:1\nRUN ["pip", "install", "--no-cache-dir", "x"]',
        "FROM a:1\nRUN <<EOF\npip install --no-cache-dir x\nEOF",
        "FROM a:1\nRUN pip install x --no-cache-dir && other --no-cache-dir",
        "FROM a:1\nRUN <<EOF\napt-get install -y x\nEOF",
        "FROM a:1\nRUN apt-get install -y x && apt-get clean",
        "FROM a:1\nRUN apt-get install -y x && rm -rf /var/cache/*",
        'FROM a:1\nSHELL ["pwsh", "-c"]\nRUN npm ci',
        "# syntax=docker/dockerfile:1.1\nFROM a:1\nRUN npm ci",
        "# syntax=example.com/own:1\nFROM a:1\nRUN npm ci",
        "FROM a:1\nRUN\\\n npm ci",
        "FROM a:1\nONBUILD RUN npm ci",
        "FROM a:1\nRUN --mount=type=bind,target=/root npm ci",
        "FROM a:1\nRUN --mount=type=tmpfs,target=/root,size=9m npm ci",
        "FROM a:1\nRUN npm ci && cp -r /root/. /out",
    ],
)
def test_what_is_not_certain_is_left_alone(text: str) -> None:
    assert fixed(text) == text


def test_the_frontends_that_know_mounts() -> None:
    for name in ("docker/dockerfile:1", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile:1.4.1"):
        text = f"# syntax={name}\nFROM a:1\n"
        assert fixed(f"{text}RUN npm ci") == f"{text}RUN {NPM} npm ci"


def test_yarn_of_another_generation_is_left_alone() -> None:
    text = "FROM a:1\nRUN yarn install\n"
    assert fixed(text, files=frozenset({".yarnrc.yml"})) == text
    assert fixed(text) != text


def test_only_what_was_asked_for_is_changed() -> None:
    text = "FROM a:1\nRUN npm ci\nRUN pip install x\n"
    changed, mended = mounts.added(build(text), {Place(3, 5)})
    assert changed == f"FROM a:1\nRUN npm ci\nRUN {PIP} pip install x\n"
    assert mended == {Place(3, 5)}


SCRAPS = ["FROM a:1 AS x", "FROM x", "RUN", "RUN npm ci", "RUN npm ci && \\", "  pip install --no-cache-dir x",
          "RUN <<E", "E", "apt-get install x", "# why", "", "USER 1", "RUN uv sync",
          "RUN --mount=type=cache,target=/root/.npm \\",
          "RUN apt-get install y \\", "ENV A=1"]  # fmt: skip


@given(st.lists(st.sampled_from(SCRAPS), max_size=12))
def test_a_second_time_changes_nothing_and_findings_only_go(several: list[str]) -> None:
    text = "\n".join(several)
    once = fixed(text)
    assert fixed(once) == once
    before = [one.rule for one in (*images.findings(build(text)), *installs.findings(build(text)))]
    after = [one.rule for one in (*images.findings(build(once)), *installs.findings(build(once)))]
    assert all(after.count(rule) <= before.count(rule) for rule in after)


def service(folder: Path, dockerfile: str, more: str = "", **files: str) -> tuple[Facts, list[Finding]]:
    """A workspace in a repository, with one service: the facts, and what is found."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / "web").mkdir()
    (folder / "web" / "Dockerfile").write_text(dockerfile)
    for name, text in files.items():
        (folder / name.replace("__", "/").replace("_", ".")).write_text(text)
    (folder / "compose.yaml").write_text(
        "name: shop\nx-celadon: {environments: {staging: {listen: [1], url: 'http://a.example.com'}}}\nservices:\n"
        f"  web:\n    build: web\n    x-celadon: {{port: 1, route: /, health: /h}}\n{more}"
    )
    (folder / "compose.yaml").chmod(0o644)
    return again(folder)


def again(folder: Path) -> tuple[Facts, list[Finding]]:
    raw = read(folder / "compose.yaml")
    config = load_environment(folder / "compose.yaml", "staging", compose.render)
    seen = look(env_files(raw, ["staging"]), [config])
    return seen, rules.findings(seen)


def mended(seen: Facts, found: list[Finding]) -> dict[str, list[str]]:
    """The lines that would be added, and the modes, by file."""
    drafts = [remedy.draft for remedy in mending.remedies(seen, found)]
    return {str(draft.path.relative_to(seen.raw.file.parent)):
            [line for line in diff(draft) if "mode" in line or (line[:1] == "+" and line[:3] != "+++")]
            for draft in drafts}  # fmt: skip


KEY = "-----BEGIN PRIVATE KEY-----\n"
MOUNTED = "    volumes: ['./jwt.pem:/jwt.pem:ro']\n"
ROOTLESS = "FROM a:1\nUSER 4242\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("dockerfile", "more", "is_mended"),
    [
        (ROOTLESS, "", True),  # nobody mounts it
        (ROOTLESS, MOUNTED, False),  # its service would not read it any more
        ("FROM a:1\n", MOUNTED, False),  # nobody knows whom it runs as
        ("FROM a:1\nUSER root\n", MOUNTED, True),
        (ROOTLESS, f"{MOUNTED}    user: '{os.geteuid()}'\n", True),
    ],
)
def test_a_key_is_closed_only_where_its_service_can_read_it_then(
    dockerfile: str, more: str, is_mended: bool, here: Path
) -> None:
    (here / "jwt.pem").write_text(KEY)
    (here / "jwt.pem").chmod(0o644)
    seen, found = service(here, dockerfile, more)
    assert mended(seen, found).get("jwt.pem") == (["jwt.pem: mode 0644 → 0600"] if is_mended else None)
    assert [one.fix for one in mending.marked(found, mending.remedies(seen, found)) if one.rule == "keys/mode"] == [
        is_mended]  # fmt: skip
    several = replace(seen, home=Access(0o664, seen.home.owner, seen.home.owner + 1))  # other users work here, too
    assert "jwt.pem" not in mended(several, found)
    alone = replace(seen, home=Access(0o664, seen.home.owner, seen.home.owner))
    assert ("jwt.pem" in mended(alone, found)) == is_mended


def test_a_mount_of_the_whole_host_is_not_for_the_keys_sake(here: Path) -> None:
    (here / "jwt.pem").write_text(KEY)
    (here / "jwt.pem").chmod(0o600)
    seen, found = service(here, ROOTLESS, "    volumes: ['/:/host:ro']\n")
    assert [one.services for one in seen.keys] == [()]
    assert "keys/unreadable" not in {one.rule for one in found}
    (here / "jwt.pem").chmod(0o644)
    assert "jwt.pem" not in mended(*again(here))  # it may be read there all the same


def test_gitignore_gets_one_line_for_each_file(here: Path) -> None:
    (here / "config").mkdir()
    (here / "config" / ".gitignore").write_text("*.log")
    (here / "config" / "[a] b.env").write_text("A=1\n")
    seen, found = service(here, ROOTLESS, "    env_file: ['config/[a] b.env', c.env]\n", c_env="B=1\n")
    lines = mended(seen, found)
    assert lines["config/.gitignore"] == ["+/\\[a\\]\\ b.env"] and lines[".gitignore"] == ["+/c.env"]
    write([remedy.draft for remedy in mending.remedies(seen, found)])
    assert mended(*again(here)) == {}
    asked = subprocess.run(["git", "check-ignore", "c.env", "config/[a] b.env"], capture_output=True, text=True)
    assert asked.stdout.splitlines() == ["c.env", "config/[a] b.env"]


@pytest.mark.parametrize(
    ("dockerfile", "tracked", "lines"),
    [
        ("FROM a:1\nCOPY . .\nRUN npm ci\n", [],
         [".git", "**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/id_rsa", "**/id_ed25519", "**/node_modules"]),
        ("FROM a:1\nCOPY ca.pem .env.example ./\n", [], [".git", "**/.env", "**/*.key", "**/id_rsa", "**/id_ed25519"]),
        ("FROM a:1\nCOPY . .\n", [".env", "keys/site.key"],
         [".git", "**/.env.*", "**/*.pem", "**/id_rsa", "**/id_ed25519"]),
        ("FROM a:1\nRUN --mount=type=bind,source=.git,target=/g pip install x\n", [],
         ["**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/id_rsa", "**/id_ed25519", "**/__pycache__", "**/.venv"]),
    ],
)  # fmt: skip
def test_a_dockerignore_keeps_nothing_out_that_is_needed(
    dockerfile: str, tracked: list[str], lines: list[str], here: Path
) -> None:
    service(here, dockerfile)
    for name in tracked:
        (here / "web" / name).parent.mkdir(exist_ok=True)
        (here / "web" / name).write_text("x")
        subprocess.run(["git", "-C", str(here), "add", f"web/{name}"], check=True)
    assert mended(*again(here))["web/.dockerignore"] == [f"+{line}" for line in lines]


def test_a_dockerignore_that_lacks_something_gets_that(here: Path) -> None:
    service(here, "FROM a:1\nCOPY . .\n")
    (here / "web" / ".dockerignore").write_text("dist")
    assert mended(*again(here)) == {"web/.dockerignore": ["+.git", "+**/.env"]}
    (here / "web" / ".dockerignore").write_bytes(b"dist\r\n")  # somebody else's line ends: left alone
    assert mended(*again(here)) == {}


def test_a_build_of_the_whole_workspace_is_not_given_what_celadon_keeps(here: Path) -> None:
    service(here, "FROM a:1\nCOPY . .\n")
    text = (here / "compose.yaml").read_text()
    (here / "compose.yaml").write_text(text.replace("build: web", "build: {context: ., dockerfile: web/Dockerfile}"))
    assert "+.celadon" in mended(*again(here))[".dockerignore"]
