"""Staging and production of one workspace, as somebody sees them who has a shell in a container of staging."""

import base64
import json
import stat
import zlib
from pathlib import Path
from typing import Any

import pytest

from celadon.state import snapshot as labels
from tests.e2e.workspace import Workspace, run

# What a shell could try: connect to each ADDRESS:PORT, ask for each name. Says what it reached and found.
TRIES = """
import concurrent.futures, json, socket, sys
def connects(target):
    try:
        socket.create_connection(tuple(target), timeout=1.5).close()
        return True
    except OSError:
        return False
def resolves(name):
    try:
        return socket.gethostbyname(name)
    except OSError:
        return ""
asked = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    print(json.dumps([list(pool.map(connects, asked["targets"])), list(pool.map(resolves, asked["names"]))]))
"""
STATUS = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Host": sys.argv[2]}), timeout=3).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def containers(workspace: Workspace, environment: str) -> dict[str, dict[str, Any]]:
    """What the engine says of an environment's containers, by role, or by service where it has slots."""
    names = workspace.containers(f"label=celadon.environment={environment}")
    found = {}
    for one in json.loads(run(["docker", "inspect", *names])):
        marks = one["Config"]["Labels"]
        slot = marks[labels.ROLE] == labels.IN_SLOT
        found[marks[labels.SERVICE].removesuffix(f"-{workspace.name}") if slot else marks[labels.ROLE]] = one
    return found


def addresses(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: next(iter(one["NetworkSettings"]["Networks"].values()))["IPAddress"] for name, one in found.items()}


def python(container: dict[str, Any], program: str, *words: str) -> str:
    return run(["docker", "exec", container["Id"], "python3", "-c", program, *words])


@pytest.fixture
def both(empty: Workspace) -> Workspace:
    """Two services and a database in both environments, each with a volume, a secret and variables of its own."""
    empty.add("hub", route="/", port=8001, env={"HUB_KEY": "canary-hub"})
    given: dict[str, Any] = {"volumes": ["data:/data"], "secrets": ["token"]}
    empty.add("shop", route="/shop", env={"SHOP_KEY": "canary-shop"}, **given)
    serve = ["python3", "-m", "http.server", "5432"]
    empty.services["db"] = {"image": "python:3.14-slim", "command": serve, "volumes": ["data:/data"], "init": True}
    empty.extra = {"volumes": {"data": {}}, "secrets": {"token": {"file": "./config/token.${CELADON_ENV:-staging}"}}}
    empty.write()
    for environment in ("staging", "production"):
        token = empty.folder / "config" / f"token.{environment}"
        token.write_text(f"canary-token-{environment}")
        token.chmod(0o600)
        (empty.folder / "config" / f".env.{environment}").write_text(f"GREETING=canary-env-{environment}\n")
    empty.celadon("deploy", "staging")
    empty.celadon("promote", "--yes")
    return empty


def test_a_shell_in_staging_reaches_nothing_of_production(both: Workspace) -> None:
    staging, production = containers(both, "staging"), containers(both, "production")
    shell = staging["shop"]
    ports = {"hub": [8001], "shop": [8000], "backing": [5432], "router": [60080, 60443, 8000, 8001]}
    theirs = [(address, port) for name, address in addresses(production).items() for port in ports[name]]
    mine = [(address, port) for name, address in addresses(staging).items() for port in ports[name] if port != 60443]
    assert len(theirs) == 7 and len(mine) == 6
    names = [one["Name"][1:] for one in production.values()] + ["db", both.unique("hub")]
    said = python(shell, TRIES, json.dumps({"targets": [*theirs, *mine], "names": names}))
    reached, resolved = json.loads(said)
    assert reached == [False] * len(theirs) + [True] * len(mine)  # the second half shows that the first one is meant
    ours = addresses(staging)
    assert resolved == ["", "", "", "", ours["backing"], ours["router"]]  # a name is that of one's own environment

    # Volumes, secrets and variables are each environment's own.
    volumes = [{m["Name"] for one in found.values() for m in one["Mounts"] if m["Type"] == "volume"}
               for found in (staging, production)]  # fmt: skip
    assert len(volumes[0]) == len(volumes[1]) == 2 and not volumes[0] & volumes[1]
    run(["docker", "exec", shell["Id"], "sh", "-c", "echo tried > /data/x"])
    assert run(["docker", "exec", production["shop"]["Id"], "ls", "/data"]) == ""
    for environment, found in (("staging", staging), ("production", production)):
        assert (
            run(["docker", "exec", found["shop"]["Id"], "cat", "/run/secrets/token"]) == f"canary-token-{environment}"
        )
        assert f"canary-env-{environment}" in str(found["shop"]["Config"]["Env"])
    everything = "cat /proc/[0-9]*/environ /run/secrets/* | tr '\\0' '\\n'; echo; "
    everything += "grep -rl canary /etc /app /data /tmp /run || true"
    seen = run(["docker", "exec", shell["Id"], "sh", "-c", everything])
    assert "canary-token-staging" in seen and "canary-env-staging" in seen and "canary-shop" in seen
    assert "production" not in seen and "canary-hub" not in seen  # nor of the other service
    assert {line for line in seen.split() if line.startswith("/")} == {"/run/secrets/token"}

    only_the_router_sees_what_celadon_keeps(both)


def only_the_router_sees_what_celadon_keeps(both: Workspace) -> None:
    kept = both.folder / ".celadon"
    for environment in ("staging", "production"):
        for name, one in containers(both, environment).items():
            sources = [Path(m["Source"]) for m in one["Mounts"] if m["Type"] == "bind"]
            inside = [(m["Source"], m["RW"]) for m in one["Mounts"] if Path(m["Source"]).is_relative_to(kept)]
            release = one["Config"]["Labels"].get(labels.RELEASE, "")
            asked = kept / "releases" / environment / both.unique("shop") / release / "secrets" / "token"
            own = {"router": [(str(kept / "router" / environment), False)], "shop": [(str(asked), False)]}
            assert inside == own.get(name, [])
            assert not any(kept.is_relative_to(source) for source in sources)
            marks = json.dumps(one["Config"]["Labels"])
            document = one["Config"]["Labels"].get(labels.DOCUMENT)
            unpacked = zlib.decompress(base64.b64decode(document)).decode() if document else ""
            assert "canary" not in marks + unpacked  # labels are shown to more eyes than variables
        held = {file.name: file for file in (kept / "router" / environment).iterdir()}
        assert set(held) == {"nginx.conf", "next.conf"}
        assert not any("canary" in file.read_text() for file in held.values())
    for path in (kept, *kept.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = 0o700 if path.is_dir() else 0o444 if path.parent.name == "secrets" else 0o600
        assert mode == wanted or path.is_relative_to(kept / "src"), (path, oct(mode))

    # The workers of nginx, whom a request could subvert, cannot read its configuration, nor a key beside it.
    router = containers(both, "staging")["router"]
    (kept / "router" / "staging" / "0123456789abcdef.key").write_text("canary")
    (kept / "router" / "staging" / "0123456789abcdef.key").chmod(0o600)
    as_worker = ["docker", "exec", "--user", "65534", router["Id"], "sh", "-c"]
    assert run([*as_worker, "cat /etc/celadon/*.conf /etc/celadon/*.key 2>/dev/null || echo refused"]) == "refused\n"


def test_routers_on_the_hosts_network_answer_their_own_services_only(empty: Workspace) -> None:
    empty.top["router"] = {"network": "host"}
    empty.add("hub", route="/", port=8001)
    empty.write()
    empty.celadon("deploy", "staging")
    empty.celadon("promote", "--yes")
    shell = containers(empty, "staging")["hub"]
    gateways = {}
    for environment in ("staging", "production"):
        network = json.loads(run(["docker", "network", "inspect", f"{empty.name}-{environment}_default"]))[0]
        gateways[environment] = network["IPAM"]["Config"][0]["Gateway"]
    name = empty.unique("hub")
    ask = [f"http://{gateways[one]}:8001/api/health" for one in ("staging", "production")]
    assert python(shell, STATUS, ask[0], name) == "200\n"
    assert python(shell, STATUS, ask[1], name) == "403\n"
    theirs = containers(empty, "production")["hub"]
    said = python(shell, TRIES, json.dumps({"targets": [[addresses({"hub": theirs})["hub"], 8001]], "names": []}))
    assert json.loads(said) == [[False], []]
