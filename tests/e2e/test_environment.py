"""Environments: backing services, the router's duties, up and down, workers, and what is not Celadon's."""

import http.client
import shutil
import ssl
import subprocess
import time

import pytest

from tests.e2e.workspace import Workspace, free_port, run, wait_for


def test_backing_services_start_once_and_deploys_leave_them_alone(shop: Workspace) -> None:
    shop.services["db"] = {
        "image": "postgres:18",
        "environment": {"POSTGRES_PASSWORD": "secret", "POSTGRES_DB": "shop"},
        "volumes": ["data:/var/lib/postgresql"],
        "healthcheck": {"test": ["CMD", "pg_isready", "-U", "postgres"], "interval": "1s", "retries": 30},
    }
    shop.extra["volumes"] = {"data": {}}
    shop.write()
    shop.celadon("deploy", "staging")
    mark = "label=celadon.service=db"
    started = run(["docker", "inspect", "--format", "{{.State.StartedAt}}", *shop.containers(mark)])
    ask = ["psql", "-U", "postgres", "-d", "shop", "-tAc", "create table kept (n int)"]
    shop.celadon("exec", "staging", "db", "--", *ask)
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    shop.celadon("deploy", "staging")
    assert run(["docker", "inspect", "--format", "{{.State.StartedAt}}", *shop.containers(mark)]) == started

    shop.celadon("down", "staging", "-y")
    assert shop.containers() == []
    shop.celadon("up", "staging")
    assert shop.version("/shop") == "2"
    count = ["psql", "-U", "postgres", "-d", "shop", "-tAc", "select count(*) from kept"]
    assert shop.celadon("exec", "staging", "db", "--", *count).out.strip() == "0"  # the table outlived it


def test_up_is_done_when_users_are_answered_and_says_who_does_not_get_healthy(shop: Workspace) -> None:
    (shop.folder / "flags").mkdir()
    (shop.folder / "flags" / "well").touch()
    service = shop.services[shop.unique("shop")]
    service["volumes"] = ["./flags:/flags:ro"]
    service["command"] = ["sh", "-c", "test -e /flags/well && exec python3 -u app.py; exec sleep 600"]
    service["x-celadon"]["health"] = {"path": "/api/health", "within": "4s"}
    shop.write()
    shop.celadon("deploy", "staging")
    shop.celadon("down", "staging", "-y")
    (shop.folder / "flags" / "well").unlink()
    failed = shop.celadon("up", "staging", expect=1).err
    assert shop.unique("shop") in failed and "healthy" in failed
    assert shop.slots() == ["shop-blue"]  # what was started stays, to be looked at
    shop.staging = free_port()
    shop.write()
    assert "the router does again" not in shop.celadon("up", "staging", expect=1).err  # the doors of the file stay
    assert shop.get("/shop")[0] == 502
    (shop.folder / "flags" / "well").touch()
    shop.celadon("down", "staging", "-y")
    shop.celadon("up", "staging")
    assert shop.version("/shop") == "1"


def test_a_live_image_that_is_gone_is_said_with_the_way_out(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    run(["docker", "rm", "--force", *shop.containers("label=celadon.role=slot")])
    run(["docker", "image", "rm", "--force", *shop.images()])
    for words in (["up", "staging"], ["deploy", "staging"]):
        failed = shop.celadon(*words, expect=1).err
        assert "should run and cannot be started" in failed and "No such image" in failed
        assert "celadon down staging; then deploy or promote again" in failed
    shop.celadon("down", "staging", "-y")
    shop.celadon("deploy", "staging")
    assert shop.version("/shop") == "1"


@pytest.mark.alone  # it looks at all images of the host
def test_down_with_volumes_takes_all_that_is_its_own_and_nothing_else(shop: Workspace) -> None:
    other = f"not-ours-{shop.name}"
    run(["docker", "run", "--detach", "--name", other, "nginx:1.30"])
    try:
        shop.celadon("deploy", "staging")
        before = set(run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).split())
        shop.celadon("down", "staging", "-y", "--volumes")
        after = set(run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).split())
        assert {name.split(":")[0] for name in before - after} == {shop.unique("shop")}
        assert not any(shop.unique("shop") in name for name in after)
        assert shop.containers() == []
        assert shop.name not in run(["docker", "network", "ls", "--format", "{{.Name}}"])
        assert run(["docker", "inspect", "--format", "{{.State.Running}}", other]).strip() == "true"
    finally:
        run(["docker", "rm", "--force", other])


def test_the_router_tells_services_who_asks_and_strips_where_told(empty: Workspace) -> None:
    empty.add("hub", route="/")
    empty.add("shop", route="/shop", env={"PREFIX": ""}, celadon={"strip_prefix": True, "client_max_body_size": "1k"})
    empty.add("blog", route="/", celadon={"host": "blog.example.com"})
    empty.write()
    empty.celadon("deploy", "staging")
    status, answer = empty.get("/api/echo")
    headers = answer["headers"]
    assert status == 200 and headers["host"] == f"127.0.0.1:{empty.staging}"
    assert headers["x-forwarded-proto"] == "http" and headers["x-real-ip"] == headers["x-forwarded-for"]
    status, answer = empty.get("/shop/api/echo")
    assert (status, answer["service"], answer["path"]) == (200, "shop", "/api/echo")
    assert answer["headers"]["x-forwarded-prefix"] == "/shop"

    connection = http.client.HTTPConnection("127.0.0.1", empty.staging, timeout=5)
    connection.request("GET", "/api/health", headers={"Host": "blog.example.com"})
    assert b'"blog"' in connection.getresponse().read()
    forged = {"X-Forwarded-For": "6.6.6.6"}
    connection.request("GET", "/api/echo", headers=forged)
    assert b"6.6.6.6" not in connection.getresponse().read()  # nobody is trusted unless told so
    connection.request("POST", "/shop/api/echo", body=b"x" * 5000)
    assert connection.getresponse().status == 413
    connection.close()


def test_websockets_pass(empty: Workspace) -> None:
    empty.add("hub", route="/")
    app = (
        "import asyncio\n"
        "async def serve(r, w):\n"
        "    head = await r.readuntil(b'\\r\\n\\r\\n')\n"
        "    if b'Upgrade: websocket' in head:\n"
        "        w.write(b'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n')\n"
        "        w.write(b'Connection: Upgrade\\r\\n\\r\\n')\n"
        "        w.write(await r.readexactly(4))\n"
        "    else:\n"
        "        w.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok')\n"
        "    await w.drain(); w.close()\n"
        "async def main():\n"
        "    s = await asyncio.start_server(serve, '0.0.0.0', 8000)\n"
        "    await s.serve_forever()\n"
        "asyncio.run(main())\n"
    )
    empty.commit("hub", {"app.py": app}, "echo what follows the upgrade")
    empty.write()
    empty.celadon("deploy", "staging")
    connection = http.client.HTTPConnection("127.0.0.1", empty.staging, timeout=5)
    connection.connect()
    connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nping")
    got = b""
    while chunk := connection.sock.recv(1000):
        got += chunk
    assert b"101 Switching Protocols" in got and got.endswith(b"ping")


def test_certificates_are_served_and_plain_requests_redirected(shop: Workspace) -> None:
    secure = free_port()
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "key.pem"]
    make += ["-out", "cert.pem"]
    run([*make, "-subj", "/CN=shop.example.com"], shop.folder)
    shop.environment = {"watch": "1s"}
    shop.write()
    text = (shop.folder / "compose.yaml").read_text()
    tls = f"tls: {{certificate: cert.pem, key: key.pem, listen: ['127.0.0.1:{secure}']}}\n      "
    (shop.folder / "compose.yaml").write_text(text.replace("url: http://127", tls + "url: http://127", 1))
    shop.celadon("deploy", "staging")
    connection = http.client.HTTPSConnection("127.0.0.1", secure, context=ssl._create_unverified_context())  # noqa: S323
    connection.request("GET", "/shop/api/echo")
    assert b'"x-forwarded-proto": "https"' in connection.getresponse().read()
    plain = http.client.HTTPConnection("127.0.0.1", shop.staging)
    plain.request("GET", "/shop/api/health?a=b")
    answer = plain.getresponse()
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://127.0.0.1:{secure}/shop/api/health?a=b"

    first = ssl.get_server_certificate(("127.0.0.1", secure))
    run([*make, "-subj", "/CN=renewed.example.com"], shop.folder)
    shop.celadon("up", "staging")
    assert ssl.get_server_certificate(("127.0.0.1", secure)) != first  # renewed, without a restart
    assert len([*(shop.folder / ".celadon" / "router" / "staging").glob("*.key")]) == 1  # the old one is nowhere
    (shop.folder / "cert.pem").write_text("no certificate\n")
    assert "nginx refuses" in shop.celadon("up", "staging", expect=1).err
    run(["docker", "restart", *shop.containers("label=celadon.role=router")])
    time.sleep(0.5)
    assert ssl.get_server_certificate(("127.0.0.1", secure))  # what it starts with is the good one


def test_a_broken_router_template_changes_nothing(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    (shop.folder / "router.j2").write_text("events {}\nhttp { no_such_directive on; }\n")
    shop.top["router"] = {"template": "router.j2"}
    shop.write()
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    failed = shop.celadon("deploy", "staging", expect=1)
    assert "no_such_directive" in failed.err
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]
    (shop.folder / "router.j2").unlink()  # what was undone is not in force: nothing needs it
    assert "Nothing to do" in shop.celadon("reconcile").out
    run(["docker", "restart", *shop.containers("label=celadon.role=router")])  # what it starts with is good, too
    time.sleep(0.5)
    assert shop.version("/shop") == "1"


def test_a_changed_door_restarts_the_router_and_the_plan_says_so(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shop.staging = free_port()
    shop.write()
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    done = shop.celadon("deploy", "staging")
    assert "about a second without answers" in done.out
    assert shop.version("/shop") == "2"

    door, shop.staging = shop.staging, free_port()
    service = shop.services[shop.unique("shop")]
    service["environment"]["HEALTH"] = "500"
    service["x-celadon"]["health"] = {"path": "/api/health", "within": "2s"}
    shop.write()
    shop.celadon("deploy", "staging", expect=1)
    shop.staging = door
    assert shop.version("/shop") == "2"  # what was undone has its doors again


def test_workers_overlap_or_replace(empty: Workspace) -> None:
    empty.add("mailer", route=None)
    empty.add("clock", route=None, celadon={"strategy": "replace"})
    empty.write()
    empty.celadon("deploy", "staging")
    for name in ("mailer", "clock"):
        empty.commit(name, {"VERSION": "2\n"}, "second")
    done = empty.celadon("deploy", "staging")
    assert f"stop clock-{empty.name}-blue first" in done.out and f"stop mailer-{empty.name}-blue first" not in done.out
    assert empty.slots() == ["clock-green", "mailer-green"]
    empty.commit("clock", {"app.py": "raise SystemExit(5)\n"}, "broken")
    failed = empty.celadon("deploy", "staging", expect=1)
    assert "exit code 5" in failed.err
    assert empty.slots() == ["clock-green", "mailer-green"]
    assert empty.live("clock")["state"] == "running"  # what was stopped first runs again


def test_defaults_that_spare_the_disk_and_survive_a_reboot(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    form = "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig.Config}}"
    for name in shop.containers():
        assert (
            run(["docker", "inspect", "--format", form, name]).strip()
            == ("always" if "router" in name else "unless-stopped") + " map[max-file:3 max-size:10m]"
        )
    run(["docker", "restart", *shop.containers()])
    time.sleep(1)
    assert shop.version("/shop") == "1"  # in whatever order they came back: addresses are fixed


def test_a_lost_compose_file_does_not_stop_production(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    shutil.move(shop.folder / "compose.yaml", shop.folder / "lost.yaml")
    assert "There is no compose.yaml" in shop.celadon("status").err
    assert "There is no compose.yaml" in shop.celadon("deploy", "staging", expect=2).err
    assert shop.version("/shop") == "1"


def test_logs_completion_and_machine_readable_answers(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    assert "listens on 8000" in shop.celadon("logs", "staging", shop.unique("shop")).out
    assert shop.celadon("exec", "staging", shop.unique("shop"), "--", "cat", "/app/VERSION").out == "1\n"
    shop.celadon("exec", "staging", shop.unique("shop"), "--", "sh", "-c", "exit 5", expect=5)
    assert shop.celadon("plan", "deploy", "staging", "--json").json["unchanged"]
    assert "_CELADON_COMPLETE" in shop.celadon("completion", "bash").out
    done = subprocess.run(
        shop.argv()[:3], capture_output=True, text=True, cwd=shop.folder,
        env={"PATH": "/usr/bin:/bin", "_CELADON_COMPLETE": "bash_complete", "COMP_WORDS": "celadon deploy sta",
             "COMP_CWORD": "2"},
    )  # fmt: skip
    assert "staging" in done.stdout
    history = shop.celadon("history", "--show", "1", "--json").json
    assert [s["outcome"] for s in history["steps"]] == ["succeeded"] * len(history["steps"])


def test_an_engine_that_does_not_answer_is_said_in_words(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        assert "The Docker engine does not answer." in shop.celadon("deploy", "staging", expect=1).err
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "/nowhere")
        assert "The program `git` is not installed." in shop.celadon("deploy", "staging", expect=1).err


def test_a_router_on_the_hosts_own_network(team: Workspace) -> None:
    team.top["router"] = {"network": "host"}
    team.write()
    team.celadon("deploy", "staging")
    team.celadon("promote", "-y")
    peer = team.get("/api/peer", "production")
    assert peer[0] == 200 and peer[1]["peer"]["service"] == "shop"  # by name, through the router
    team.production = free_port()
    team.write()
    for name in ("hub", "shop"):
        team.commit(name, {"VERSION": "2\n"}, "second")
    team.celadon("deploy", "staging")
    told = team.celadon("promote", "-y").out  # another door is only a reload
    assert "without answers" not in told and team.version("/shop", "production") == "2"
    team.celadon("down", "production", "-y")
    team.celadon("up", "production")
    wait_for(lambda: team.get("/api/peer", "production")[1].get("peer", {}).get("version") == "2")
    team.top["router"] = {"network": "bridge"}
    team.write()
    assert "cannot change while production runs" in team.celadon("up", "production", expect=1).err
