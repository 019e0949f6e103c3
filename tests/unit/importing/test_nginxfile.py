"""nginx.conf: text in, ways out; and what nginx would not read, by file and line."""

from pathlib import Path

import pytest

from celadon.errors import USAGE, ConfigError
from celadon.setup.nginxfile import read
from celadon.setup.proxy import Door, Limits, Proxy


def of(text: str, folder: Path, **included: str) -> Proxy:
    for name, inner in included.items():
        (folder / f"{name}.conf").write_text(inner)
    (folder / "nginx.conf").write_text(text)
    return read([folder / "nginx.conf"])


def ways(proxy: Proxy) -> list[tuple[str, str, int, bool]]:
    return [(way.prefix, way.host, way.port, way.strip) for site in proxy.sites for way in site.ways]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("location / { proxy_pass http://hub:4090; }", ("/", "hub", 4090, False)),
        ("location / { proxy_pass http://hub:4090/; }", ("/", "hub", 4090, False)),
        ("location /shop { proxy_pass http://shop; }", ("/shop", "shop", 80, False)),
        ("location /shop/ { proxy_pass http://shop:1/; }", ("/shop", "shop", 1, True)),
        ("location /shop/ { proxy_pass http://shop:1/shop/; }", ("/shop", "shop", 1, False)),
        ("location ^~ /shop/ { proxy_pass http://shop:1; }", ("/shop", "shop", 1, False)),
        ("location /shop/ { rewrite ^/shop/(.*)$ /$1 break; proxy_pass http://shop:1; }", ("/shop", "shop", 1, True)),
        ("location /shop { set $to http://shop:1; proxy_pass $to; }", ("/shop", "shop", 1, False)),
        ("location /shop { proxy_pass http://up; }", ("/shop", "127.0.0.1", 3001, False)),
    ],
)
def test_a_location_is_a_way(location: str, expected: tuple[str, str, int, bool], tmp_path: Path) -> None:
    text = f"upstream up {{ server 10.0.0.1:9 down; server 127.0.0.1:3001; }} server {{ {location} }}"
    assert ways(of(text, tmp_path)) == [expected]


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("location ~ ^/v[0-9]/ { proxy_pass http://a; }", "a route is a prefix, not a pattern"),
        ("location /a { root /srv; }", "no service answers there (root /srv)"),
        ("location /a { proxy_pass $backend; }", "its address cannot be read: $backend"),
        ("location /a/ { proxy_pass http://a/b/; }", "a prefix can be kept or taken away, not exchanged for another"),
        ("location /a/ { proxy_pass http://a; auth_basic x; }", "without it everybody gets in"),
        ("location /a/ { proxy_pass http://a; deny all; }", "without it everybody gets in"),
        (
            "location /old { return 301 https://blog.example.com/; }",
            "no service answers there (return 301 https://blog",
        ),
        ("listen unix:/run/x.sock;", "the router listens on ports"),
        ("location /a/ { proxy_pass http://a; proxy_buffering off; }", "x-celadon.router.template can have it"),
        ("proxy_set_header X-Key c4n4ry;", "x-celadon.router.template can have it"),
        ("gzip on;", "x-celadon.router.template can have it"),
    ],
)
def test_what_has_no_place_is_told(location: str, why: str, tmp_path: Path) -> None:
    left = of(f"server {{\n{location}\n}}", tmp_path).left
    assert [(one.spot.line, why in one.why) for one in left] == [(2, True)]
    assert "c4n4ry" not in repr(left)


def test_doors_names_and_limits_of_a_server(tmp_path: Path) -> None:
    proxy = of(
        "http { client_max_body_size 1m;\n"
        "server { listen 80; listen [::]:80; server_name a.example.com b.example.com; return 301 https://$host$uri; }\n"
        "server { listen 127.0.0.1:443 ssl http2; server_name a.example.com; ssl_certificate /c.pem;\n"
        "ssl_certificate_key /c.key; location /x { proxy_pass http://x; proxy_read_timeout 2m; }\n"
        "proxy_read_timeout 90; client_max_body_size 8m; } }",
        tmp_path,
    )
    plain, secure = proxy.sites
    assert (plain.doors, plain.hosts, plain.redirects) == ((Door(80),), ("a.example.com", "b.example.com"), True)
    assert (secure.doors, secure.certificate, secure.key) == ((Door(443, "127.0.0.1", True),), "/c.pem", "/c.key")
    assert secure.ways[0].limits == Limits(timeout=120)
    assert proxy.limits == Limits("8m", 90)  # its only server says so
    assert proxy.left == ()


def test_includes_are_relative_to_the_file_and_keep_their_places(tmp_path: Path) -> None:
    inner = "location /x {\n proxy_pass http://x;\n}\n"
    proxy = of(
        "http {\n server {\n include in.conf;\n location /y { proxy_pass http://y; }\n}\n}", tmp_path, **{"in": inner}
    )
    spots = [(Path(way.spot.file).name, way.spot.line) for way in proxy.sites[0].ways]
    assert spots == [("in.conf", 1), ("nginx.conf", 4)]


def test_what_is_mounted_into_nginx_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("server { location / { proxy_pass http://a; } }")
    proxy = of("http {\n include /etc/nginx/mime.types;\n include /etc/nginx/conf.d/*.conf;\n}", tmp_path)
    assert ways(proxy) == [("/", "a", 80, False)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server {\n listen 80;\n", 'nginx.conf:2:1: unexpected end of file, expecting "}"'),
        ("server { } }", 'nginx.conf:1:1: unexpected "}"'),
        ("server {\n listen 80\n server_name x;\n}", "nginx.conf:2:1: `listen` is not ended by a semicolon"),
        ("server {\n include none.conf;\n}", "nginx.conf:2:1: No such file or directory"),
    ],
)
def test_what_nginx_would_not_read(text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        of(text, tmp_path)
    assert str(caught.value.problems[0]).startswith(expected)
    assert caught.value.exit_code == USAGE
