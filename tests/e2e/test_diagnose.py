"""Stories of `diagnose`: a server that is well, one that is not, and a bundle that holds no secret."""

import json
import socket
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from celadon.adapters import cgroup
from tests.e2e import images
from tests.e2e.workspace import Workspace, run, wait_for

CANARY = "c4n4ry-of-a-secret"
OTHERS = ('quo"ted$secret', "pässwörd-secret", "in-a-command-secret")


def found(team: Workspace, code: int) -> dict[str, str]:
    """What was found, with its severity."""
    told = team.celadon("diagnose", "--json", expect=code).json
    return {f["what"]: f["severity"] for f in told["findings"]}


def test_what_is_wrong_is_found_where_it_is(team: Workspace) -> None:
    team.services["db"] = {"image": "python:3.14-slim", "command": ["sleep", "600"], "init": True, "mem_limit": "64m"}
    team.write()
    team.celadon("deploy", "staging")
    well = found(team, 0)
    assert well[f"staging at 127.0.0.1:{team.staging}"] == "ok"
    assert any(what.startswith("these services need") for what in well)
    assert "CONTAINER" in team.celadon("diagnose").out

    mine = team.containers(f"label=celadon.service={team.unique('shop')}")
    run(["docker", "kill", "--signal", "KILL", *mine])
    run(["docker", "stop", *team.containers("label=celadon.role=router")])
    ill = found(team, 1)
    assert any(f"{mine[0]} is exited: somebody ended it through the engine, by SIGKILL" in what for what in ill)
    assert ill[f"staging at 127.0.0.1:{team.staging}: nobody listens"] == "error"
    team.celadon("reconcile")
    assert found(team, 0)


@pytest.fixture
def above(team: Workspace) -> Iterator[str]:
    """A control group with a limit of its own, above whatever container is put there."""
    name = f"celadon-{team.name}"
    cgroup.limit(48 << 20, None, images.sandbox, name)
    yield name
    team.remove()
    for folder in (cgroup.ROOT, cgroup.ROOT / "memory", cgroup.ROOT / "cpu"):
        with suppress(OSError):
            (folder / name).rmdir()


def test_how_containers_fell_is_said_by_what_really_ended_them(team: Workspace, above: str) -> None:
    hungry = "import time; time.sleep(1); b'x' * (300 << 20)"
    alive = f"import subprocess, time; subprocess.run(['python3', '-c', \"{hungry}\"]); time.sleep(600)"
    base = {"image": "python:3.14-slim", "init": True}
    once = "sleep 2; test -e /again && exec sleep 600; touch /again; exit 7"
    team.services |= {
        "survives": {**base, "mem_limit": "64m", "command": ["python3", "-c", alive]},
        "falls": {**base, "restart": "on-failure:1", "command": ["sh", "-c", once]},
        "missing": {**base, "command": ["sh", "-c", "sleep 2; no-such-program"]},
        "held": {**base, "cgroup_parent": f"/{above}", "command": ["python3", "-c", hungry]},
    }
    team.write()
    team.celadon("deploy", "staging")

    def told() -> dict[str, str]:
        """How each service last fell, once all that do were picked up again."""
        rows = team.celadon("diagnose", "--json", expect=None).json["findings"]
        every.update({row["what"] for row in rows})
        ways = {row["what"].split()[0]: row["why"] for row in rows if " was restarted " in row["what"]}
        return ways if len(ways) == 3 else {}

    every: set[str] = set()
    ways, name = wait_for(told), f"{team.name}-staging"
    again = "the engine picks it up; the last time: "
    assert ways[f"{name}-falls-1"] == f"{again}it ended by itself with exit code 7"
    assert ways[f"{name}-missing-1"].startswith(f"{again}its command, or one that it runs, was not found")
    assert ways[f"{name}-held-1"].startswith(f"{again}the kernel killed it since the server ran out of memory")
    assert f"in {name}-survives-1 the kernel ended 1 process for lack of memory since it started" in every


def test_whether_containers_reach_where_the_sources_are_is_tried_in_one(shop: Workspace) -> None:
    bridge = run(["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]).strip()
    with socket.create_server((bridge, 0)) as server:
        address = f"{bridge}:{server.getsockname()[1]}"
        shop.services[shop.unique("shop")]["x-celadon"]["git"] = {"url": f"http://{address}/shop.git"}
        shop.write()
        shop.celadon("deploy", "staging")
        assert found(shop, 0)[f"containers reach {address}"] == "ok"
    ill = found(shop, 1)
    [problem] = [what for what, severity in ill.items() if what.startswith(f"containers do not reach {address}: ")]
    assert "refused" in problem and ill[problem] == "error"


def test_a_bundle_holds_what_helps_and_no_secret(team: Workspace) -> None:
    (team.folder / "config").mkdir(exist_ok=True)
    (team.folder / "config" / ".env.staging").write_text(
        f"GREETING={CANARY}\nDATABASE_URL=postgres://shop:{CANARY}@db/shop\nQUOTED='{OTHERS[0]}'\nUMLAUT={OTHERS[1]}\n"
    )
    prints = 'print("connecting with", *map(os.environ.get, ("GREETING", "QUOTED", "UMLAUT")), flush=True)\n'
    team.services[team.unique("hub")]["command"] = ["python3", "-u", "app.py", OTHERS[2]]
    team.write()
    source = team.folder / team.unique("shop") / "app.py"
    team.commit("shop", {"app.py": source.read_text().replace("STARTED =", prints + "STARTED =")}, "chatty")
    team.celadon("deploy", "staging")
    assert CANARY in team.celadon("logs", "staging", team.unique("shop")).out
    file = team.folder / "help.tar.gz"
    told = team.celadon("diagnose", "--bundle", str(file)).out
    assert "are hidden in it" in told and file.stat().st_mode & 0o777 == 0o600
    unpacked = team.folder / "unpacked"
    with tarfile.open(file) as archive:
        archive.extractall(unpacked, filter="data")
    texts = {str(one.relative_to(unpacked)): one.read_text() for one in unpacked.rglob("*") if one.is_file()}
    top = f"celadon-{team.name}"
    shop = f"{team.name}-staging-{team.unique('shop')}-blue-1"
    assert {f"{top}/findings.json", f"{top}/history.json", f"{top}/staging/nginx.conf"} <= texts.keys()
    assert "connecting with *** *** ***" in texts[f"{top}/containers/{shop}.log"]
    assert json.loads(texts[f"{top}/history.json"])[0]["outcome"] == "succeeded"
    for secret in (CANARY, *OTHERS, OTHERS[0].replace('"', '\\"'), OTHERS[0].replace("$", "$$")):
        assert [name for name, text in texts.items() if secret in text] == []
    assert "staging" in texts[f"{top}/history.json"] and "127.0.0.1" in texts[f"{top}/facts.json"]
    assert "no folder" in team.celadon("diagnose", "--bundle", str(team.folder / "none" / "x"), expect=2).err


def test_a_server_without_an_engine_is_said_in_words(tmp_path: Path, shop: Workspace) -> None:
    assert "does not answer" in shop.celadon("diagnose", env={"DOCKER_HOST": f"unix://{tmp_path}/none"}, expect=1).err
