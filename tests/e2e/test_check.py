"""Stories of `check`, on the real command: what a team brings, without an engine, and with no secret in any output."""

import json
import resource
import zipfile
from pathlib import Path

from tests.e2e.workspace import Workspace, run

CANARIES = ("c4n4ry-password", "c4n4ry-token", "c4n4ry-build", "c4n4ry-key", "c4n4ry-left-open")
ROOT = Path(__file__).parents[2]


def bring(team: Workspace) -> None:
    """A team's usual mistakes, all at once."""
    run(["git", "init", "--quiet", str(team.folder)])
    service = team.folder / team.unique("shop")
    (service / "Dockerfile").write_text(
        f"FROM node\nARG NPM_TOKEN={CANARIES[2]}\nCOPY . .\nRUN npm ci && \\\n    npm run build\nCMD node server.js\n"
    )
    keys = team.folder / "config" / "keys"
    keys.mkdir(parents=True)
    (keys / "jwt.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{CANARIES[3]}\n-----END PRIVATE KEY-----\n")
    (keys / "jwt.pem").chmod(0o644)
    (keys / "jwt_public.pem").write_text("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n")
    staging = team.folder / "config" / ".env.staging"
    staging.write_text(
        f"DATABASE_URL=postgres://shop:{CANARIES[0]}@localhost:5432/shop\nAPI_TOKEN={CANARIES[1]}\n"
        f"API_TOKEN={CANARIES[1]}\n"
    )
    staging.chmod(0o644)
    team.services[team.unique("shop")]["volumes"] = ["./config/keys:/keys:ro"]
    team.services["db"] = {"image": "postgres:18", "ports": ["5432:5432"]}
    team.top["build"] = {"memory": "2g"}
    team.write()
    run(["git", "-C", str(team.folder), "add", "config/.env.staging", "config/keys/jwt.pem"])


def test_what_a_team_brings_is_looked_at_without_an_engine(shop: Workspace) -> None:
    bring(shop)
    nowhere = {"DOCKER_HOST": f"unix://{shop.folder}/none"}
    found = shop.celadon("check", "--json", expect=1, env=nowhere).json
    file = f"{shop.folder}/{shop.unique('shop')}/Dockerfile"
    placed = {(one["rule"], one["file"], one["line"], one["severity"]) for one in found}
    assert {
        ("dockerfile/unpinned-base", file, 1, "warning"),
        ("dockerfile/root", file, 1, "warning"),
        ("dockerfile/secret", file, 2, "error"),
        ("dockerfile/no-cache-mount", file, 4, "warning"),
        ("dockerfile/no-heap-limit", file, 5, "warning"),
        ("dockerfile/shell-form", file, 6, "warning"),
        ("env/duplicate-key", f"{shop.folder}/config/.env.staging", 3, "warning"),
        ("env/tracked", f"{shop.folder}/config/.env.staging", 1, "error"),
        ("env/not-ignored", f"{shop.folder}/config/.env.production", 1, "warning"),
        ("compose/localhost", f"{shop.folder}/config/.env.staging", 1, "warning"),
        ("keys/mode", f"{shop.folder}/config/keys/jwt.pem", 1, "error"),
        ("keys/tracked", f"{shop.folder}/config/keys/jwt.pem", 1, "error"),
        ("host/engine", "", 0, "info"),
    } <= placed
    assert "compose/port-taken" in {one["rule"] for one in found}
    assert not any("jwt_public" in one["file"] for one in found)
    only = shop.celadon("check", "production", "--json", expect=None, env=nowhere).json
    assert not any(one["file"].endswith(".env.staging") for one in only)
    assert "Did you mean `staging`?" in shop.celadon("check", "stagin", expect=2).err
    assert not (shop.folder / ".celadon").exists()

    text = shop.celadon("check", expect=1, env=nowhere)
    assert f"{file}:2:1  error  dockerfile/secret  ARG gives NPM_TOKEN a value" in text.out
    count = {s: sum(one["severity"] == s for one in found) for s in ("error", "warning", "info")}
    assert text.out.splitlines()[-1] == f"{count['error']} errors, {count['warning']} warnings, {count['info']} remarks"
    report = shop.celadon("check", "--sarif", expect=1, env=nowhere)
    assert len(json.loads(report.out)["runs"][0]["results"]) == len(found)

    # Compose prints what it cannot read of an env file: neither this verb nor another may pass it on.
    (shop.folder / "config" / ".env.staging").write_text(f'API_TOKEN="{CANARIES[4]}\nB=1\n')
    refused = shop.celadon("check", expect=1, env=nowhere)
    assert ".env.staging:1:1  error  env/quoting  API_TOKEN: the quotation is not closed" in refused.out
    assert "env/not-checked" not in refused.out and f"{file}:2:1  error  dockerfile/secret" in refused.out
    planned = shop.celadon("plan", "deploy", "staging", expect=2)
    assert ".env.staging: is no env file that Compose can read" in planned.err
    said = [ran.out + ran.err for ran in (text, report, refused, planned)] + [json.dumps(found)]
    assert [one for one in CANARIES for words in said if one in words] == []

    (shop.folder / shop.unique("shop") / "Dockerfile").write_bytes(b"FROM \xff\n")
    (shop.folder / "config" / ".env.staging").write_text("A=1\n")
    assert "is no UTF-8 text" in shop.celadon("check", expect=2).err


def bring_what_can_be_mended(shop: Workspace) -> Path:
    """A Dockerfile that builds without a network, and files that lie open."""
    run(["git", "init", "--quiet", str(shop.folder)])
    service = shop.folder / shop.unique("shop")
    with zipfile.ZipFile(service / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        about = "tiny-1.0.dist-info/"
        wheel.writestr("tiny.py", "HERE = True\n")
        wheel.writestr(f"{about}METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(f"{about}WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}RECORD", "")
    package = {"name": "tiny", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {}}
    (service / "package.json").write_text(json.dumps({"name": "tiny", "version": "1.0.0"}))
    (service / "package-lock.json").write_text(json.dumps(package))
    (service / ".npmrc").write_text(f"//registry.example.com/:_authToken={CANARIES[1]}\n")
    (service / "Dockerfile").write_text(
        "FROM node:24-slim AS web\nCOPY package.json package-lock.json .npmrc ./\nRUN npm ci --offline\n"
        "FROM python:3.14-slim\nCOPY . .\n"
        "RUN apt-get install -y --no-install-recommends bash && rm -rf /var/lib/apt/lists/*\n"
        "RUN set -e; \\\n    pip install --no-cache-dir --no-index \\\n    ./tiny-1.0-py3-none-any.whl\n"
        "RUN <<EOF\npython3 -c 'import tiny; assert tiny.HERE'\nEOF\n"
        'COPY --from=web /package.json /web.json\nUSER 1000\nCMD ["python3", "-u", "app.py"]\n'
    )
    keys = shop.folder / "config" / "keys"
    keys.mkdir(parents=True)
    (keys / "jwt.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\n\xff\n-----END PRIVATE KEY-----\n")
    shop.services[shop.unique("shop")] |= {"volumes": ["./config/keys:/keys:ro"], "user": "0:0"}
    shop.write()
    for file in (keys / "jwt.pem", *(shop.folder / "config").glob(".env.*")):
        file.chmod(0o644)
    return service


def test_what_is_certain_is_mended_and_the_build_goes_on(shop: Workspace) -> None:
    service = bring_what_can_be_mended(shop)
    nowhere = {"DOCKER_HOST": f"unix://{shop.folder}/none"}
    before = {one["rule"] for one in shop.celadon("check", "--json", expect=1, env=nowhere).json if one["fix"]}
    assert before == {"dockerfile/no-cache-mount", "dockerfile/npm-timeout", "dockerfile/no-dockerignore", "env/mode",
                      "env/not-ignored", "keys/mode", "keys/not-ignored"}  # fmt: skip
    assert "(celadon check --fix mends it)" in shop.celadon("check", expect=1, env=nowhere).out

    dockerfile = (service / "Dockerfile").read_text()
    asked = shop.celadon("check", "--fix", expect=2, env=nowhere)
    assert "say yes with -y" in asked.err
    shown = shop.celadon("check", "--fix", "--dry-run", expect=1, env=nowhere).out
    assert "+RUN --mount=type=cache,target=/root/.npm npm ci --offline" in shown
    assert "config/.env.staging: mode 0644 → 0600" in shown and CANARIES[1] not in shown
    assert (service / "Dockerfile").read_text() == dockerfile and not (service / ".dockerignore").exists()

    mended = shop.celadon("check", "--fix", "-y", env=nowhere)
    assert "0 errors" in mended.out and "mends it" not in mended.out
    assert (shop.folder / "config" / "keys" / "jwt.pem").stat().st_mode & 0o777 == 0o600
    assert run(["git", "-C", str(shop.folder), "status", "--porcelain", "--ignored", "config"]).split() == [
        "!!",
        "config/",
    ]
    ignored = (service / ".dockerignore").read_text().split()
    assert ".git" in ignored and "**/.env" in ignored and "**/node_modules" in ignored
    assert (service / ".npmrc").read_text().endswith("\nfetch-timeout=60000\n")
    kept = {
        file: file.read_bytes() for file in (service / "Dockerfile", service / ".npmrc", shop.folder / ".gitignore")
    }
    again = shop.celadon("check", "--fix", "-y", env=nowhere)
    assert "There is nothing that `--fix` could mend." in again.out
    assert {file: file.read_bytes() for file in kept} == kept

    assert "--no-cache-dir" not in (service / "Dockerfile").read_text()
    run(["docker", "buildx", "build", "--call=check", str(service)])
    run(
        ["docker", "buildx", "build", "--network=none", "--load", "--tag", f"{shop.unique('shop')}:fixed", str(service)]
    )


def test_a_deploy_is_refused_before_anything_changes(shop: Workspace) -> None:
    name = shop.unique("shop")
    text = (shop.folder / name / "Dockerfile").read_text()
    wrong = text.replace("WORKDIR", f"ENV DB_PASSWORD={CANARIES[0]}\nWORKDIR")
    shop.commit("shop", {"Dockerfile": wrong}, "a secret")
    shop.services[name]["environment"]["TAG"] = "${CELADON_TEST_TAG}"
    shop.write()
    for words in (["deploy", "staging"], ["build", "staging"], ["plan", "deploy", "staging"]):
        refused = shop.celadon(*words, expect=1)
        assert f"{shop.folder}/{name}/Dockerfile:2:1: ENV gives DB_PASSWORD a value (dockerfile/secret)" in refused.err
        assert "# celadon: allow dockerfile/secret" in refused.err and CANARIES[0] not in refused.out + refused.err
        assert refused.err.count("CELADON_TEST_TAG is not set") == 1
        assert f"1. start {shop.name}" in refused.out or "build " in refused.out  # the plan is seen all the same
    shown = shop.celadon("deploy", "staging", "--dry-run", "--json", expect=1)
    assert "dockerfile/secret" in {one["rule"] for one in shown.json["findings"]}
    assert shop.celadon("history", "--json").json == [] and shop.containers() == []

    shop.commit(
        "shop", {"Dockerfile": wrong.replace("ENV DB", "# celadon: allow dockerfile/secret\nENV DB")}, "meant so"
    )
    done = shop.celadon("deploy", "staging")
    assert "warnings: celadon check staging" in done.err
    assert shop.version("/shop") == "1"

    # What was tested goes on to users, and back from them, whatever became of the files since.
    keys = shop.folder / "keys"
    keys.mkdir()
    (keys / "jwt.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    (keys / "jwt.pem").chmod(0o644)
    shop.services[name]["volumes"] = ["./keys:/keys:ro"]
    shop.write()
    assert "keys/mode" in shop.celadon("deploy", "staging", expect=1).err
    shop.celadon("promote", "-y")
    assert shop.version("/shop", "production") == "1"


def test_buildkit_is_asked_where_it_is_wished(shop: Workspace) -> None:
    file = shop.folder / shop.unique("shop") / "Dockerfile"
    file.write_text(file.read_text().replace("FROM python:3.14-slim", "FROM python:3.14-slim AS Base"))
    assert not any(one["rule"].startswith("buildkit/") for one in shop.celadon("check", "--json", expect=None).json)
    found = shop.celadon("check", "--buildkit", "--json", expect=None).json
    assert [one["line"] for one in found if one["rule"] == "buildkit/StageNameCasing"] == [1]
    nowhere = {"DOCKER_HOST": f"unix://{shop.folder}/none"}
    told = shop.celadon("check", "--buildkit", env=nowhere, expect=None).out
    assert "info  buildkit/no-answer  BuildKit could not look at it" in told


def test_the_example_is_well_and_quickly_looked_at(empty: Workspace) -> None:
    empty.write()  # so that the fixture has a workspace to take away
    argv = empty.argv("check")
    argv[argv.index("-C") + 1] = str(ROOT / "examples" / "workhub")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = run(argv)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert (
        spent < 2
    )  # of processors: what else the machine does is not of interest; it takes no longer where nothing does
    assert out.splitlines()[-1].startswith("0 errors, ")
    assert "env/" not in out  # allowed there
