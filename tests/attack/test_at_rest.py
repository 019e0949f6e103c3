"""A workspace's folder that was stolen, from a disk or a backup: without the key it holds no value of a variable."""

import base64
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.test_secrets import MARK, traces
from tests.e2e.workspace import Workspace, run

# What the documentation names as not encrypted: containers mount these, and the engine starts those before Celadon.
MOUNTED = ("releases/*/*/*/secrets/*", "environments/*/secrets/*/*")
KEY = "Encrypted by Celadon with the key"


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the operator keeps the key and the env files: no part of the workspace."""
    return tmp_path_factory.mktemp("etc")


@pytest.fixture
def safe(empty: Workspace, outside: Path) -> Workspace:
    """A service with a release command, a secret as a file and a backing service; no key yet."""
    files = [f"{outside}/${{CELADON_ENV}}.env"]
    release = ["sh", "-c", "test -n $GREETING"]
    empty.add("shop", route="/shop", env_file=files, secrets=["pin"], celadon={"release": release})
    empty.services["db"] = {"image": "nginx:1.30", "env_file": files, "labels": {"team": "shop"}, "secrets": ["pin"]}
    empty.extra["secrets"] = {"pin": {"environment": "PIN"}}
    for name in ("staging", "production"):
        (outside / f"{name}.env").write_text(f"GREETING={MARK} of {name}\nPIN={MARK}-pin\n")
    empty.write()
    return empty


def with_key(shop: Workspace, key: Path | None) -> None:
    if key and not key.exists():
        key.write_bytes(base64.b64encode(os.urandom(32)))
        key.chmod(0o600)
    shop.top.pop("encryption", None)
    if key:
        shop.top["encryption"] = {"key": str(key)}
    shop.write()


def found(shop: Workspace) -> set[Path]:
    """Files of the workspace with a value in them, less those that the documentation names."""
    return {file for file in files(shop.folder) if traces(file.read_bytes())}


def files(folder: Path) -> Iterator[Path]:
    kept = folder / ".celadon"
    for file in folder.rglob("*"):
        inside = file.is_relative_to(kept)
        if file.is_file() and not (inside and any(file.relative_to(kept).match(one) for one in MOUNTED)):
            yield file


def greeting(shop: Workspace, environment: str) -> str:
    return str(shop.get("/shop/api/health", environment)[1]["greeting"])


def ids(shop: Workspace) -> set[str]:
    return set(
        run(["docker", "ps", "--quiet", "--no-trunc", "--filter", f"label=celadon.workspace={shop.name}"]).split()
    )


def test_a_stolen_workspace_holds_no_value_of_a_variable(safe: Workspace, outside: Path) -> None:
    key, service = outside / "shop.key", safe.unique("shop")
    safe.celadon("deploy", "staging")
    plain = {file.name for file in found(safe)}
    assert "compose.yaml" in plain and any(name.startswith("rendered-") for name in plain), (
        "or the search finds nothing"
    )

    # Switched on: one command brings along what is there, and no container is touched.
    with_key(safe, key)
    running = ids(safe)
    assert f"was encrypted with the key in {key}" in safe.celadon("reconcile").out
    assert found(safe) == set() and ids(safe) == running
    assert KEY in (safe.folder / ".celadon/environments/staging/compose.yaml").read_text()

    # A whole life: the runner is killed at its work, and a rollback goes to what ran before there was a key.
    first = safe.live("shop")["release"]
    safe.celadon("promote", "--yes")
    safe.commit("shop", {"VERSION": "2\n"}, "second")
    safe.celadon("deploy", "staging")
    assert safe.version("/shop") == "2" and greeting(safe, "production") == f"{MARK} of production"
    safe.commit("shop", {"VERSION": "3\n"}, "third")
    command = safe.start("deploy", "staging")
    os.kill(safe.runner(), signal.SIGKILL)
    command.wait(60)
    assert found(safe) == set()
    safe.celadon("rollback", "staging", "--to", first, "--yes")
    assert safe.version("/shop") == "1" and greeting(safe, "staging") == f"{MARK} of staging"
    said = safe.celadon("env", "run", "staging", service, "--", "sh", "-c", "echo $GREETING; cat /run/secrets/pin")
    assert said.out.split("\n") == [f"{MARK} of staging", f"{MARK}-pin"]
    assert found(safe) == set()

    # A lost record comes back from what is encrypted.
    for file in safe.folder.glob(".celadon/state.db*"):
        file.unlink()
    assert "rebuilt from 3 frozen releases" in safe.celadon("status").err
    safe.celadon("promote", "--yes", expect=None)
    assert safe.version("/shop", "production") == "1" and found(safe) == set()

    # Without the key: looking works, users are served, and what needs it says so, before it does anything.
    before = {file: file.read_bytes() for file in files(safe.folder / ".celadon/releases")}
    key.rename(outside / "elsewhere")
    assert safe.live("shop")["release"] == first
    run_it = ["env", "run", "staging", service, "true"]
    for words in (["deploy", "staging"], ["rollback", "staging", "--yes"], ["reconcile"], ["diagnose"], run_it):
        refused = safe.celadon(*words, expect=2)
        assert str(key) in refused.out + refused.err, words
    assert {file: file.read_bytes() for file in files(safe.folder / ".celadon/releases")} == before
    assert greeting(safe, "staging") == f"{MARK} of staging"

    # And with it again; it is replaced, and switched off.
    (outside / "elsewhere").rename(key)
    with_key(safe, outside / "next.key")
    safe.celadon("reconcile")
    key.unlink()
    safe.celadon("down", "staging", "--yes")
    safe.celadon("up", "staging")
    assert greeting(safe, "staging") == f"{MARK} of staging" and found(safe) == set()

    # A key that is lost for good costs what was kept to go back to; what runs is found again, and users never notice.
    (outside / "next.key").unlink()
    with_key(safe, outside / "third.key")
    assert "which is missing" in safe.celadon("reconcile", expect=2).err
    (safe.folder / ".celadon").rename(outside / "lost")
    running = ids(safe)
    safe.celadon("reconcile")
    assert safe.version("/shop") == "1" and found(safe) == set() and len(ids(safe) & running) == len(running) - 2

    with_key(safe, None)
    assert "in plain text again" in safe.celadon("reconcile").out
    assert {file.name for file in found(safe)} >= {"compose.yaml"}
    assert not any(KEY in file.read_text(errors="replace") for file in files(safe.folder / ".celadon/environments"))
