"""Stories of disks: what goes, what stays, and what happens where there is no room."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from celadon.adapters import cgroup
from tests.e2e.small_engine import CLASSIC, CONTAINERD, mounted, small_engine
from tests.e2e.workspace import Workspace, processes, run, wait_for

THEIRS = 'FROM python:3.14-slim\nRUN echo "somebody else\'s {name}" > /theirs\n'


def cache() -> dict[str, str]:
    """The records of the engine's build cache by id, with their descriptions."""
    words = run(["docker", "buildx", "du", "--verbose"])
    blocks = [dict(line.split(":", 1) for line in block.splitlines() if ":" in line) for block in words.split("\n\n")]
    return {block["ID"].strip(): block["Description"].strip() for block in blocks if "Description" in block}


@pytest.mark.alone  # it counts what is left of the whole build cache
def test_cleanup_removes_only_what_this_workspace_made(shop: Workspace) -> None:
    # Somebody else's image, nameless image, container, volume and build cache.
    (shop.folder / "theirs").mkdir()
    build = ["docker", "buildx", "build", "--load", "--quiet", "-f", "-", str(shop.folder / "theirs")]
    before = set(cache())
    theirs = []
    for name in ("named", "nameless"):
        (shop.folder / "Dockerfile.theirs").write_text(THEIRS.format(name=f"{name} {shop.name}"))
        tag = ["--tag", f"{shop.name}-theirs:1"] if name == "named" else []
        with (shop.folder / "Dockerfile.theirs").open() as text:
            theirs.append(run_with(text, [*build, *tag]))
    container = run(["docker", "create", f"{shop.name}-theirs:1"]).strip()
    volume = run(["docker", "volume", "create", f"{shop.name}-theirs"]).strip()
    their_cache = set(cache()) - before
    try:
        shop.top["keep"] = 1
        shop.write()
        dockerfile = shop.folder / shop.unique("shop") / "Dockerfile"
        for number in range(4):
            step = f"RUN echo {shop.name} {number} && head -c 2000000 /dev/urandom > /ballast\n"
            shop.commit("shop", {"Dockerfile": dockerfile.read_text() + step if not number else
                                 dockerfile.read_text().replace(f" {number - 1} ", f" {number} "),
                                 "VERSION": f"{number + 1}\n"}, f"version {number + 1}")  # fmt: skip
            shop.celadon("deploy", "staging")
        ours = {id_ for id_, words in cache().items() if shop.name in words} - their_cache
        assert len(ours) == 4 and len(shop.celadon("releases", "staging", "--json").json) == 2

        shop.top["disk"] = {"floor": "900g"}  # no disk here has that
        shop.write()
        looked = shop.celadon("cleanup", "--dry-run", "--json")
        assert "stays below its floor of 900G" in looked.err
        listed = looked.json
        assert {row["kind"] for row in listed["objects"]} == {"build cache"} and listed["freed"] is None
        assert ours <= set(cache())
        told = shop.celadon("cleanup")
        assert "stays below its floor of 900G" in told.out + told.err
        left = cache()
        assert len(ours & set(left)) == 2 and their_cache <= set(left)  # images that are kept hold two
        for image in theirs:
            run(["docker", "image", "inspect", image])
        run(["docker", "container", "inspect", container])
        run(["docker", "volume", "inspect", volume])
        assert shop.version("/shop") == "4"
        shop.celadon("rollback", "staging", "-y")
        assert shop.version("/shop") == "3"
    finally:
        run(["docker", "rm", container], check=False)
        run(["docker", "volume", "rm", volume], check=False)
        run(["docker", "image", "rm", "--force", *theirs], check=False)


@pytest.mark.alone  # while anybody else builds nothing is claimed
def test_what_somebody_else_built_meanwhile_is_never_claimed_whatever_its_steps_are_called(shop: Workspace) -> None:
    checkout = shop.folder / shop.unique("shop")
    by_hand = ["docker", "buildx", "build", "--quiet", "--cgroup-parent", f"/{cgroup.GROUP}"]  # as Celadon itself does
    by_hand += ["--output", "type=cacheonly", str(checkout)]
    original = (checkout / "Dockerfile").read_text()

    def step(seconds: str) -> None:
        shop.commit("shop", {"Dockerfile": f"{original}RUN : {shop.name}; sleep {seconds}\n"}, "a slow step")

    def claimed() -> list[str]:
        """Build cache that cleaning up would take, once no image holds it any more."""
        for image in shop.images():
            run(["docker", "image", "rm", image])
        rows = shop.celadon("cleanup", "--dry-run", "--json").json["objects"]
        return [row["name"] for row in rows if row["kind"] == "build cache" and shop.name in row["name"]]

    shop.top["disk"] = {"floor": "900g"}  # no disk here has that
    shop.write()
    step(slow := f"5.{time.monotonic_ns() % 1_000_000:06}1")
    with subprocess.Popen(by_hand, stdout=subprocess.DEVNULL) as other:
        wait_for(lambda: processes("sleep", slow))
        shop.celadon("build", "staging")  # the engine sees the same step, and runs it once for both
    assert other.returncode == 0 and claimed() == []

    step("0.1")
    shop.celadon("build", "staging")
    assert len(claimed()) == 1
    time.sleep(2)  # a deployment's times are kept to the second
    run(by_hand)  # what was ours alone until now is of use to somebody else
    assert claimed() == []


@pytest.mark.alone  # the engine sees no disk that is mounted in the namespace of one worker
def test_a_promote_onto_a_full_disk_is_refused_before_anything_was_changed(shop: Workspace, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk.img", shop.folder / ".celadon", 300):
        shop.celadon("deploy", "staging")
        shop.celadon("promote", "-y")
        shop.commit("shop", {"VERSION": "2"}, "second")
        shop.celadon("deploy", "staging")
        before, full = shop.containers(), shop.folder / ".celadon" / "somebody's"
        run(["fallocate", "--length", "220M", str(full)])
        refused = shop.celadon("promote", "-y", expect=1).err
        assert "The disk is full: nothing can be started; nothing was changed." in refused
        assert "64M for the record and logs" in refused and f"free in {full.parent}: " in refused
        assert shop.containers() == before and shop.version("/shop", "production") == "1"
        shop.celadon("deploy", "staging", "--ref", "HEAD~1", expect=1)  # nothing to build: its image is there
        full.unlink()
        shop.celadon("promote", "-y")
        assert shop.version("/shop", "production") == "2"
        shop.remove()


def run_with(text: object, argv: list[str]) -> str:
    """Run with a file as standard input; the image's id is what a quiet build prints."""
    return subprocess.run(argv, stdin=text, capture_output=True, text=True, check=True).stdout.strip()  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("store", [CLASSIC, CONTAINERD])
def test_a_full_disk_is_refused_before_anything_was_changed(shop: Workspace, store: str) -> None:
    shop.top["build"] = {"uncapped": "warn"}  # no shell in an image of nothing: the cap cannot be tried
    shop.commit("shop", {"Dockerfile": "FROM scratch\nCOPY base /\nCOPY own app.py VERSION /\n"}, "small")
    checkout = shop.folder / shop.unique("shop")
    (checkout / "base").write_bytes(os.urandom(30 << 20))
    shop.write()
    with small_engine(1400, store) as engine:

        def build(version: str, expect: int = 0) -> str:
            (checkout / "own").write_bytes(os.urandom(10 << 20))
            shop.commit("shop", {"VERSION": version}, version)
            return shop.celadon("build", "staging", env=engine.env, expect=expect).err

        def images() -> list[str]:
            return sorted(engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())

        build("1")
        build("2")
        both, file = images(), engine.fill()
        refused = build("3", expect=1)
        assert "There is not enough free disk to build; nothing was changed." in refused
        assert f"free in {engine.folder}" in refused and "celadon cleanup --dry-run" in refused
        needed = re.search(r"needed: (\d+)M for", refused)
        assert needed and 10 <= int(needed[1]) < 25  # without the base; containerd keeps each layer packed as well
        assert images() == both
        assert re.search(r"disk: [45]\dM free of 1.3G", shop.celadon("status", env=engine.env).out)
        file.unlink()
        build("3")
        assert len(images()) == 3

        shop.top["disk"] = {"floor": "900g"}  # no disk here has that
        shop.write()
        assert shop.celadon("cleanup", "--dry-run", "--json", env=engine.env).json["objects"] == []  # images hold it
        engine.docker("image", "rm", both[0])
        before = engine.free()
        [found] = shop.celadon("cleanup", "--json", env=engine.env).json["objects"]
        assert found["kind"] == "build cache" and "COPY own" in found["name"]
        assert engine.free() - before > 9 << 20
        assert images() == [both[1], images()[-1]]
