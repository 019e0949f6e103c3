"""A team comes with a folder of repositories: from `celadon init` to a deployed staging, and the scripts they know."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.e2e.workspace import Ran, Workspace


def script(shop: Workspace, name: str, *words: str) -> Ran:
    """A script of scripts/, from another folder, with `celadon` on the path."""
    folder = shop.folder.parent / f"{shop.folder.name}-bin"
    folder.mkdir(exist_ok=True)
    (folder / "celadon").write_text(f'#!/bin/sh\nexec {sys.executable} -m celadon "$@"\n')
    (folder / "celadon").chmod(0o755)
    done = subprocess.run(
        [str(shop.folder / "scripts" / f"{name}.sh"), *words], capture_output=True, text=True, cwd="/", timeout=300,
        stdin=subprocess.DEVNULL, env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def everything(folder: Path) -> dict[Path, tuple[int, int]]:
    own = (file for file in folder.rglob("*") if file.is_file() and ".celadon" not in file.parts)
    return {file: (file.stat().st_mtime_ns, file.stat().st_mode) for file in own}


def test_a_folder_of_repositories_is_deployed_by_three_commands(empty: Workspace) -> None:
    for name in ("hub", "shop", "desk"):
        empty.add(name, route="/")  # only its repository counts here: compose.yaml is to be found out
    hub, shop, desk = (empty.unique(name) for name in ("hub", "shop", "desk"))
    done = empty.celadon(
        "init", "-y", "--name", empty.name, "--listen", f"staging=127.0.0.1:{empty.staging}",
        "--listen", f"production=127.0.0.1:{empty.production}", "--service", f"{hub},route=/",
    )  # fmt: skip
    assert f"--service {shop},health=/api/health" in done.out
    file = empty.folder / "compose.yaml"
    made = yaml.safe_load(file.read_text())["services"]
    assert made[desk]["x-celadon"] == {
        "git": {"url": str(empty.folder / "repositories" / f"{desk}.git"), "branch": "main"},
        "port": 8000, "route": f"/{desk}", "health": "/api/health", "strip_prefix": True,
    }  # fmt: skip
    watched = file.read_text().replace("\n      url:", "\n      watch: 1s\n      url:")
    file.write_text(watched)  # it is the team's own now

    found = empty.celadon("check", "--json").json
    assert [one for one in found if one["severity"] == "error"] == []
    assert "build" in empty.celadon("plan", "deploy", "staging").out
    empty.celadon("deploy", "staging", "-y")
    assert [empty.version(route) for route in ("", f"/{shop}", f"/{desk}")] == ["1", "1", "1"]

    empty.commit("shop", {"VERSION": "2\n"}, "second")
    script(empty, "build-sequential")
    script(empty, "deploy-staging", shop, "-y")
    assert (empty.version(f"/{shop}"), empty.version(f"/{desk}")) == ("2", "1")
    assert "Nothing to do." in script(empty, "deploy-all-staging", "-y").out
    script(empty, "promote-production", "-y")
    assert empty.version(f"/{shop}", "production") == "2"
    empty.commit("shop", {"VERSION": "3\n"}, "third")
    script(empty, "deploy-staging", shop, "-y")
    script(empty, "promote-production", shop, "-y")
    script(empty, "rollback-production", shop, "-y")
    assert empty.version(f"/{shop}", "production") == "2"
    script(empty, "cleanup-docker", "--dry-run")
    assert f"{empty.name}-staging" in script(empty, "diagnose-resources", "--json").out

    before = everything(empty.folder)
    assert "Nothing to write: everything is there." in empty.celadon("init", "-y").out
    assert everything(empty.folder) == before
