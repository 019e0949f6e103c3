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


def test_a_registry_that_is_silent_then_breaks_off_is_tried_again(empty: Workspace, registry: str) -> None:
    name = pushed(empty, registry)
    with Proxy(registry, [SILENT, RESET]) as proxy:
        empty.services[name]["image"] = f"{proxy.address}/{name}:v1"
        empty.write()
        told = empty.celadon("deploy", "staging").out
        assert told.count(f"{name}: the network failed; trying again") == 2
        assert empty.version("/shop") == "1"

        begun = time.monotonic()
        wrong = empty.celadon("deploy", "staging", "--ref", "v9", expect=1)
        assert f"the registry does not give {proxy.address}/{name}:v9" in wrong.err and "not found" in wrong.err
        assert "trying again" not in wrong.out + wrong.err and time.monotonic() - begun < 10
