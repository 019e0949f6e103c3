"""The router's configuration as text, tested by a real nginx elsewhere; here: what must and must not be in it."""

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from celadon.adapters import nginx
from celadon.errors import CeladonError
from celadon.plan import render
from celadon.plan.render import Network, Placed
from celadon.plan.routing import Internal, Route, Routing, Site, routing
from tests.unit.plan.test_plans import config, release

WEB = Route("web", "r1", "/", "10.0.0.3:80", False, 60, "50m")
SHOP = Route("shop", "r2", "/shop", "10.0.0.5:81", True, 5, "1m")
CASE = {"web": {"x-celadon": {"port": 80, "route": "/", "health": "/up"}},
        "api": {"x-celadon": {"port": 81, "route": "/api", "health": "/up"}}}  # fmt: skip
NETWORK = Network(IPv4Network("10.0.0.0/16"))
ROUTING = Routing(
    "staging", (Site("", (WEB, SHOP)),), (Internal(WEB, 80), Internal(SHOP, 81)), ("60080",), (), "", "",
    "", "", False, "", "50m", 60, 30, (),
)  # fmt: skip


def test_addresses_not_names() -> None:
    text = nginx.render(ROUTING, (1, 30, 0), None)
    assert "proxy_pass http://10.0.0.3:80;" in text
    assert "proxy_pass http://10.0.0.5:81/;" in text and "location /shop/ {" in text
    assert "resolver" not in text and "http://web" not in text.replace("# other services: http://web", "")
    assert "keepalive_min_timeout" in text
    assert "keepalive_min_timeout" not in nginx.render(ROUTING, (1, 26, 3), None)


def test_what_is_not_live_answers_in_words() -> None:
    nothing = replace(ROUTING, sites=(Site("", (replace(WEB, target=""),)),), internal=())
    text = nginx.render(nothing, (1, 30), None)
    assert 'return 503 "web is not deployed to staging yet.' in text and "proxy_pass" not in text


def test_words_of_what_is_not_there_never_shadow_what_is() -> None:
    case = {"services": CASE}
    made = config(case, "staging")
    document = render.release_document(made, made.services["web"])
    web = Placed(release(case, "staging", "web", "20260101-000000-aaaaaaa"), "blue", "10.0.0.3", document)
    assert [r.service for r in routing(made, NETWORK, [web]).sites[0].routes] == ["web"]
    assert [r.service for r in routing(made, NETWORK, []).sites[0].routes] == [
        "api",
        "web",
    ]  # nothing is live: both say so


def test_on_the_hosts_network_the_doors_are_the_hosts_own() -> None:
    made = config({"top": {"router": {"network": "host"}}, "services": CASE}, "staging")
    text = nginx.render(routing(made, NETWORK, []), (1, 30), None)
    assert "listen 4400 default_server;" in text and "listen 10.0.0.1:80;" in text and "60080" not in text
    assert text.count("allow 10.0.0.0/16;\n        deny all;") == 2
    document = render.environment_document(made, NETWORK, [], "/router", "sha256:1")
    assert document["services"]["router"]["network_mode"] == "host" and "ports" not in document["services"]["router"]
    assert set(render.host_entries(made, NETWORK).values()) == {"10.0.0.1"}
    bridge = config({"services": CASE}, "staging")
    assert render.router_fingerprint(bridge) != render.router_fingerprint(made)


def test_a_configuration_that_nginx_was_not_told_is_not_in_force(tmp_path: Path) -> None:
    (tmp_path / nginx.NEXT).write_text("events {}")
    nginx.adopt(tmp_path)
    assert not nginx.in_force(tmp_path, "events {}")  # whoever was killed here has not switched anybody
    nginx.told(tmp_path)
    assert nginx.in_force(tmp_path, "events {}")


def test_a_template_with_a_mistake_is_explained() -> None:
    with pytest.raises(CeladonError, match="nowhere"):
        nginx.render(ROUTING, (1, 30), "http {\n{{ routing.nowhere }}\n}")
    with pytest.raises(CeladonError, match="cannot be rendered") as caught:
        nginx.render(ROUTING, (1, 30), "http {\n{% if %}\n}")
    assert caught.value.evidence == ("2: {% if %}",)


def test_only_copies_of_certificates_go_and_not_what_somebody_laid_beside_them(tmp_path: Path) -> None:
    certificate, key, folder = tmp_path / "cert.pem", tmp_path / "cert.key", tmp_path / "router"
    folder.mkdir()
    (folder / "clients.pem").write_text("what the team's own template will name\n")
    names = []
    for text in ("first", "second", "third"):
        certificate.write_text(f"{text} certificate\n")
        key.write_text(f"{text} key\n")
        names.append(nginx.keep_certificate(folder, certificate, key))
    (folder / nginx.CONFIG).write_text(f"ssl_certificate {names[1]}.pem;\n")  # nginx has not taken up the third
    nginx.told(folder)
    left = {file.stem for file in folder.iterdir() if file.suffix in (".pem", ".key")}
    assert left == {names[1], names[2], "clients"}
