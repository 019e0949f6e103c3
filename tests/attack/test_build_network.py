"""A step of an isolated build reaches the internet, but neither this host, its containers nor a metadata service."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from celadon.run import build_network
from tests.attack.test_builds import built, found, pushed
from tests.e2e.workspace import Workspace, free_port, processes, run, wait_for

pytestmark = pytest.mark.alone  # it changes what the default bridge of the host lets through

METADATA, INTERNET = "169.254.169.254", "198.51.100.7"


@pytest.fixture(autouse=True)
def no_rules_stay() -> Iterator[None]:
    """Whatever becomes of a story, containers of this host are not cut off from it."""
    yield
    build_network.remove()


def gateway() -> str:
    return run(["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]).strip()


def own_address() -> str:
    """An address of this host that is not on a bridge of the engine's: where its packets to the internet come from."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect((INTERNET, 9))
        return str(probe.getsockname()[0])


@contextmanager
def listening(port: int) -> Iterator[None]:
    """A service of the host that listens on all addresses."""
    with socket.create_server(("0.0.0.0", port), backlog=64) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def cloud(port: int, folder: Path) -> Iterator[None]:
    """Another machine, in a network namespace: a metadata service, and a server on the internet, of `folder`."""
    name = f"c{secrets.token_hex(3)}"
    with ExitStack() as left:
        run(["ip", "netns", "add", name])
        left.callback(run, ["ip", "netns", "delete", name])
        run(["ip", "link", "add", name, "type", "veth", "peer", "name", "cloud0", "netns", name])
        left.callback(run, ["ip", "link", "delete", name], check=False)
        inside = ["ip", "netns", "exec", name]
        run(["ip", "address", "add", "198.51.100.1/24", "dev", name])
        run(["ip", "link", "set", name, "up"])
        run(["ip", "route", "add", f"{METADATA}/32", "dev", name])
        for address in (f"{METADATA}/32", f"{INTERNET}/24"):
            run([*inside, "ip", "address", "add", address, "dev", "cloud0"])
        run([*inside, "ip", "link", "set", "cloud0", "up"])
        serve = [sys.executable, "-m", "http.server", str(port), "--directory", str(folder)]
        server = subprocess.Popen([*inside, *serve], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        left.callback(server.wait)
        left.callback(server.kill)
        for address in (METADATA, INTERNET):
            wait_for(lambda a=address: reaches(a, port))  # type: ignore[misc]
        yield


def reaches(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), timeout=2):
        return True
    return False


@contextmanager
def published(port: int) -> Iterator[None]:
    """A container on a network of its own, as Compose makes them, with a port on all addresses of the host."""
    name = f"celadon-test-{secrets.token_hex(3)}"
    run(["docker", "network", "create", name])
    try:
        words = ["--name", name, "--network", name, "--publish", f"{port}:80"]
        run(["docker", "run", "--detach", *words, "nginx:1.30"])
        wait_for(lambda: reaches("127.0.0.1", port))
        yield
    finally:
        run(["docker", "rm", "--force", name], check=False)
        run(["docker", "network", "rm", name])


def probe(targets: dict[str, tuple[str, int]]) -> str:
    """Steps that print `<name: reached>` or `<name: not>`."""
    connect = "timeout 5 bash -c 'exec 3<>/dev/tcp/{}/{}' 2>/dev/null && r=reached || r=not; echo \"<{}: $r>\"; "
    steps = "".join(connect.format(*target, name) for name, target in targets.items())
    return f"FROM nginx:1.30\nRUN {steps}echo {secrets.token_hex(4)}\n"


def rules() -> str:
    return run(["iptables-save"]) + run(["ip6tables-save"])


def test_the_kernel_rejects_what_would_reach_the_host_and_nothing_else() -> None:
    """With IPv6, published ports that no rule of the engine protects, and a resolver on the host itself."""
    words = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.attack.build_bridge"]
    told = json.loads(run(words, Path(__file__).parents[2]))
    before, held, after = told["looks"]
    assert set(before.values()) == {"reached"} and after == before
    let_through = {name for name, seen in held.items() if seen == "reached"}
    assert let_through == {"the resolver", "the internet", "the internet over IPv6"}
    assert told["in force"] and "CELADON" not in told["left"]


def test_an_isolated_build_reaches_only_the_internet(shop: Workspace) -> None:
    ports = [free_port() for _ in range(3)]
    targets = {
        "bridge": (gateway(), ports[0]),
        "host": (own_address(), ports[0]),
        "container": (own_address(), ports[1]),
        "gateway": (gateway(), ports[1]),
        "metadata": (METADATA, ports[2]),
        "download": (INTERNET, ports[2]),
    }
    served = shop.folder / "served"
    served.mkdir()
    (served / "archive").write_text("content\n")
    with listening(ports[0]), published(ports[1]), cloud(ports[2], served):
        pushed(shop, "shop", probe(targets))
        assert found(built(shop, "shop")) == {f"{name}: reached" for name in targets}

        shop.top["build"] = {"network": "isolated"}
        shop.write()
        pushed(shop, "shop", probe(targets))
        told = found(built(shop, "shop"))
        assert told == {f"{name}: not" for name in targets if name != "download"} | {"download: reached"}
        pushed(shop, "shop", f"FROM nginx:1.30\nRUN --network=host echo {secrets.token_hex(4)}\n")
        assert "network.host" in built(shop, "shop", expect=1)
        assert "CELADON-BUILD" not in rules()


def test_a_killed_build_leaves_rules_that_reconcile_removes(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shop.top["build"] = {"network": "isolated"}
    shop.write()
    pushed(shop, "shop", "FROM nginx:1.30\nRUN sleep 3141\n")
    build = shop.start("build", "staging")
    wait_for(lambda: processes("sleep", "3141") or build.poll() is not None)
    assert build.poll() is None, build.communicate()[0]
    saved = rules()
    assert len(re.findall("-A (?:INPUT|FORWARD) -i docker0 -j CELADON-BUILD-(?:IN|FORWARD)\n", saved)) == 4
    os.kill(shop.runner(), signal.SIGKILL)
    build.communicate(timeout=60)
    assert "CELADON-BUILD" in rules()
    assert "firewall rules that a killed build left" in shop.celadon("reconcile", "staging").out
    assert "CELADON-BUILD" not in rules()
    assert not processes("sleep", "3141"), "the rules are kept until the step is gone"
    build_network._put("docker0")
    assert "firewall rules" in shop.celadon("reconcile", "production").out, "it was never deployed to"
    assert "CELADON-BUILD" not in rules()


def test_what_would_be_cut_off_is_named_before_anything_is_built(shop: Workspace) -> None:
    shop.top["build"] = {"network": "isolated"}
    shop.write()
    other = f"celadon-test-{secrets.token_hex(3)}"
    run(["docker", "run", "--detach", "--name", other, "nginx:1.30"])
    try:
        refused = built(shop, "shop", expect=1)
    finally:
        run(["docker", "rm", "--force", other])
    assert other in refused and "docker network create" in refused and shop.images() == []
    assert "CELADON-BUILD" not in rules()
