"""The router's configuration as text, tested by a real nginx elsewhere; here: what must and must not be in it."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import crossplane
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from celadon.adapters import certificates, nginx, process
from celadon.config.load import refuse_wrong
from celadon.errors import CeladonError, ConfigError
from celadon.plan import render
from celadon.plan.network import Network
from celadon.plan.render import Placed
from celadon.plan.routing import Internal, Route, Routing, Site, routing
from tests.unit.plan.test_plans import config, release

WEB = Route("web", "r1", "/", "10.0.0.3:80", False, 60, "50m")
SHOP = Route("shop", "r2", "/shop", "10.0.0.5:81", True, 5, "1m")
SECURE = {
    "environments": {
        "staging": {
            "listen": [80],
            "url": "https://Shop.example",
            "tls": {"certificate": "a", "key": "b", "listen": [443]},
        }
    }
}
CASE = {"web": {"x-celadon": {"port": 80, "route": "/", "health": "/up"}},
        "api": {"x-celadon": {"port": 81, "route": "/api", "health": "/up"}}}  # fmt: skip
NETWORK = Network(IPv4Network("10.0.0.0/16"))
ROUTING = Routing(
    "staging", (Site("", (WEB, SHOP)),), (Internal(WEB, 80), Internal(SHOP, 81)), ("60080",), (), "", "",
    "", "", False, "", "50m", 60, 30, (), "10.0.0.1", "shop.example", "shop.example:4400", (), True, 1000,
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


def test_internal_names_are_for_services_only_on_either_network() -> None:
    """What the engine's forwarder lets in comes from the host's address in the network, whoever sent it."""
    for network in ("bridge", "host"):
        made = config({"top": {"router": {"network": network}}, "services": CASE}, "staging")
        text = nginx.render(routing(made, NETWORK, []), (1, 30), None)
        assert text.count("deny 10.0.0.1;") == text.count("allow 10.0.0.0/16;\n        deny all;") == 2
        internal = text.split("server {  # other services")[1:]
        assert len(internal) == 2 and not any("set_real_ip_from" in one for one in internal)


@pytest.mark.parametrize(
    ("url", "names", "router", "only"),
    [
        ("https://shop.example", ("shop.example", "*.tenants.example"), {}, True),
        ("https://shop.example", (), {}, True),
        ("https://192.0.2.1", ("shop.example",), {}, False),  # who asks for an address names no server
        ("https://shop.example", ("shop.example", "2001:db8::1"), {}, False),
        ("https://shop.example", ("shop.example",), {"trusted_proxies": ["10.9.0.0/16"]}, False),  # proxies name none
    ],
)
def test_other_names_get_no_certificate_where_users_name_the_server(
    url: str, names: tuple[str, ...], router: dict[str, Any], only: bool
) -> None:
    environment = {**SECURE["environments"]["staging"], "url": url}
    top = {"environments": {"staging": environment}, "router": router}
    made = routing(config({"top": top, "services": CASE}, "staging"), NETWORK, [], "0123456789abcdef", names)
    text = nginx.render(made, (1, 30), None)
    assert made.names_only == only == ("ssl_reject_handshake on;" in text)
    assert text.count("listen 60443 ssl default_server;") == 1
    assert (f"server_name {' '.join(dict.fromkeys(('shop.example', *names)))};" in text) == only
    assert f"default {url[8:]};" in text and "$host:" not in text


def test_a_host_of_a_service_is_no_other_name_of_the_environment() -> None:
    services = {**CASE, "api": {"x-celadon": {**CASE["api"]["x-celadon"], "host": "Shop.example"}}}
    made = routing(
        config({"top": SECURE, "services": services}, "staging"), NETWORK, [], "0" * 16, ("a.example", "a.example")
    )
    assert made.own_names == made.names == ("a.example",)


def test_an_address_that_only_an_earlier_version_took_is_not_written() -> None:
    made = config({"services": CASE}, "staging")
    for url in ("http://a;b", "http://x:99999", "http://my_shop", "http://[::1"):
        old = replace(made, options=made.options.model_copy(update={"url": url}))
        found = routing(old, NETWORK, [])
        assert (found.host, found.authority, found.names_only) == ("", "", False)


def test_the_names_of_a_certificate(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "/dev/null"]
    make += ["-out", str(file), "-subj", "/CN=Common.example"]
    process.run(make)
    assert certificates.names(file) == ("common.example",)
    process.run([*make, "-addext", "subjectAltName=DNS:A.example,DNS:*.b.example,DNS:x;y,IP:1.2.3.4,IP:2001:db8::1"])
    assert certificates.names(file) == ("a.example", "*.b.example", "1.2.3.4", "2001:db8::1")
    file.write_text("no certificate\n")
    assert certificates.names(file) == () == certificates.names(tmp_path / "nowhere.pem")


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


def _directives(text: str, folder: Path) -> list[tuple[str, int]]:
    """Every directive of a configuration with its depth and the number of its arguments, in order."""
    file = folder / "parsed.conf"
    file.write_text(text, encoding="utf-8")
    payload = crossplane.parse(str(file), comments=False)
    assert payload["status"] == "ok", payload["errors"]
    found: list[tuple[str, int]] = []

    def walk(block: list[dict[str, Any]], depth: int, table: bool) -> None:
        for one in block:
            found.append(("" if table else one["directive"], depth * 100 + len(one["args"])))
            walk(one.get("block", []), depth + 1, one["directive"] in ("geo", "map"))

    walk(payload["config"][0]["parsed"], 0, False)
    return found


NASTY = st.text(st.sampled_from(list("ab0٣9./:-_%;{}\"'\\$#* \n\t\0()[]~é|")), max_size=12)
FITTING: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {  # a good value, and what is like one but for a few letters
    "trusted": ("10.9.0.0/16", st.tuples(st.sampled_from(["10.0.0.0/8", "fe80::1", "fe80::1%x", "1.2.3.4"]), NASTY)),
    "body": ("5m", st.tuples(st.sampled_from(["5m", "1g", "0", ""]), NASTY)),
    "url": ("http://shop.example:4400", st.tuples(st.sampled_from(["http://shop.example", "https://a:80"]), NASTY)),
    "listen": ("1.2.3.4:80", st.tuples(st.sampled_from(["127.0.0.1:80", "80", ""]), NASTY)),
    "route": ("/shop", st.tuples(st.sampled_from(["/", "/shop", "/.."]), NASTY)),
    "host": ("blog.example", st.tuples(st.sampled_from(["blog.example", "x"]), NASTY)),
    "timeout": ("5s", st.tuples(st.sampled_from(["5s", "1", "1h"]), NASTY)),
}


@given(values=st.fixed_dictionaries({}, optional={key: like for key, (_good, like) in FITTING.items()}))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_that_is_accepted_adds_a_directive(values: dict[str, tuple[str, str]], tmp_path: Path) -> None:
    good = {key: value for key, (value, _like) in FITTING.items()}
    with suppress(ConfigError):
        value = {**good, **{key: "".join(pieces) for key, pieces in values.items()}}
        text = _written(value)
        root = {"route": "/"} if value["route"] == "/" else {}
        assert _directives(text, tmp_path) == _directives(_written({**good, **root}), tmp_path)


def _written(value: dict[str, Any]) -> str:
    """The configuration of an environment on the host's own network, where all of these values are written."""
    top = {
        "environments": {
            "staging": {
                "listen": [value["listen"]],
                "url": value["url"],
                "drain": value["timeout"],
                "tls": {"certificate": "a", "key": "b", "listen": [443]},
            },
        },
        "router": {
            "network": "host",
            "trusted_proxies": [value["trusted"]],
            "timeout": value["timeout"],
            "client_max_body_size": value["body"],
        },
    }
    options = {"port": 80, "route": value["route"], "host": value["host"], "health": "/up"}
    case = {"top": top, "services": {"web": {"x-celadon": options}}}
    made = config(case, "staging")
    refuse_wrong(made.text, "shop", made.file, "staging")  # what is kept is not judged; the team's file is
    document = render.release_document(made, made.services["web"])
    web = Placed(release(case, "staging", "web", "20260101-000000-aaaaaaa"), "blue", "10.0.0.3", document)
    return nginx.render(routing(made, NETWORK, [web], "0123456789abcdef", ("*.shop.example",)), (1, 30), None)
