"""What a folder's files say: port, health, prefix, name, and what it is made with."""

import pytest

from celadon.setup.kinds import kind
from celadon.setup.naming import named, names
from celadon.setup.reading import Clue, base, health, port, wanted
from celadon.setup.scanning import Folder, tells_where

NODE = "FROM node:24-slim\nCOPY . .\n"
PYTHON = "FROM python:3.14-slim\n"


def folder(dockerfile: str = NODE, path: str = "WBSalesHub", **texts: str) -> Folder:
    """`texts` by path, with "__" for "/", "_dot_" for "."."""
    made = {name.replace("__", "/").replace("_dot_", "."): text for name, text in texts.items()}
    return Folder(path, {"Dockerfile": dockerfile, **made}, checkout=True)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (folder(NODE + "EXPOSE 4010"), Clue(4010, "Dockerfile:3 EXPOSE")),
        (folder(NODE + "EXPOSE 9229/udp 1\nEXPOSE 4010/tcp"), Clue(4010, "Dockerfile:4 EXPOSE")),
        (folder(NODE + "ENV NODE_ENV=production PORT=4010\nEXPOSE 1"), Clue(4010, "Dockerfile:3 ENV")),
        (folder(PYTHON + 'EXPOSE 1\nCMD ["uvicorn", "main:app", "--port", "4020"]'), Clue(4020, "Dockerfile:3 CMD")),
        (folder(PYTHON + "CMD gunicorn -b 0.0.0.0:8001 app:app"), Clue(8001, "Dockerfile:2 CMD")),
        (folder(PYTHON + "CMD python manage.py runserver 0.0.0.0:8002"), Clue(8002, "Dockerfile:2 CMD")),
        (folder(NODE + "HEALTHCHECK CMD curl -f http://localhost:4011/up"), Clue(4011, "Dockerfile:3 HEALTHCHECK")),
        (folder(package_dot_json='{"scripts": {"start": "next start -p 3100"}}'), Clue(3100, "package.json")),
        (folder(package_dot_json='{"scripts": {"start": "PORT=3200 node x"}}'), Clue(3200, "package.json")),
        (folder(src__server_dot_js="app.listen(process.env.PORT ?? 4030)"), Clue(4030, "src/server.js")),
        (folder(PYTHON, main_dot_py='os.environ.get("PORT", "8100")'), Clue(8100, "main.py")),
        (folder(a__application_dot_properties="server.port=${PORT:9090}"), Clue(9090, "a/application.properties")),
        (folder(application_dot_yml="server:\n  ssl: no\n  port: 9191\n"), Clue(9191, "application.yml")),
        (folder("FROM node:24 AS build\nEXPOSE 1\nFROM build\nEXPOSE 2"), Clue(2, "Dockerfile:4 EXPOSE")),
        (folder("FROM node:24 AS base\nEXPOSE 1\nFROM base"), Clue(1, "Dockerfile:2 EXPOSE")),
        (folder("FROM node:24 AS build\nEXPOSE 1\nFROM nginx:1.30"), Clue(80, "nginx", sure=False)),
        (folder(package_dot_json='{"dependencies": {"next": "16"}}'), Clue(3000, "Next.js", sure=False)),
        (folder(a_dot_js="process.env.PORT || 3001; process.env.PORT || 3002"), Clue(None, "", False)),
        (folder(), Clue(None, "", sure=False)),
    ],
)  # fmt: skip
def test_port(one: Folder, expected: Clue[int | None]) -> None:
    assert port(one) == expected


@pytest.mark.parametrize(
    ("one", "prefix", "expected"),
    [
        (folder(NODE + 'HEALTHCHECK --interval=3s CMD ["curl", "http://127.0.0.1:1/api/up"]'), "",
         Clue("/api/up", "Dockerfile:3 HEALTHCHECK")),
        (folder(NODE + "HEALTHCHECK CMD wget -q http://localhost:1 || exit 1"), "",
         Clue("/", "Dockerfile:3 HEALTHCHECK")),
        (folder(src__app__api__health__route_dot_ts=""), "", Clue("/api/health", "src/app/api/health/route.ts")),
        (folder(pages__api__healthz_dot_js=""), "", Clue("/api/healthz", "pages/api/healthz.js")),
        (folder(pom_dot_xml="<artifactId>spring-boot-starter-actuator</artifactId>"), "",
         Clue("/actuator/health", "Spring Boot")),
        (folder(a_dot_js='app.get("/api/health", ok)'), "", Clue("/api/health", "a.js")),
        (folder(a_dot_js="app.get(`${prefix}/api/health`, ok)"), "", Clue("/api/health", "a.js")),
        (folder(a_dot_py='@app.get("/health")'), "", Clue("/health", "a.py")),
        (folder(a_dot_java='@GetMapping(value = "/healthz")'), "", Clue("/healthz", "a.java")),
        (folder(a_dot_py='APIRouter(prefix="/shop")\n@api.get("/health")'), "/shop", Clue("/health", "a.py")),
        (folder(a_dot_py='APIRouter(prefix="/v1")\n@api.get("/health")'), "", Clue("/health", "a.py", sure=False)),
        (folder(a_dot_js='api.get("/health", ok)', b_dot_js='app.use("/api", api)'), "",
         Clue("/api/health", "a.js", sure=False)),
        (folder(a_dot_js='if (path == "/ping") fetch("/x")'), "", Clue("/ping", "a.js", sure=False)),
        (folder(), "", Clue("/", sure=False)),
    ],
)  # fmt: skip
def test_health(one: Folder, prefix: str, expected: Clue[str]) -> None:
    assert health(one, prefix) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (folder(NODE + "ENV BASE_PATH=/sales"), Clue("/sales", "Dockerfile:3 ENV")),
        (folder(next_dot_config_dot_js="basePath: '/sales',"), Clue("/sales", "next.config.js")),
        (folder(a__application_dot_properties="server.servlet.context-path=/sales"),
         Clue("/sales", "a/application.properties")),
        (folder(main_dot_py='FastAPI(root_path="/sales")'), Clue("/sales", "main.py")),
        (folder(a_dot_js='const prefix = "/saleshub";'), Clue("/saleshub", "a.js")),
        (folder(a_dot_py='APIRouter(prefix="/users")'), Clue("")),
        (folder(NODE + "ENV BASE_PATH=/"), Clue("")),
    ],
)  # fmt: skip
def test_prefix(one: Folder, expected: Clue[str]) -> None:
    assert base(one, "saleshub") == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (folder(package_dot_json='{"dependencies": {"express": "5", "next": "16"}}'), "Next.js"),
        (folder(package_dot_json='{"dependencies": {"@nestjs/core": "11"}}'), "NestJS"),
        (folder(build_dot_gradle_dot_kts='id("org.springframework.boot") version "4"'), "Spring Boot"),
        (folder(requirements_dot_txt="uvicorn\nFastAPI==0.120\n"), "FastAPI"),
        (folder(pyproject_dot_toml='dependencies = ["django>=5"]'), "Django"),
        (folder("FROM node:24 AS b\nFROM docker.io/library/nginx:1.30\n", package_dot_json='"express": "5"'), "nginx"),
        (folder("FROM my-nginx-exporter\n"), ""),
    ],
)  # fmt: skip
def test_kind(one: Folder, expected: str) -> None:
    assert kind(one).name == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (folder(package_dot_json='{"name": "@wb/sales-hub"}'), ["sales-hub", "wbsaleshub", "wbsaleshub-sales-hub"]),
        (folder(package_dot_json='{"name": "frontend"}'), ["wbsaleshub", "wbsaleshub-frontend"]),
        (folder(package_dot_json='{"name": 3'), ["wbsaleshub", "wbsaleshub"]),
        (folder(pyproject_dot_toml='[project]\nname = "Sales_Hub"'),
         ["sales-hub", "wbsaleshub", "wbsaleshub-sales-hub"]),
        (folder(path="router", pom_dot_xml="<parent><artifactId>boot</artifactId></parent><artifactId>shop</artifactId>"
                                           "<dependencies><artifactId>x</artifactId></dependencies>"),
         ["shop", "router-shop"]),
        (folder(path="."), ["workhub", "workhub"]),
    ],
)  # fmt: skip
def test_names(one: Folder, expected: list[str]) -> None:
    assert list(names(one, "workhub")) == expected


def test_what_no_service_can_be_called_has_no_name() -> None:
    assert [named(text) for text in ("router", "shop-green", "…", "A" * 50)] == ["", "", "", "a" * 40]


def test_an_example_of_an_env_file_tells_names_only() -> None:
    one = folder(_dot_env_dot_example="# DATABASE\nDATABASE_URL=postgres://u:hunter2@db\nexport JWT=\nPORT=1\n")
    assert wanted(one) == ("DATABASE_URL", "JWT")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@github.com:your-org/web.git", True), ("https://github.com/your-org/web.git", True),
        ("/srv/web.git", True),
        ("ssh://git@example.com:2222/web.git", True), ("https://me:hunter2@github.com/x.git", False),
        ("https://hunter2@github.com/x.git", False), ("../web.git", False), ("", False),
    ],
)  # fmt: skip
def test_an_address_with_a_password_or_a_way_from_here_stands_in_no_file(url: str, expected: bool) -> None:
    assert tells_where(url) is expected
