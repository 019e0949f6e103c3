"""Stories of a registry behind a network that fails."""

import time

from tests.e2e.proxy import RESET, SILENT, Proxy
from tests.e2e.workspace import Workspace, run


def pushed(empty: Workspace, registry: str) -> str:
    """A service that somebody else built and pushed; its name."""
    empty.add("shop", route="/shop")
    name = empty.unique("shop")
    tag = f"{registry}/{name}:v1"
    run(["docker", "buildx", "build", "--quiet", "--load", "--tag", tag, str(empty.folder / name)])
    run(["docker", "push", "--quiet", tag])
    run(["docker", "image", "rm", tag])
    del empty.services[name]["build"]
    return name


def test_a_registry_that_times_out_twice_is_tried_again(empty: Workspace, registry: str) -> None:
    name = pushed(empty, registry)
    with Proxy(registry, [SILENT, SILENT]) as proxy:
        empty.services[name]["image"] = f"{proxy.address}/{name}:v1"
        empty.write()
        told = empty.celadon("deploy", "staging").out
        assert told.count(f"{name}: the network failed; trying again") == 2
        assert empty.version("/shop") == "1"

        begun = time.monotonic()
        wrong = empty.celadon("deploy", "staging", "--ref", "v9", expect=1)
        assert f"the registry does not give {proxy.address}/{name}:v9" in wrong.err and "not found" in wrong.err
        assert "trying again" not in wrong.out + wrong.err and time.monotonic() - begun < 10


def test_a_backing_service_whose_registry_breaks_off_is_tried_again(shop: Workspace, registry: str) -> None:
    run(["docker", "tag", "python:3.14-slim", f"{registry}/{shop.name}:1"])
    run(["docker", "push", "--quiet", f"{registry}/{shop.name}:1"])
    with Proxy(registry, [RESET] * 2) as proxy:  # the engine asks by https first, then by http
        image = f"{proxy.address}/{shop.name}:1"
        shop.services["db"] = {"image": image, "command": ["sleep", "600"], "init": True}
        shop.write()
        told = shop.celadon("deploy", "staging").out
        assert "db: the network failed; trying again in 2 s" in told and shop.version("/shop") == "1"
        assert shop.containers("label=celadon.service=db")


def test_an_image_that_somebody_pulled_by_its_digest_keeps_that_name(empty: Workspace, registry: str) -> None:
    name = pushed(empty, registry)
    run(["docker", "pull", "--quiet", f"{registry}/{name}:v1"])
    form = "{{index .RepoDigests 0}}"
    theirs = run(["docker", "image", "inspect", "--format", form, f"{registry}/{name}:v1"]).strip()
    run(["docker", "image", "rm", f"{registry}/{name}:v1"])
    run(["docker", "pull", "--quiet", theirs])
    try:
        empty.services[name]["image"] = f"{registry}/{name}:v1"
        empty.write()
        empty.celadon("deploy", "staging")
        assert empty.version("/shop") == "1" and run(["docker", "image", "inspect", theirs])
        empty.celadon("down", "staging", "--volumes", "-y")
        assert empty.celadon("cleanup", "--json").json["objects"] == []
        assert run(["docker", "image", "inspect", theirs])
    finally:
        run(["docker", "image", "rm", theirs], check=False)
