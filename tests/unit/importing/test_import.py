"""Old set-ups as text, and what becomes of them: a compose file and an nginx.conf in, a workspace out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from celadon.adapters import compose
from celadon.app import importing
from celadon.app.importing import Proposal
from celadon.errors import USAGE, CeladonError, ConfigError, UsageError
from celadon.setup.twins import split


class Team:
    """A folder with an old set-up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hub").mkdir()

    def bring(self, compose: str, nginx: str = "", **files: str) -> Proposal:
        (self.folder / "docker-compose.yml").write_text(compose)
        for name, text in files.items():
            file = self.folder / name.replace("__", "/").replace("_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        if nginx:
            (self.folder / "nginx.conf").write_text(nginx)
        self.proposal = importing.propose(
            Path("docker-compose.yml"), [Path("nginx.conf")] if nginx else [], self.folder
        )
        return self.proposal

    @property
    def compose(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(self.proposal.drafts[0].text)
        return loaded

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.compose["services"][name]
        return found

    @property
    def texts(self) -> dict[str, str]:
        return {str(d.path.relative_to(self.folder)): d.text for d in self.proposal.drafts}

    def told(self, kind: str) -> list[str]:
        return [f"{row.spot}: {row.what}: {row.became}" for row in self.proposal.rows if row.kind == kind]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Team(folder)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hub-staging", ("hub", "staging")),
        ("hub_prod", ("hub", "production")),
        ("sales_hub-production", ("sales-hub", "production")),
        ("hub-dev", ("hub", "development")),
        ("hub-prod-blue", ("hub-prod", "")),
        ("hub-green", ("hub", "")),
        ("hub", ("hub", "")),
        ("router", ("app-router", "")),
        ("Hub.API", ("hub-api", "")),
        ("production", ("production", "")),
    ],
)
def test_the_environment_in_a_name(name: str, expected: tuple[str, str]) -> None:
    assert split(name) == expected


def test_one_without_a_word_is_the_environment_that_is_left_over(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub: {build: ./hub, environment: {A: 1, B: 2}, ports: ['80:3000']}\n"
        "  hub-staging: {build: ./hub, environment: {A: 1, B: 3}, ports: ['81:3000']}\n"
    )
    assert team.service("hub")["environment"] == {"A": "1"}
    assert "B=2\n" in team.texts["config/.env.production"]
    assert "B=3\n" in team.texts["config/.env.staging"]
    assert "# B=\n" in team.texts["config/.env.development"]


def test_profiles_tell_the_environment_too(team: Team) -> None:
    team.bring(
        "services:\n"
        "  a_staging: {build: ./hub, profiles: [stage]}\n"
        "  a_prod: {build: ./hub, profiles: [prod]}\n"
        "  tool: {image: postgres:18, profiles: [tools]}\n"
        "  old-dev: {build: ./hub, profiles: [dev]}\n"
    )
    assert list(team.compose["services"]) == ["a", "tool"]
    assert team.service("tool")["profiles"] == ["tools"]
    assert any("old-dev" in line for line in team.told("left out"))


def test_interpolation_is_kept_as_it_is_written(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub-staging: {build: ./hub, environment: {URL: '${STAGING_URL}/x', KEY: 'a$$b', T: '${T}'}}\n"
        "  hub-prod: {build: ./hub, environment: {URL: '${PROD_URL:-y}/x', KEY: 'c$$d', T: '${T}'}}\n"
    )
    assert team.service("hub")["environment"] == {"T": "${T}"}
    assert 'URL="${STAGING_URL}/x"\n' in team.texts["config/.env.staging"]
    assert 'KEY="c\\$d"\n' in team.texts["config/.env.production"]


def test_the_names_of_twins_are_renamed_where_they_are_hosts(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub-staging:\n"
        "    build: ./hub\n"
        "    env_file: [config/.env.staging]\n"
        "    environment: {DB_HOST: db-staging, TITLE: the hub-staging page}\n"
        "  hub-prod: {build: ./hub, env_file: [config/.env.prod], environment: {DB_HOST: db-prod, TITLE: the hub}}\n"
        "  db-staging: {image: 'postgres:18', container_name: shop-db-staging}\n"
        "  db-prod: {image: 'postgres:18'}\n",
        config___env_staging="A=postgres://u:p@shop-db-staging:5432/x\n",
        config___env_prod="A=postgres://u:p@db-prod/x\n",
    )
    assert team.service("hub")["environment"] == {"DB_HOST": "db"}
    assert "A=postgres://u:p@db:5432/x\n" in team.texts["config/.env.staging"]
    assert "A=postgres://u:p@db/x\n" in team.texts["config/.env.production"]


def test_a_word_that_is_also_a_service_stays_where_it_is_no_host(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub-staging: &hub\n"
        "    build: ./hub\n"
        "    env_file: [hub.env]\n"
        "    command: [node, server.js, --db=pg-prod, --redis, 'redis:6379']\n"
        "    environment:\n"
        "      {DRIVER: redis, REDIS_HOST: redis, URL: 'redis://redis:6379/0', DB: host=postgres user=postgres}\n"
        "  hub-prod: {<<: *hub, container_name: node}\n"
        "  pg-staging: {image: 'postgres:18', environment: {POSTGRES_USER: postgres}}\n"
        "  pg-prod: {image: 'postgres:18', container_name: postgres, environment: {POSTGRES_USER: postgres}}\n"
        "  cache: {image: 'redis:7', container_name: redis}\n",
        hub_env="QUEUE_CONNECTION=redis\nSENTINELS_ADDR=redis\nUSER=postgres\n",
    )
    assert team.service("cache")["image"] == "redis:7"
    assert team.service("pg")["environment"] == {"POSTGRES_USER": "postgres"}
    assert team.service("hub")["command"] == ["node", "server.js", "--db=pg", "--redis", "cache:6379"]
    assert team.service("hub")["environment"] == {
        "DRIVER": "redis", "REDIS_HOST": "cache", "URL": "redis://cache:6379/0", "DB": "host=pg user=postgres",
    }  # fmt: skip
    assert team.texts["hub.env"] == "QUEUE_CONNECTION=redis\nSENTINELS_ADDR=cache\nUSER=postgres\n"


def test_env_files_that_do_not_match_become_one_of_the_services_own(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub-staging: {build: ./hub, env_file: [common.env, hub.env, test.env]}\n"
        "  hub-prod: {build: ./hub, env_file: [common.env, live.env]}\n",
        common_env="A=1\n",
        hub_env="B=1\n",
        test_env='C="two\nlines"\n',
        live_env="B=2\n",
    )
    assert team.service("hub")["env_file"] == ["common.env", "config/.env.hub.${CELADON_ENV:-development}"]
    assert team.texts["config/.env.hub.staging"].endswith('B=1\nC="two\nlines"\n')
    assert team.texts["config/.env.hub.production"].endswith("B=2\n")


def test_a_file_named_by_a_variable_is_named_by_celadons(team: Team) -> None:
    team.bring("services: {hub: {build: ./hub, env_file: '.env.${NODE_ENV:-dev}'}}\n", _env_stage="A=1\n")
    assert team.service("hub")["env_file"] == [".env.${CELADON_ENV:-development}"]
    assert team.texts[".env.staging"] == "A=1\n"


def test_an_env_file_that_is_not_here_is_told(team: Team) -> None:
    team.bring(
        "services:\n  h-staging: {build: ./hub, env_file: e.staging}\n  h-prod: {build: ./hub, env_file: e.prod}\n"
    )
    assert "e.staging: e.staging: is not here: e.staging is made empty, fill it in" in team.told("by hand")


def test_volumes_of_twins_become_one_for_each_environment(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub-staging: {build: ./hub, volumes: ['up-staging:/up', './data/staging:/data', './keys:/k:ro']}\n"
        "  hub-prod: {build: ./hub, volumes: ['up-prod:/up', './data/prod:/data', './keys:/k:ro']}\n"
        "volumes: {up-staging: {}, up-prod: {external: true, name: x}}\n"
    )
    assert team.service("hub")["volumes"] == ["up:/up", "./data/${CELADON_ENV:-development}:/data", "./keys:/k:ro"]
    assert team.compose["volumes"] == {"up": None}
    assert any("move ./data/prod to ./data/production" in line for line in team.told("by hand"))


def test_a_backing_service_leaves_its_ports_and_name(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub: {build: ./hub}\n"
        "  db: {image: 'registry.example.com:5000/library/postgres:18', container_name: db, ports: ['5432:5432'],\n"
        "       restart: always, environment: [POSTGRES_DB=x]}\n"
    )
    assert team.service("db") == {"image": "registry.example.com:5000/library/postgres:18", "restart": "always",
                                  "environment": {"POSTGRES_DB": "x"}}  # fmt: skip


def test_ports_of_every_twin_of_a_backing_service_are_told(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub: {build: ./hub}\n"
        "  db-staging: {image: 'postgres:18', ports: ['127.0.0.1:5433:5432']}\n"
        "  db-prod: {image: 'postgres:18', ports: ['5432:5432']}\n"
    )
    assert [line.split(": ")[1] for line in team.told("left out")] == ["port 5433:5432", "port 5432:5432"]


def test_what_twins_have_in_another_way_is_told(team: Team) -> None:
    team.bring(
        "services:\n"
        "  hub-staging: {build: {context: ./hub, args: {X: 1}}, mem_limit: 1g, network_mode: host}\n"
        "  hub-prod: {build: ./hub, mem_limit: 2g, deploy: {replicas: 2}, networks: [web]}\n"
        "networks: {web: {}}\n"
    )
    assert team.service("hub")["mem_limit"] == "2g"
    left = " ".join(team.told("left out"))
    for word in ("build of hub-staging", "mem_limit of hub-staging", "replicas", "network web"):
        assert word in left


def test_images_that_were_pushed_elsewhere_are_deployed_as_staging_has_them(team: Team) -> None:
    """What a deploy pulls is tested in staging, and promoted: production's own tag would pass staging by."""
    team.bring(
        "services:\n"
        "  web-staging: {image: 'registry.example.com/team/web:staging', ports: ['4400:3000']}\n"
        "  web-prod: {image: 'registry.example.com/team/web:production', ports: ['80:3000']}\n"
        "  mailer-staging: {image: 'team/mailer:staging'}\n"
        "  mailer-prod: {image: 'team/mailer:production'}\n"
        "  db-staging: {image: 'postgres:17'}\n"
        "  db-prod: {image: 'postgres:18'}\n"
        "  tool: {image: 'team/tool:1'}\n"
        "  hub-staging: {build: ./hub}\n"
        "  hub-prod: {image: 'team/hub:1'}\n"
    )
    assert team.service("hub") | {"logging": None} == {"build": "./hub", "logging": None, "x-celadon": {}}
    assert team.service("web") | {"logging": None} == {
        "image": "registry.example.com/team/web:staging", "logging": None,
        "x-celadon": {"port": 3000, "route": "/", "health": "/"},
    }  # fmt: skip
    assert team.service("mailer")["image"] == "team/mailer:staging" and "x-celadon" in team.service("mailer")
    assert (team.service("db"), team.service("tool")) == ({"image": "postgres:18"}, {"image": "team/tool:1"})
    left = {line.partition(": ")[2] for line in team.told("left out") if "differs" in line}
    assert left == {
        f"{what} differs: as staging has it: a promote brings the very image that was tested"
        for what in ("image of web-prod", "image of mailer-prod", "image of hub-prod", "build of hub-prod")
    } | {"image of db-staging differs: as production has it, in all of them"}


def test_builds_side_by_side_are_found_however_they_are_written(team: Team) -> None:
    script = (
        "#!/bin/sh\n# docker compose build --parallel \\\necho one\ndocker compose --profile x \\\n  build \\\n"
        "  --parallel\ndocker-compose build web --parallel && echo docker compose up\n"
        "docker compose --parallel 4 build\ndocker compose build\ndocker compose \\\n build --parallel \\"
    )
    team.bring("services: {hub: {build: ./hub}}\n", go_sh=script, Makefile="all:\n\techo --parallel\n")
    found = [line.partition(": ")[0] for line in team.told("contradiction") if "parallel builds" in line]
    assert found == ["go.sh:4", "go.sh:7", "go.sh:8", "go.sh:10"]


def test_what_stands_at_the_top_goes_on(team: Team) -> None:
    workspace = team.folder / "new"
    workspace.mkdir()
    (team.folder / "old.yml").write_text(
        "services:\n"
        "  hub: {build: ./hub, networks: [web, shared], secrets: [jwt]}\n"
        "secrets: {jwt: {file: ./keys/jwt.pem}, token: {environment: TOKEN}}\n"
        "networks: {web: {}, shared: {external: true, name: databases}}\n"
    )
    team.proposal = importing.propose(Path("old.yml"), [], workspace)
    assert team.service("hub")["networks"] == ["default", "shared"]
    assert team.compose["networks"] == {"shared": {"external": True, "name": "databases"}}
    assert team.compose["secrets"] == {"jwt": {"file": "../keys/jwt.pem"}, "token": {"environment": "TOKEN"}}
    assert any("network web" in line for line in team.told("left out"))


def test_a_port_that_nobody_asks_is_told_by_environment(team: Team) -> None:
    nginx = "server { location / { proxy_pass http://hub-prod:2; } location /s { proxy_pass http://hub-staging:3; } }"
    team.bring(
        "services:\n"
        "  hub-staging: {build: ./hub, env_file: [e.staging], ports: ['80:4']}\n"
        "  hub-prod: {build: ./hub, environment: [PORT=1]}\n"
        "  api: {build: ./hub, ports: ['8:6'], environment: {PORT: 5}}\n",
        nginx,
        e_staging="PORT=3\n",
    )
    ports = [line for line in team.told("contradiction") if "PORT of" in line]
    assert ports == [
        "docker-compose.yml:3: PORT of hub in production is 1: users are sent to 2 (nginx.conf:1)",
        "docker-compose.yml:4: PORT of api in production is 5: users are sent to 6 (docker-compose.yml:4)",
    ]
    assert team.service("hub")["environment"] == {"PORT": "2"}


def test_a_service_that_knows_no_environments_does_not_read_productions_file_in_staging(team: Team) -> None:
    team.bring(
        "services:\n"
        "  cron: {build: ./hub, env_file: e.prod}\n"
        "  lone: {build: ./hub, env_file: l.prod}\n",
        e_prod="A=1\n",
        e_stage="A=2\n",
        l_prod="A=3\n",
    )  # fmt: skip
    assert team.service("cron")["env_file"] == ["e.${CELADON_ENV:-development}"]
    assert team.service("cron")["x-celadon"] == {"strategy": "replace"}
    assert (team.texts["e.staging"], team.texts["e.production"]) == ("A=2\n", "A=1\n")
    assert "l.prod" in team.service("lone")["env_file"]
    assert any("lone reads l.prod in every environment: look at what is of production only" in line
               for line in team.told("by hand"))  # fmt: skip


def test_a_gateway_of_the_team_is_a_service_and_a_built_nginx_is_the_router(team: Team) -> None:
    team.bring(
        "services:\n"
        "  gateway: {build: ./gateway, ports: ['80:8080']}\n"
        "  proxy: {build: ./proxy, ports: ['81:80']}\n",
        gateway__Dockerfile="FROM maven AS build\nFROM eclipse-temurin:21\n",
        proxy__Dockerfile="FROM nginx:1.30\n",
        proxy__nginx_conf="server { listen 80; location /x { proxy_pass http://gateway:8080; } }",
    )  # fmt: skip
    assert list(team.compose["services"]) == ["gateway"]
    assert team.service("gateway")["x-celadon"]["route"] == "/x"
    assert team.compose["x-celadon"]["environments"]["production"]["listen"] == [81]


def test_extends_in_the_same_file_and_anchors_are_written_out(team: Team) -> None:
    team.bring(
        "x-env: &env {A: 1}\n"
        "services:\n"
        "  base: {image: 'postgres:18', environment: *env, volumes: ['a:/a'], env_file: x.env}\n"
        "  hub: {extends: base, build: ./hub, environment: [B=2], volumes: ['b:/b', 'a:/a'], env_file: [y.env]}\n",
        x_env="X=1\n",
    )
    assert team.service("hub")["environment"] == {"A": "1", "B": "2"}
    assert team.service("hub")["volumes"] == ["b:/b", "a:/a"]
    assert team.service("hub")["env_file"][1:3] == ["x.env", "y.env"]
    assert "y.env: y.env: is not here: put it there, mode 0600" in team.told("by hand")
    assert "extends" not in team.service("hub")


NGINX = """
server {{
    listen {port};
    server_name {host};
    {more}
    location / {{ proxy_pass http://{to}; }}
}}
"""


def test_environments_that_share_a_port_are_told_apart(team: Team) -> None:
    nginx = NGINX.format(port=80, host="s.example.com", to="hub-staging:3000", more="") + NGINX.format(
        port=80, host="shop.example.com", to="hub-prod:3000", more=""
    )
    team.bring("services: {hub-staging: {build: ./hub}, hub-prod: {build: ./hub}}\n", nginx)
    assert team.compose["x-celadon"]["environments"] == {
        "staging": {"listen": [4400], "url": "http://s.example.com:4400"},
        "production": {"listen": [80], "url": "http://shop.example.com", "from": "staging"},
    }
    assert any("staging and production share ports" in line for line in team.told("by hand"))


def test_several_names_become_hosts(team: Team) -> None:
    (team.folder / "api").mkdir()
    nginx = NGINX.format(port=80, host="a.example.com", to="hub:1", more="") + NGINX.format(
        port=80, host="b.example.com", to="127.0.0.1:8002", more="client_max_body_size 9m;"
    )
    team.bring("services: {hub: {build: ./hub}, api: {build: ./api, ports: ['8002:2']}}\n", nginx)
    assert team.service("hub")["x-celadon"] == {"port": 1, "route": "/", "host": "a.example.com", "health": "/"}
    assert team.service("api")["x-celadon"] == {"port": 2, "route": "/", "host": "b.example.com", "health": "/",
                                                "client_max_body_size": "9m"}  # fmt: skip


def test_tls_with_its_redirect(team: Team) -> None:
    secure = "ssl_certificate /etc/nginx/certs/s.pem; ssl_certificate_key /etc/nginx/certs/s.key;"
    nginx = (
        "server { listen 80; server_name shop.example.com; return 301 https://$host$request_uri; }\n"
        + NGINX.format(port="443 ssl", host="shop.example.com", to="hub:1", more=secure)
    )
    compose = (
        "services:\n"
        "  hub: {build: ./hub}\n"
        "  nginx: {image: nginx, ports: ['80:80', '443:443'], volumes: ['./certs:/etc/nginx/certs:ro']}\n"
    )
    team.bring(compose, nginx)
    assert any("certs/s.pem, certs/s.key: not here" in line for line in team.told("by hand"))
    team.bring(compose, nginx, certs__s1_pem="x", certs__s_key="x")
    (team.folder / "certs" / "s.pem").symlink_to("s1.pem")  # as certbot has it
    team.bring(compose, nginx)
    assert team.compose["x-celadon"]["environments"]["production"] == {
        "listen": [80],
        "url": "https://shop.example.com",
        "from": "staging",
        "tls": {"certificate": "certs/s.pem", "key": "certs/s.key", "listen": [443], "redirect": True},
    }


def test_one_route_a_service_and_what_lies_beside_it_is_told(team: Team) -> None:
    nginx = "server { location /a { proxy_pass http://hub:1; } location /a/up { proxy_pass http://hub:1;\n" \
            "client_max_body_size 1g; } location /b { proxy_pass http://hub:1; } }"  # fmt: skip
    team.bring("services: {hub: {build: ./hub}}\n", nginx)
    assert team.service("hub")["x-celadon"]["route"] == "/a"
    assert team.service("hub")["x-celadon"]["client_max_body_size"] == "1g"
    assert any("location /b: hub has one route: /a" in line for line in team.told("left out"))


def test_a_health_path_is_looked_for_in_the_sources(team: Team) -> None:
    nginx = "server { location /shop { proxy_pass http://hub:1; } location /b { proxy_pass http://bare:1; } }"
    compose = "services: {hub: {build: ./hub}, bare: {build: ./bare}}\n"
    files = {"hub__Dockerfile": "FROM node\n", "bare__Dockerfile": "FROM node\n",
             "hub__server_js": "app.get('/shop/api/health', ok)\n"}  # fmt: skip
    team.bring(compose, nginx, **files)
    assert team.service("hub")["x-celadon"]["health"] == "/api/health"
    assert team.service("bare")["x-celadon"]["health"] == "/"
    assert "docker-compose.yml:1: hub has no healthcheck: health /api/health: server.js says so" in team.told("carried")
    assert any("bare has no healthcheck: `/` is asked" in line for line in team.told("by hand"))


def test_nginx_beside_the_file_is_named(team: Team) -> None:
    (team.folder / "nginx").mkdir()
    (team.folder / "nginx" / "site.conf").write_text("server { }")
    team.bring("services: {hub: {build: ./hub}}\n")
    assert any("name it with --nginx nginx/site.conf" in line for line in team.told("by hand"))


@pytest.mark.parametrize(
    ("compose", "expected"),
    [
        ("services: [", "docker-compose.yml:2:1: is not YAML"),
        ("services:\n  a: x\n", "docker-compose.yml:2:6: services.a: should be a mapping (`key: value` lines)"),
        ("services:\n  a:\n    ports: 80\n", "docker-compose.yml:3:12: services.a.ports: should be a list"),
        ("services:\n  a:\n    env_file: [[x]]\n", "docker-compose.yml:3:16: services.a.env_file.0: should be text or"),
        ("services: {a: {}}\nvolumes: [x]\n", "docker-compose.yml:2:10: volumes: should be a mapping"),
        ("name: x\n", "docker-compose.yml:1:1: services: should be a mapping of services"),
        ("services:\n  db: {image: postgres}\n", "docker-compose.yml:1:1: services: no service has `build`"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_place(compose: str, expected: str, team: Team) -> None:
    with pytest.raises(ConfigError) as caught:
        team.bring(compose)
    assert str(caught.value.problems[0]).startswith(expected)
    assert caught.value.exit_code == USAGE
    assert not (team.folder / "compose.yaml").exists()


def test_a_file_of_celadon_is_refused(team: Team) -> None:
    with pytest.raises(UsageError, match="Celadon's file already"):
        team.bring("x-celadon: {}\nservices: {}\n")


def test_what_is_in_the_way_is_named(team: Team) -> None:
    for name in ("compose.yaml", ".gitignore"):
        (team.folder / name).mkdir()
        with pytest.raises(ConfigError) as caught:
            team.bring("services: {hub: {build: ./hub}}\n")
        assert str(caught.value.problems[0]) == f"{name}: Is a directory"
        (team.folder / name).rmdir()


def test_an_env_file_that_is_no_text(team: Team) -> None:
    (team.folder / "e").write_bytes(b"\xff\xfe")
    with pytest.raises(CeladonError, match="problems"):
        team.bring("services: {hub: {build: ./hub, env_file: e}}\n")


NASTY = ("plain", "with space", "it's", 'say "x"', "a$$b", "'$$x'", "${GIVEN}/x", "${NONE:-de fault}", "back\\slash",
         "x # y", "two\nlines", "é=ü", "  edges ", "$$${GIVEN}", "\\n", "#", "a'b\"c$$d\\e")  # fmt: skip


def test_compose_reads_every_value_as_it_was(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs between twins moves from YAML to env files: Compose itself says that nothing is lost on the way."""
    monkeypatch.setenv("GIVEN", "gi ven")
    values = {f"V{number}": value for number, value in enumerate(NASTY)}
    twins = {f"hub-{one}": {"build": "./hub", "environment": {**values, "E": one}} for one in ("staging", "prod")}
    twins["hub-staging"]["environment"] = {name: f"s{value}" for name, value in values.items()}  # type: ignore[dict-item]
    team.bring(yaml.safe_dump({"services": twins}))
    team.proposal.write()
    before = rendered(team.folder / "docker-compose.yml", "")
    for environment, twin in (("production", "hub-prod"), ("staging", "hub-staging")):
        after = rendered(team.folder / "compose.yaml", environment)
        assert after["hub"]["environment"] == before[twin]["environment"]


def rendered(file: Path, environment: str) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(compose.render(file, "x", {"CELADON_ENV": environment}).text)["services"]
    return services
