"""`check`, `check --fix` and `deploy` in a workspace whose checkouts hold links that somebody pushed."""

import os
from pathlib import Path

import pytest

from tests.e2e.workspace import Workspace


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the host that has nothing to do with the workspace, with files that must stay as they are."""
    folder = tmp_path_factory.mktemp("host")
    for name, text in (("file", "of the host\n"), ("key", "-----BEGIN PRIVATE KEY-----\n"), ("env", "TOKEN=hidden\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    return folder


def unchanged(host: Path) -> bool:
    files = {name: (host / name).read_text() for name in ("file", "key", "env")}
    modes = {(host / name).stat().st_mode & 0o777 for name in files}
    texts = ["of the host\n", "-----BEGIN PRIVATE KEY-----\n", "TOKEN=hidden\n"]
    return list(files.values()) == texts and modes == {0o644} and len(list(host.iterdir())) == 3


def link(shop: Workspace, name: str, target: str) -> None:
    """A link that was pushed, and has come into the checkout."""
    file = shop.folder / shop.unique("shop") / name
    file.unlink(missing_ok=True)
    file.symlink_to(target)
    shop.commit("shop", {}, "a link")


def test_check_reads_and_fixes_nothing_behind_a_link_that_leaves_the_checkout(shop: Workspace, host: Path) -> None:
    deep = os.path.relpath(host, shop.folder / shop.unique("shop"))
    npm = "FROM node:24-slim\nCOPY . .\nRUN npm ci\n"
    shop.commit("shop", {"Dockerfile": npm, "package-lock.json": "{}"}, "npm")
    link(shop, ".dockerignore", f"{deep}/file")
    link(shop, ".npmrc", str(host / "file"))
    link(shop, "server.pem", "again")
    link(shop, "again", str(host / "key"))
    link(shop, ".gitignore", str(host / "file"))
    service = shop.services[shop.unique("shop")]
    service["volumes"] = [f"./{shop.unique('shop')}:/app:ro"]
    shop.write()
    found = shop.celadon("check", expect=1)
    for name in (".dockerignore", ".npmrc", "server.pem"):
        told = next(line for line in found.out.splitlines() if f"{name}:1:1" in line or f"/{name} is a link" in line)
        assert "is a link that points outside its checkout" in told
    assert "files/unsafe" in found.out and "regular file of at most 1 MB" in found.out
    shop.celadon("check", "--fix", "-y", expect=None)
    assert unchanged(host)
    assert (shop.folder / shop.unique("shop") / ".dockerignore").is_symlink()


def test_neither_check_nor_compose_reads_an_env_file_that_a_push_made_a_link(shop: Workspace, host: Path) -> None:
    service = shop.services[shop.unique("shop")]
    service["env_file"] = [f"./{shop.unique('shop')}/.env"]
    shop.write()
    for target in (str(host / "env"), "../.celadon/state.db", "/dev/zero"):
        link(shop, ".env", target)
        told = shop.celadon("check", expect=1)
        assert "files/unsafe" in told.out and "TOKEN" not in told.out
    refused = shop.celadon("deploy", "staging", expect=2).err
    assert ".env" in refused and "is a link that points outside its checkout" in refused
    shop.celadon("check", "--fix", "-y", expect=None)
    assert unchanged(host) and shop.containers() == []


def test_secrets_are_not_pulled_to_where_a_link_in_a_checkout_leads(shop: Workspace, host: Path) -> None:
    shop.top["secrets"] = {"command": ["echo", "TOKEN=fresh"], "file": f"{shop.unique('shop')}/.env"}
    shop.write()
    link(shop, ".env", str(host / "env"))
    refused = shop.celadon("env", "pull", "staging", "-y", expect=1).err
    assert "is a link that points outside its checkout. Nothing was written" in refused
    assert unchanged(host)


def test_a_dockerfile_is_read_inside_its_checkout_and_only_if_it_is_one(shop: Workspace, host: Path) -> None:
    checkout = shop.folder / shop.unique("shop")
    (checkout / "docker").mkdir()
    (checkout / "docker" / "web").write_text((checkout / "Dockerfile").read_text())
    link(shop, "Dockerfile", "docker/web")  # it stays inside: as good as a file
    assert "files/unsafe" not in shop.celadon("check", expect=None).out
    (checkout / "Dockerfile").unlink()
    os.mkfifo(checkout / "Dockerfile")
    assert "is not a regular file" in shop.celadon("check", expect=1).out
    (checkout / "Dockerfile").unlink()
    (checkout / "Dockerfile").write_bytes(b"#" * (1 << 21))
    assert "is larger than" in shop.celadon("check", expect=1).out
    (checkout / "Dockerfile").unlink()
    for target in ("/dev/zero", str(host / "file"), "docker/../../compose.yaml"):
        link(shop, "Dockerfile", target)
        assert "is a link that points outside its checkout" in shop.celadon("check", expect=1).out
    (checkout / "app").symlink_to(host)
    shop.services[shop.unique("shop")]["build"] = f"./{shop.unique('shop')}/app"
    shop.write()
    assert "app is a link that points outside its checkout" in shop.celadon("check", expect=1).out.replace("\n", " ")
    assert unchanged(host)
