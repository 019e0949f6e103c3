"""A client on the internet: what it can tell services, which of them it can ask, and how many others it can hold up."""

import json
import socket
import ssl
import time
from pathlib import Path

import pytest

from tests.attack.client import Answer, Client, no_questions
from tests.e2e.workspace import Workspace, free_port, run, wait_for

PUBLIC = "shop.example"
LIMIT = 20  # requests of one address
SLOW = 9000  # connections: more than the router once had

FORGED = (
    "X-Forwarded-For: 6.6.6.6",
    "X-Real-IP: 6.6.6.6",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Port: 6666",
    "X-Forwarded-Prefix: /evil",
    "X-Forwarded-Server: evil.example",
    "X-Forwarded-Ssl: on",
    "Forwarded: for=6.6.6.6",
    "Proxy: http://evil.example",
    "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin",
    "X-Original-Host: evil.example",
    "X-Host: evil.example",
    "True-Client-IP: 6.6.6.6",
    "CF-Connecting-IP: 6.6.6.6",
    'CF-Visitor: {"scheme":"https"}',
    "DO-Connecting-IP: 6.6.6.6",
    "X-AppEngine-User-IP: 6.6.6.6",
    "X-Forwarded-Protocol: ssl",
    "X-Script-Name: /evil",
    "Proxy-Client-IP: 6.6.6.6",
    "WL-Proxy-Client-IP: 6.6.6.6",
    "X_Forwarded_For: 6.6.6.6",
    "X_Real_IP: 6.6.6.6",
    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
)


def deployed(empty: Workspace, url_port: int) -> None:
    """A hub at /, a shop at /shop without its prefix, a blog of its own host, and a vault that users must not reach."""
    echo = Path(__file__).with_name("echo.py").read_text()
    empty.add("hub", route="/")
    empty.add("shop", route="/shop", celadon={"strip_prefix": True})
    empty.add("blog", route="/", celadon={"host": "blog.example"})
    empty.add("vault", route=None, port=60080, celadon={"port": 60080, "health": "/health"})
    for name in ("hub", "shop", "blog", "vault"):
        empty.commit(name, {"app.py": echo}, "echo")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={PUBLIC}"]
    names = f"subjectAltName=DNS:{PUBLIC},DNS:*.tenants.example"
    run([*make, "-addext", names, "-keyout", "key.pem", "-out", "cert.pem"], empty.folder)
    empty.top["router"] = {"connections_per_address": LIMIT}
    empty.of_production = {
        "url": f"https://{PUBLIC}:{url_port}",
        "tls": {"certificate": "cert.pem", "key": "key.pem", "listen": [f"127.0.0.1:{url_port}"]},
    }
    empty.write()
    empty.celadon("deploy", "staging")


def router_of(workspace: Workspace) -> tuple[str, str]:
    """The addresses of the host and of the router in staging's network."""
    name = workspace.containers("label=celadon.role=router", "label=celadon.environment=staging")[0]
    (network,) = json.loads(run(["docker", "inspect", name]))[0]["NetworkSettings"]["Networks"].values()
    return network["Gateway"], network["IPAddress"]


def outside_address() -> str:
    """The host's address to the world: none of the environment's network, and not its gateway."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # sends nothing
        return str(route.getsockname()[0])


def test_what_a_client_says_and_what_services_are_told(empty: Workspace) -> None:
    secure = free_port()
    deployed(empty, secure)
    gateway, router = router_of(empty)
    outside = outside_address()
    client, outsider = Client(("127.0.0.1", empty.staging)), Client((router, 60080), outside)
    _headers(outsider, outside)
    _host(client)
    _upgrades(client)
    _smuggling(client)
    _paths(client, empty)
    for one in (client, outsider):
        _only_services_reach_the_vault(empty, one)
    _one_client_leaves_room_for_others(outsider, client)

    empty.top["router"]["trusted_proxies"] = [gateway]  # the engine's forwarder, as if it were the team's proxy
    empty.write()
    empty.celadon("up", "staging")
    _headers(outsider, outside)
    told = client.get("/", *FORGED, "X-Forwarded-For: 9.9.9.9").told
    assert (told["x-forwarded-for"], told["x-real-ip"]) == ("9.9.9.9", "9.9.9.9")
    assert (told["x-forwarded-proto"], told["x-forwarded-port"]) == ("https", "443")
    assert told["true-client-ip"] == "6.6.6.6"  # the proxy's word
    assert told["x-forwarded-host"] == PUBLIC and "forwarded" not in told and "x-original-url" not in told
    _only_services_reach_the_vault(empty, client, "X-Forwarded-For: " + router)

    del empty.top["router"]["trusted_proxies"]
    empty.write()
    empty.celadon("promote", "-y")
    _names_of_tls(Client(("127.0.0.1", secure)), secure)
    _redirects(Client(("127.0.0.1", empty.production)), secure)


def _headers(client: Client, address: str) -> None:
    """Nothing that a client says of itself is believed."""
    told = client.get("/", *FORGED, host=f"{PUBLIC}:4400").told
    assert {name: value for name, value in told.items() if name.startswith(("x-", "x_"))} == {
        "x-real-ip": address,
        "x-forwarded-for": address,
        "x-forwarded-proto": "http",
        "x-forwarded-host": f"{PUBLIC}:4400",
        "x-forwarded-port": "4400",
    }
    assert set(told) - set(filter(lambda name: name.startswith("x-"), told)) == {"host", "connection"}
    assert client.get("/").told["x-forwarded-port"] == "80"


def _host(client: Client) -> None:
    """A request is routed by the host that the service is told, or refused."""
    assert client.get("/").asked == "hub /"
    assert client.get("/", host="BLOG.example.:80").told["host"] == "blog.example:80"
    same = client.get("http://blog.example:4400/a", host="blog.example:4400")
    assert same.asked == "blog /a" and same.told["host"] == "blog.example:4400"
    for target, host in (("http://blog.example/", PUBLIC), (f"http://{PUBLIC}/", "blog.example")):
        assert client.get(target, host=host).status == 400
    assert client.get("/", "Host: blog.example").status == 400  # two of them
    assert client.get("/", host=None).status == 400
    for host in ('"><script>', "a b", "a@blog.example", "blog.example:80:80", "blog.example#", "büro.example", "a;b"):
        assert client.get("/", host=host).status == 400, host
    for host in ("under_score.example", "127.0.0.1:4400", "[::1]:4400", "localhost"):
        assert client.get("/", host=host).told["host"] == host
    assert client.get("/", host=None, protocol="HTTP/1.0").told["host"].startswith("127.0.0.1:")
    assert client.get("http://blog.example/", host=None, protocol="HTTP/1.0").told["host"] == "blog.example"


def _upgrades(client: Client) -> None:
    """Only a websocket becomes a tunnel."""
    upgraded = client.send(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\nping")
    assert upgraded.status == 101 and upgraded.body == "tunnel: ping"
    for upgrade in ("h2c", "TLS/1.0", "websocket, h2c", "h2c, websocket", "anything"):
        answer = client.get(
            "/", f"Upgrade: {upgrade}", "Connection: Upgrade, HTTP2-Settings, close", "HTTP2-Settings: AAM"
        )
        assert answer.status == 200, upgrade
        assert "upgrade" not in answer.told and answer.told["connection"] == "close"
    posted = client.send(
        b"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: close\r\nContent-Length: 4\r\n\r\nping"
    )
    assert posted.status == 200 and posted.body.endswith("\r\n\r\nping")


def _smuggling(client: Client) -> None:
    """Where a request ends is never a matter of opinion: refused, or framed anew."""
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    for lines in (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 4, 4\r\n",
        b"Content-Length: 0x4\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b" Transfer-Encoding: chunked\r\n",
        b"X: y\r\n Content-Length: 4\r\n",
    ):
        answer = client.send(head + lines + b"\r\n0\r\n\r\n" + inner)
        assert 400 <= answer.status < 600 and "smuggled" not in answer.body, lines
    chunked = client.send(head + b"Transfer-Encoding: chunked\r\n\r\n4;name=value\r\nping\r\n0\r\nX-Late: y\r\n\r\n")
    assert chunked.told["content-length"] == "4" and chunked.body.endswith("\r\n\r\nping")
    assert "transfer-encoding" not in chunked.told and "x-late" not in chunked.body.lower()
    for body in (b"4\r\npingX\r\n0\r\n\r\n", b"-1\r\nping\r\n0\r\n\r\n", b"fffffffffffffffff\r\nping\r\n0\r\n\r\n"):
        assert client.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + body + inner).status == 400
    bare = client.send(b"GET /bare HTTP/1.1\nHost: x\nConnection: close\n\n")
    assert bare.asked == "hub /bare" and "\n" not in bare.body.replace("\r\n", "")
    for target in (b"/a\rb", b"/a\x00b", b"/ HTTP/1.1\x0b", b"*"):
        assert client.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status == 400
    for method in (b"CONNECT x:80", b"TRACE /"):
        assert client.send(method + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status in (400, 405)


def _paths(client: Client, empty: Workspace) -> None:
    """The route is chosen by the path as it is once `.`, `..`, `//` and %XX are resolved."""
    seen = {
        "/shopping": "hub /shopping",
        "/shop/a": "shop /a",
        "/shop/../admin": "hub /shop/../admin",
        "/shop/..%2fadmin": "hub /shop/..%2fadmin",
        "/shop/%2e%2e/admin": "hub /shop/%2e%2e/admin",
        "/admin/..%2fshop/a": "shop /a",
        "//shop/a": "shop /a",
        "/shop//evil.example/": "shop /evil.example/",
        "/shop/%2f%2fevil.example": "shop /evil.example",
        "/shop/%2561": "shop /%2561",
        "/shop/a%0d%0aX:%20y": "shop /a%0D%0AX:%20y",
        "/group%2Fproject?a=%2F": "hub /group%2Fproject?a=%2F",
    }
    assert {path: client.get(path).asked for path in seen} == seen
    assert client.get("/shop/../../vault").status == 400
    for path in ("/shop//evil.example/elsewhere", "/shop/%2fevil.example/elsewhere"):
        assert client.get(path).header("location") == "/evil.example/elsewhere"
    bare = client.get("/shop?a=b", host=f"{PUBLIC}:4400")  # the port that users typed is not nginx's own
    assert (bare.status, bare.header("location")) == (308, "/shop/?a=b")
    assert client.get("/other").asked == "hub /other"  # and not the shop's page, which X-Accel-Redirect asks for


def _only_services_reach_the_vault(empty: Workspace, client: Client, *headers: str) -> None:
    name = empty.unique("vault")
    for host in (name, f"{name}:60080"):
        answer = client.get("/", *headers, host=host)
        assert answer.status == 403 and "vault" not in answer.body
    hub = empty.containers("label=celadon.role=slot", f"label=celadon.service={empty.unique('hub')}")[0]
    ask = f"import urllib.request; print(urllib.request.urlopen('http://{name}:60080/', timeout=5).read().decode())"
    assert run(["docker", "exec", hub, "python3", "-c", ask]).startswith("vault GET / ")


def _one_client_leaves_room_for_others(outsider: Client, user: Client) -> None:
    """Slow headers end in ten seconds, and there is room meanwhile; requests count by address."""
    with outsider.hold(SLOW, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ") as slow:
        for _once in range(10):
            asked = time.monotonic()
            assert user.get("/").status == 200 and time.monotonic() - asked < 3
        slow[-1].settimeout(20)
        with pytest.raises(ConnectionResetError):
            slow[-1].recv(1)
    posting = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow"
    with outsider.hold(LIMIT + 5, posting):
        wait_for(lambda: outsider.get("/").status == 429, 10, every=0)
        assert user.get("/").status == 200
    with user.hold(LIMIT + 5, posting):  # an address that stands for many users has no such limit
        assert user.get("/").status == 200


def _names_of_tls(client: Client, port: int) -> None:
    """A certificate is shown for its own names only; old ciphers are gone; HTTP/2 plays by the same rules."""
    for name in ("evil.example", None, "tenants.example"):
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
            client.secure(name, no_questions())
    for name in (PUBLIC, "one.tenants.example", "blog.example"):
        told = client.get("/", host=f"{name}:{port}", connection=client.secure(name, no_questions())).told
        assert (told["host"], told["x-forwarded-proto"]) == (f"{name}:{port}", "https")
        assert told["x-forwarded-port"] == str(port)
    elsewhere: Answer = client.get("/", host="evil.example", connection=client.secure(PUBLIC, no_questions()))
    assert elsewhere.status == 421
    for ciphers in ("AES128-SHA:AES256-GCM-SHA384:AES128-SHA256", "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA384"):
        old = no_questions()
        old.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
            client.secure(PUBLIC, old)
    modern = no_questions()
    modern.maximum_version = ssl.TLSVersion.TLSv1_2
    with client.secure(PUBLIC, modern) as connection:
        cipher = connection.cipher()
        assert cipher is not None and cipher[0].startswith("ECDHE-") and not (connection.session.has_ticket)

    pseudo = [(":method", "GET"), (":scheme", "https"), (":path", "/two")]
    said = client.get2(PUBLIC, no_questions(), *pseudo, (":authority", f"{PUBLIC}:{port}"), ("upgrade", "websocket"))
    assert said.startswith("hub GET /two ") and f"\r\nHost: {PUBLIC}:{port}\r\n" in said
    assert "upgrade" not in said.lower()
    two = client.get2(PUBLIC, no_questions(), *pseudo, (":authority", PUBLIC), ("host", "blog.example"))
    assert "400 Bad Request" in two


def _redirects(client: Client, port: int) -> None:
    """Plain requests go to https at a host that is ours."""
    places = {
        "evil.example": PUBLIC,
        PUBLIC: PUBLIC,
        "a.tenants.example": "a.tenants.example",
        "blog.example:80": "blog.example",
        "127.0.0.1": PUBLIC,
    }
    for host, place in places.items():
        answer = client.get("//evil.example/?a=b", host=host)
        assert (answer.status, answer.header("location")) == (301, f"https://{place}:{port}//evil.example/?a=b")
    assert client.get("http://evil.example/", host=PUBLIC).status == 400
