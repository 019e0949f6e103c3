"""What Celadon starts is locked in, and stays what it was pinned to: read from the engine and the kernel, and tried."""

import grp
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from celadon.adapters import cgroup
from celadon.plan import confinement
from celadon.state import snapshot as labels
from tests.e2e import images
from tests.e2e.workspace import Workspace, run

NOBODY = 65534
SETUID = "FROM python:3.14-slim\nRUN cp /usr/bin/id /id && chmod 4755 /id\nWORKDIR /app\nCOPY app.py VERSION ./\n" \
         'CMD ["python3", "-u", "app.py"]\n'  # fmt: skip
# As many children as the kernel lets it have; says how many, and ends them.
BOMB = """
import os, signal
children = []
try:
    while len(children) < 3000:
        child = os.fork()
        if not child:
            signal.pause()
        children.append(child)
except BlockingIOError:
    pass
print(len(children))
for child in children:
    os.kill(child, signal.SIGKILL)
"""


def inspected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(["docker", "inspect", name]))[0]
    return found


def of_role(workspace: Workspace, role: str, service: str = "", environment: str = "staging") -> dict[str, Any]:
    marks = [f"label=celadon.role={role}", f"label=celadon.environment={environment}"]
    marks += [f"label=celadon.service={workspace.unique(service)}"] if service else []
    (name,) = workspace.containers(*marks)
    return inspected(name)


def kernel(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: value.strip() for name, _colon, value in lines}


def post(port: int, path: str, size: int) -> int:
    """Send `size` bytes; returns the status."""
    argv = ["curl", "--silent", "--max-time", "60", "--output", "/dev/null", "--write-out", "%{http_code}"]
    argv += ["--data-binary", "@-", "--header", "Expect:", f"http://127.0.0.1:{port}{path}"]
    return int(subprocess.run(argv, input=b"x" * size, capture_output=True, check=True).stdout)


def test_what_runs_is_locked_in(empty: Workspace) -> None:
    empty.top["router"] = {"client_max_body_size": "200m"}
    empty.add("web", route="/web", port=80)  # no right is needed for that on a network of the router's own
    empty.add(
        "own",
        env={"PEER": f"http://{empty.unique('web')}/web/api/health"},
        route="/own",
        security_opt=["no-new-privileges:false"],
        pids_limit=48,
    )
    for name in ("web", "own"):
        empty.commit(name, {"Dockerfile": SETUID}, "a setuid program")
    empty.write()
    empty.celadon("deploy", "staging")

    router = of_role(empty, "router")
    host = router["HostConfig"]
    assert host["CapDrop"] == ["ALL"] and not host["Privileged"] and host["ReadonlyRootfs"]
    assert {c.removeprefix("CAP_") for c in host["CapAdd"]} == {"CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"}
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["PidsLimit"], host["Memory"]) == (confinement.ROUTER_PIDS, 1 << 30)
    writable = {m["Destination"]: m["Type"] for m in router["Mounts"] if m["RW"]}
    assert writable == {"/tmp": "volume"}  # noqa: S108 (on disk: in memory, uploads would count)
    master = router["State"]["Pid"]
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    for pid in (master, *map(int, workers)):
        assert kernel(pid)["NoNewPrivs"] == "1"
    assert workers and {kernel(int(pid))["CapEff"] for pid in workers} == {"0" * 16}
    assert post(empty.staging, "/web/api/echo", 100_000_000) == 200  # larger than any buffer: through the disk
    refused = ["docker", "exec", router["Name"][1:], "sh", "-c", "echo > /etc/nginx/x"]
    assert "Read-only" in subprocess.run(refused, capture_output=True, text=True).stderr

    web, own = of_role(empty, "slot", "web"), of_role(empty, "slot", "own")
    assert web["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert web["HostConfig"]["PidsLimit"] == confinement.PIDS
    assert own["HostConfig"]["SecurityOpt"] == ["no-new-privileges:false"] and own["HostConfig"]["PidsLimit"] == 48
    as_nobody = ["docker", "exec", "--user", str(NOBODY)]
    assert run([*as_nobody, web["Id"], "/id", "--user"]).strip() == str(NOBODY)  # the setuid bit gains nothing
    assert run([*as_nobody, own["Id"], "/id", "--user"]).strip() == "0"  # as its file says
    assert 10 < int(run(["docker", "exec", own["Id"], "python3", "-c", BOMB])) < 48
    assert empty.get("/own/api/peer")[1]["peer"]["version"] == "1"

    # `env run` starts a container of the release beside it: as the release itself.
    shown = empty.celadon("env", "run", "staging", empty.unique("web"), "--", "grep", "NoNewPrivs", "/proc/self/status")
    assert shown.out.split() == ["NoNewPrivs:", "1"]


def test_commands_of_celadons_own_run_with_nothing_but_what_they_need(shop: Workspace) -> None:
    sandbox = images.sandbox()
    looks = "grep -E 'CapEff|NoNewPrivs' /proc/self/status; ls /sys/class/net; touch /x /sys/fs/cgroup/x 2>&1"
    said = sandbox.run(["sh", "-c", looks], host_root=True, check=False).out.split("\n")
    assert said[:3] == ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "lo"], said
    assert [line[:20] for line in said[3:]] == ["touch: cannot touch ", "touch: cannot touch ", ""]

    # A member of the docker group caps builds without a privileged container, seeing one control group of all.
    group = f"celadon-{shop.name}"
    code = (
        "from celadon.adapters import cgroup; from tests.e2e import images; "
        f"cgroup.limit(77 << 20, 0.5, images.sandbox, {group!r})"
    )
    member = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--groups", str(grp.getgrnam("docker").gr_gid)]
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    prefix = [*member, "--"] if os.geteuid() == 0 else []
    try:
        subprocess.run([*prefix, sys.executable, "-c", code], check=True, env=known, capture_output=True)
        assert cgroup.capped_at(group) == 77 << 20
    finally:
        for folder in (cgroup.ROOT / group, cgroup.ROOT / "memory" / group, cgroup.ROOT / "cpu" / group):
            if folder.exists():
                folder.rmdir()

    # What a kill left of such a command is found by its labels.
    shop.celadon("up", "staging")
    marks = {labels.WORKSPACE: shop.name, labels.ENVIRONMENT: "staging", labels.ROLE: labels.HELPER}
    words = [word for name, value in marks.items() for word in ("--label", f"{name}={value}")]
    left = run(["docker", "run", "--detach", *words, "--entrypoint", "sleep", sandbox.image, "600"]).strip()
    shop.celadon("reconcile")
    assert subprocess.run(["docker", "inspect", left], capture_output=True).returncode == 1


def test_a_tag_that_moved_does_not_choose_what_runs(shop: Workspace) -> None:
    tag = f"router-{shop.name}:1"
    run(["docker", "tag", "nginx:1.30", tag])
    shop.top["router"] = {"image": tag}
    shop.write()
    shop.celadon("deploy", "staging")
    pinned = of_role(shop, "router")
    assert pinned["Image"] == images.sandbox().image and pinned["Config"]["Image"] == pinned["Image"]

    hostile = f"FROM {tag}\nRUN printf '#!/bin/sh\\necho hostile; exit 1\\n' > /usr/sbin/nginx\n"
    built = ["docker", "buildx", "build", "--quiet", "--load", "--builder", "default", "--tag", tag, "-"]
    subprocess.run(built, input=hostile, text=True, check=True, capture_output=True)
    other = run(["docker", "image", "inspect", "--format", "{{.Id}}", tag]).strip()
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    plan = shop.celadon("plan", "deploy", "staging").out
    assert f"{tag} now points to {other}; the router runs {pinned['Image']}" in plan
    assert "the router stays unchanged until `celadon up staging` restarts it" in plan
    shop.celadon("deploy", "staging")
    assert shop.version("/shop") == "2" and of_role(shop, "router")["Id"] == pinned["Id"]

    # Taken up where somebody asks for it, and only if it can run the configuration.
    up = shop.celadon("up", "staging", expect=1)
    assert "now points to" in up.out
    assert shop.version("/shop") == "2" and of_role(shop, "router")["Id"] == pinned["Id"]
    run(["docker", "tag", "nginx:1.30", tag])
    shop.celadon("up", "staging")
    assert shop.version("/shop") == "2" and of_role(shop, "router")["Id"] == pinned["Id"]


def as_before(shop: Workspace, environment: str = "staging") -> None:
    """Let the router and all frozen releases be as a Celadon made them that restricted nothing."""
    folder = shop.folder / ".celadon"
    for file in folder.glob(f"releases/{environment}/*/*/compose.yaml"):
        document = yaml.safe_load(file.read_text())
        for definition in document["services"].values():
            for key in ("security_opt", "pids_limit"):
                definition.pop(key)
        file.write_text(yaml.safe_dump(document))
    file = folder / "environments" / environment / "compose.yaml"
    document = yaml.safe_load(file.read_text())
    for definition in document["services"].values():
        for key in ("security_opt", "pids_limit", "cap_drop", "cap_add", "read_only", "mem_limit"):
            definition.pop(key, None)
    router = document["services"]["router"]
    del router["labels"][labels.CONFINEMENT], router["pull_policy"]
    router |= {"image": "nginx:1.30", "volumes": router["volumes"][:1]}
    file.write_text(yaml.safe_dump(document))
    run(["docker", "compose", "--project-name", f"{shop.name}-{environment}", "--file", str(file), "up", "--detach"])
    (folder / "environments" / environment / "router-image.json").unlink()


def test_an_installation_of_an_older_version_is_not_disturbed(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    as_before(shop)
    router, slot = of_role(shop, "router"), of_role(shop, "slot", "shop")
    assert not router["HostConfig"]["ReadonlyRootfs"] and not slot["HostConfig"]["SecurityOpt"]

    nothing = shop.celadon("deploy", "staging").out  # the newer version alone changes no service's settings
    assert "left alone" in nothing and of_role(shop, "slot", "shop")["Id"] == slot["Id"]
    shop.celadon("promote", "--yes")  # production runs what staging tested: without what it was not tested with
    assert not of_role(shop, "slot", "shop", "production")["HostConfig"]["SecurityOpt"]

    shop.commit("shop", {"VERSION": "2\n"}, "second")
    done = shop.celadon("deploy", "staging").out
    assert "the router runs with fewer restrictions" in done
    assert of_role(shop, "router")["Id"] == router["Id"]  # no user waits for a restart
    assert of_role(shop, "slot", "shop")["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    shop.celadon("rollback", "staging", "--yes")
    back = of_role(shop, "slot", "shop")["HostConfig"]
    assert not back["SecurityOpt"] and not back["PidsLimit"] and shop.version("/shop") == "1"

    told = shop.celadon("up", "staging").out
    assert "the router restarts with new settings: about a second without answers" in told
    assert of_role(shop, "router")["HostConfig"]["ReadonlyRootfs"] and shop.version("/shop") == "1"
    assert of_role(shop, "router")["Image"] == router["Image"]
