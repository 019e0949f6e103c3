"""Builds through builders of Buildx that are containers: held by the container's limits, or by a limit of each step.

Needs what not every machine has: Buildx 0.35, and the image of BuildKit 0.31 (moby/buildkit:buildx-stable-1).
"""

import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e import images
from tests.e2e.workspace import Workspace, run

BASES = ("nginx:1.30", "python:3.14-slim")  # such a builder sees no image of the engine: a registry has them
HUNGRY = "RUN python3 -c \"len(b'x' * (600 << 20))\"\n"
CAP = 300  # MB


def main() -> int:
    faults = []
    with images.serving() as registry, tempfile.TemporaryDirectory() as folder:
        for base in BASES:
            run(["docker", "tag", base, f"{registry}/{base}"])
            run(["docker", "push", "--quiet", f"{registry}/{base}"])
        for story in (limited, each_step):
            shop = Workspace(Path(folder, story.__name__))
            try:
                prepare(shop, registry)
                story(shop)
                print(f"{story.__name__}: as it must be")
            except AssertionError as problem:
                faults.append(f"{story.__name__}: {problem}")
            finally:
                shop.remove()
    print("\n".join(faults))
    return 1 if faults else 0


def prepare(shop: Workspace, registry: str) -> None:
    shop.folder.mkdir()
    shop.add("shop", route="/shop")
    shop.top["router"] = {"image": f"{registry}/{BASES[0]}"}
    dockerfile = (shop.folder / shop.unique("shop") / "Dockerfile").read_text()
    shop.commit("shop", {"Dockerfile": dockerfile.replace("FROM ", f"FROM {registry}/")}, "bases of the registry")


@contextmanager
def builder(*limits: str) -> Iterator[str]:
    """A builder in a container; yields its name."""
    name = f"celadon-test-{secrets.token_hex(3)}"
    options = [word for limit in ("network=host", *limits) for word in ("--driver-opt", limit)]
    run(["docker", "buildx", "create", "--name", name, "--driver", "docker-container", *options, "--bootstrap"])
    try:
        yield name
    finally:
        run(["docker", "buildx", "rm", name])


def limited(shop: Workspace) -> None:
    with builder(f"memory={CAP}m", f"memory-swap={CAP}m") as name:
        shop.top["build"] = {"builder": name}
        held(shop, f"docker update --memory 512m --memory-swap 512m buildx_buildkit_{name}0")
        shop.top["build"] = {"builder": name, "memory": "100m"}
        shop.write()
        said = shop.celadon("build", "staging", expect=1).err
        assert f"The builder {name} may take {CAP}M, more than x-celadon.build.memory (100M)" in said, said


def each_step(shop: Workspace) -> None:
    with builder() as name:
        shop.top["build"] = {"builder": name, "memory": f"{CAP}m"}
        held(shop, "Let builds take more: x-celadon.build.memory: 512m")


def held(shop: Workspace, hint: str) -> None:
    """A build that fits is deployed, one that wants more dies at the cap, in words."""
    shop.write()
    shop.celadon("deploy", "staging")
    dockerfile = (shop.folder / shop.unique("shop") / "Dockerfile").read_text()
    shop.commit("shop", {"VERSION": "2\n", "Dockerfile": dockerfile + HUNGRY}, "hungry")
    said = shop.celadon("deploy", "staging", expect=1).err
    for words in (f"wanted more memory than a build may take ({CAP}M)", f"the build used {CAP}M of {CAP}M", hint):
        assert words in said, said
    assert shop.version("/shop") == "1"
    record = sqlite3.connect(shop.folder / ".celadon" / "state.db")
    claimed = record.execute("SELECT id FROM made WHERE id NOT LIKE 'sha256:%'").fetchall()
    assert claimed == []  # what such a builder leaves in its cache is its own
    record.close()
    shop.commit("shop", {"Dockerfile": dockerfile}, "modest")


if __name__ == "__main__":
    sys.exit(main())
