"""Stories of builds: what they may take, and why they died."""

import grp
import os
import re
import socket
import struct
import subprocess
import sys
import threading

import pytest
from bench.load import Load

from celadon.adapters import cgroup
from tests.e2e.workspace import Workspace, run

pytestmark = pytest.mark.alone  # all builds of a host share one cap
HUNGRY = "RUN : {new}; python3 -c \"len(b'x' * (600 << 20))\"\n"


def add_step(shop: Workspace, step: str) -> None:
    dockerfile = shop.folder / shop.unique("shop") / "Dockerfile"
    shop.commit("shop", {"VERSION": "2\n", "Dockerfile": dockerfile.read_text() + step}, "another step")


def test_a_build_that_wants_more_than_its_cap_dies_at_the_cap_in_words_beside_its_users(shop: Workspace) -> None:
    """How fast users are answered meanwhile is for `bench.beside`."""
    shop.top["build"] = {"memory": "300m"}
    shop.write()
    told = shop.celadon("deploy", "staging").out
    assert "a build gets at most 300M of memory" in told
    add_step(shop, HUNGRY.format(new=shop.name))  # in nobody's cache
    with Load([f"http://127.0.0.1:{shop.staging}/shop/api/health#shop"], rate=100, slow=0) as load:
        failed = shop.celadon("deploy", "staging", expect=1).err
        answers = load.stop()
    assert answers["failed"] == 0 and answers["total"] > 100
    assert "wanted more memory than a build may take (300M)" in failed and "600 << 20" in failed
    assert "the build used 300M of 300M" in failed and f"{shop.name}-staging-shop" in failed  # what ran beside it
    assert "x-celadon.build.memory: 512m" in failed
    assert cgroup.capped_at() == 300 << 20
    assert shop.version("/shop") == "1"

    shop.top["build"] = {"memory": "900m", "cpus": 1.5}
    shop.write()
    shop.celadon("deploy", "staging")
    assert shop.version("/shop") == "2"
    log = (shop.folder / ".celadon" / "logs" / "3.log").read_text()
    assert re.search(r"memory of the build: at most [56]\d\dM of 900M", log)


def test_a_step_that_ends_otherwise_gets_other_words(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    add_step(shop, "RUN (sh -c 'kill -9 $$'); exit $?\n")
    assert "was ended by SIGKILL, and not for memory" in shop.celadon("deploy", "staging", expect=1).err
    dockerfile = shop.folder / shop.unique("shop") / "Dockerfile"
    shop.commit("shop", {"Dockerfile": dockerfile.read_text().replace("exit $?", "exit 9")}, "another end")
    failed = shop.celadon("deploy", "staging", expect=1).err
    assert "the build failed at" in failed and "memory" not in failed


def test_a_cap_that_the_server_does_not_hold_is_refused_before_anything_happens(shop: Workspace) -> None:
    shop.top["build"] = {"memory": "900g"}
    shop.write()
    refused = shop.celadon("deploy", "staging", expect=1).err
    assert "not enough memory to build" in refused and "a build gets: 900G" in refused and "in reserve" in refused
    assert shop.containers() == []


def test_a_cap_that_cannot_be_tried_is_refused_unless_a_warning_is_enough(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(shop.folder / "cache"))
    nothing = shop.unique("nothing")  # an image without a shell, in which no trial can run
    subprocess.run(["docker", "import", "-", f"{nothing}:1"], input=b"\0" * 1024, check=True, capture_output=True)
    shop.top["router"] = {"image": f"{nothing}:1"}
    shop.write()
    refused = shop.celadon("build", "staging", expect=1).err
    assert "does not hold a cap" in refused and "x-celadon.build.uncapped: warn" in refused
    shop.top["build"] = {"uncapped": "warn"}
    shop.write()
    assert (
        "This build is not capped: a control group above all steps: it cannot be tried"
        in shop.celadon("build", "staging").out
    )
    shop.top = {}
    shop.write()
    assert "trying whether" in shop.celadon("build", "staging", "--force").out
    assert "trying whether" not in shop.celadon("build", "staging", "--force").out  # it held


def test_a_builder_that_cannot_be_capped_is_refused_in_words(shop: Workspace) -> None:
    """Builders as Buildx knows them; whether a container's limits hold is for `tests.torture.builders`."""
    shop.top["build"] = {"builder": shop.name}
    shop.write()
    refused = shop.celadon("build", "staging", expect=1).err
    assert f"There is no builder {shop.name}" in refused and f"docker buildx create --name {shop.name}" in refused
    for driver, said in (("docker-container", "has no container on this engine"), ("remote", "it builds elsewhere")):
        address = ["unix:///nowhere.sock"] if driver == "remote" else []
        run(["docker", "buildx", "create", "--name", shop.name, "--driver", driver, *address])
        try:
            assert said in shop.celadon("build", "staging", expect=1).err
        finally:
            run(["docker", "buildx", "rm", shop.name])
    assert shop.containers() == []
    shop.top["build"] = {"builder": "default"}  # the engine's own, by its name
    shop.write()
    assert "Done" in shop.celadon("build", "staging").out


def test_a_network_that_fails_twice_does_not_fail_the_build(shop: Workspace) -> None:
    asked: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_resets_twice, args=(server, asked), daemon=True).start()
        shop.services[shop.unique("shop")]["build"] = {"context": f"./{shop.unique('shop')}", "network": "host"}
        shop.write()
        fetch = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/', timeout=5)"
        add_step(shop, f'RUN python3 -c "{fetch}"\n')
        told = shop.celadon("build", "staging").out
    assert told.count("the network failed; trying again") == 2 and len(asked) == 3


def _resets_twice(server: socket.socket, asked: list[int]) -> None:
    for number in range(3):
        connection, _address = server.accept()
        asked.append(number)
        with connection:
            connection.recv(1000)
            if number < 2:  # closed without a word of goodbye: a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.mark.usefixtures("shop")
def test_a_member_of_the_docker_group_caps_through_the_engine() -> None:
    group = grp.getgrnam("docker").gr_gid
    code = (
        "from celadon.adapters import cgroup; from tests.e2e import images; "
        "cgroup.limit(77 << 20, None, images.sandbox, 'celadon-member')"
    )
    as_member = ["setpriv", "--reuid", "65534", "--regid", "65534", "--groups", str(group), "--"]
    member = as_member if os.geteuid() == 0 else []  # who runs this without root is such a member
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run([*member, sys.executable, "-c", code], capture_output=True, text=True, env=known)
    assert done.returncode == 0, done.stderr
    assert cgroup.capped_at("celadon-member") == 77 << 20
