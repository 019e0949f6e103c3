"""The canary: known values in every secret place, everything done with them, and then looked for everywhere.

Allowed are the frozen documents and what a rollback or a fetch needs, each 0600 in folders that are 0700. Secrets that
containers read as files are 0444 there.
"""

import base64
import functools
import gzip
import json
import os
import re
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from celadon.run import lock_folder
from celadon.state import caps
from tests.doppler import TOKEN as DOPPLER_TOKEN
from tests.doppler import doppler
from tests.e2e.workspace import Ran, Workspace, free_port, run
from tests.inbox import TOKEN as NOTIFY_TOKEN
from tests.inbox import inbox

STAGING, PRODUCTION, GIT, KEY = "c4n4ryStaging", "c4n4ryProduction", "c4n4ryOfGit", "c4n4ryOfAKey"
BUILD_FILE, BUILD_SHELL, BUILD_DOTENV = "c4n4ryOfABuildsFile", "c4n4ryOfABuildsShell", "c4n4ryOfABuildsDotenv"
RUN_FILE, TLS_KEY = "c4n4ryMountedAsAFile", "c4n4ryOfTheRoutersKey"
ENV = (STAGING, PRODUCTION)
EVERY = (*ENV, GIT, KEY, BUILD_FILE, BUILD_SHELL, BUILD_DOTENV, RUN_FILE, TLS_KEY, NOTIFY_TOKEN, DOPPLER_TOKEN)

# A service that says more than it should, as soon as it starts.
TALKS = 'print("connecting with", os.environ["API_TOKEN"], os.environ["DATABASE_URL"], flush=True)\n'

# What may hold which values, below .celadon; everything else may hold none.
ALLOWED = {
    "environments/*/compose.yaml": ENV,  # the containers' variables, for heals
    "environments/*/rendered-*.yaml": (*ENV, NOTIFY_TOKEN, GIT, RUN_FILE),  # the whole, for rollbacks
    "releases/*/*/*/compose.yaml": (*ENV, RUN_FILE),  # law 4: a release is frozen with its environment and its secrets
    "releases/*/*/*/secrets/*": (RUN_FILE,),  # mounted into containers
    "src/*/credentials": (GIT,),  # git's own helper reads it
    "router/*/*.key": (TLS_KEY,),  # the router reads it, and starts again with it where the team's own is gone
}


class Watch:
    """Command lines of every process of the host, looked at again and again, and what celadon said."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.said: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.002):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(file.read_bytes())
                except OSError:
                    continue

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._over.set()
        self._thread.join()


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The folder's repositories over http, for who knows the password; the port."""
    expected = f"Basic {base64.b64encode(f'deployer:{GIT}'.encode()).decode()}"

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] == expected:
                return super().do_GET()
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return None

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def prepare(shop: Workspace, git_port: int) -> None:
    name = shop.unique("shop")
    folder = shop.folder
    (folder / "config" / "keys").mkdir()
    (folder / "config" / "keys" / "private.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{KEY}\n")
    (folder / "config" / "keys" / "private.pem").chmod(0o600)
    (folder / "run.key").write_text(f"{RUN_FILE}\n")
    (folder / "run.key").chmod(0o600)
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop.example.com"]
    run([*make, "-keyout", "tls.key", "-out", "tls_cert.pem"], folder)
    key = (folder / "tls.key").read_text()
    (folder / "tls.key").write_text(f"{TLS_KEY}\n{key}")  # words before a key are no part of it
    (folder / "npmrc").write_text(f"{BUILD_FILE}\n")
    (folder / ".env").write_text(f"FROM_DOTENV={BUILD_DOTENV}\n")
    sources = {
        "file": {"file": "./npmrc"},
        "shell": {"environment": "FROM_SHELL"},
        "own": {"environment": "FROM_DOTENV"},
    }
    mounts = " ".join(f"--mount=type=secret,id={one},required=true" for one in sources)
    file = folder / name / "Dockerfile"
    app = file.with_name("app.py").read_text()
    files = {"Dockerfile": f"{file.read_text()}RUN {mounts} : {shop.name} && cat /run/secrets/* | sha256sum\n",
             "app.py": app.replace("STARTED =", f"{TALKS}STARTED =")}  # fmt: skip
    shop.commit("shop", files, "secrets")
    run(["git", "update-server-info"], folder / "repositories" / f"{name}.git")
    run(["rm", "-rf", str(folder / name)])  # Celadon keeps a clone of its own
    service = shop.services[name]
    service["build"] = {"context": f"./{name}", "secrets": [*sources], "args": {"MODE": "c4n4rio"}}
    service["volumes"] = ["./config/keys:/app/keys:ro"]
    service["x-celadon"]["git"] = {"url": f"http://deployer:{GIT}@127.0.0.1:{git_port}/{name}.git"}
    service["x-celadon"]["health"] = {"path": "/api/health", "within": "4s"}
    service["secrets"] = ["run"]
    shop.extra["secrets"] = {**sources, "run": {"file": "./run.key"}}
    secure = {"listen": [f"127.0.0.1:{free_port()}"], "redirect": False}
    shop.of_production = {"tls": {"certificate": "tls_cert.pem", "key": "tls.key", **secure}}
    shop.top["secrets"] = {"doppler": {"project": "shop", "token": "${DOPPLER_TOKEN:-}"}}
    shop.top["notify"] = {"url": "${CELADON_NOTIFY_URL:-}", "on": ["started", "succeeded", "failed", "reverted"]}
    shop.write()
    (folder / "config" / ".env.production").write_text(
        f"API_TOKEN={PRODUCTION}\nDATABASE_URL=pg://shop:{PRODUCTION}@db\n"
    )


def everything(shop: Workspace, known: dict[str, str], host: str, watch: Watch) -> None:
    """A life of a workspace, with all that may go wrong in it."""

    def types(*words: str, expect: int | None = 0, **more: str) -> Ran:
        ran = shop.celadon(*words, expect=expect, env={**known, **more})
        watch.said += [ran.out, ran.err]
        return ran

    name = shop.unique("shop")
    service = shop.services[name]
    repository = shop.folder / "repositories" / f"{name}.git"

    def commit(files: dict[str, str]) -> None:
        """What a colleague pushes from elsewhere."""
        run(["git", "clone", "--quiet", str(repository), str(shop.folder / name)])
        shop.commit("shop", files, "another")
        run(["git", "update-server-info"], repository)
        run(["rm", "-rf", str(shop.folder / name)])

    types("env", "pull", "staging", "--dry-run", DOPPLER_API_HOST=host)
    types("env", "pull", "staging", "-y", DOPPLER_API_HOST=host)
    types("env", "pull", "staging", "-y", expect=1, DOPPLER_API_HOST="http://127.0.0.1:9")
    types("env", "diff", "staging", "production", "--json")
    types("env", "check", "--json", expect=None)
    types("env", "edit", "staging", EDITOR="true")
    types("check", "--json", expect=None)
    types("plan", "deploy", "staging", "--json")
    types("deploy", "staging")
    assert shop.celadon("exec", "staging", name, "--", "printenv", "API_TOKEN").out == f"{STAGING}\n"
    assert shop.celadon("exec", "staging", name, "--", "cat", "/run/secrets/run").out == f"{RUN_FILE}\n"
    types("env", "run", "staging", name, "--", "true")
    types("promote", "-y")
    types("notify", "staging")

    service["environment"]["HEALTH"] = "503"
    shop.write()
    assert "connecting with *** postgres://shop:***@db/shop" in types("deploy", "staging", expect=1).err
    del service["environment"]["HEALTH"]
    service["x-celadon"]["release"] = ["sh", "-c", "echo $$API_TOKEN; exit 7"]
    shop.write()
    types("deploy", "staging", "--force", expect=1)
    del service["x-celadon"]["release"]
    shop.write()
    commit({"Dockerfile": "FROM python:3.14-slim\nARG MODE\nRUN echo $MODE >&2 && false\n"})
    broken = types("deploy", "staging", expect=1)
    assert "the build failed at [2/2] RUN echo ${MODE}" in broken.err
    commit(
        {"Dockerfile": (Path(__file__).parents[2] / "bench" / "service" / "Dockerfile").read_text(), "VERSION": "2\n"}
    )
    types("deploy", "staging", "--json")
    types("rollback", "staging", "-y")
    for words in (("status",), ("history",), ("releases",), ("cleanup",)):
        types(*words, "--json")
    types("diagnose", "--json", expect=None)
    types("diagnose", "--bundle", str(shop.folder / "bundle.tar.gz"))
    types("reconcile")


def test_no_secret_is_anywhere_but_where_it_must_be(shop: Workspace) -> None:
    given = {"API_TOKEN": STAGING, "DATABASE_URL": f"postgres://shop:{STAGING}@db/shop"}
    with served(shop.folder / "repositories") as port, doppler(given) as server, inbox() as box, Watch() as watch:
        prepare(shop, port)
        known = {"CELADON_NOTIFY_URL": box.url, "DOPPLER_TOKEN": DOPPLER_TOKEN, "FROM_SHELL": BUILD_SHELL}
        everything(shop, known, server.host, watch)
        images = _images(shop)
    # Each search is tried on what has to be there: one that looks at nothing finds nothing.
    assert "connecting with" in "".join(watch.said) and not _found("".join(watch.said)), "said"
    assert box.came and not _found(json.dumps(box.came)), "told"
    own = [line for line in watch.seen if _found(line)]
    assert any(b"promote" in line for line in watch.seen) and not own, own
    with tarfile.open(shop.folder / "bundle.tar.gz") as archive:
        for entry in archive.getmembers():
            content = archive.extractfile(entry)
            assert content is not None and not _found(content.read()), entry.name
    assert any(TALKS.encode() in layer for layer in images) and not any(_found(text) for text in images)
    _look_through(shop.folder / ".celadon")
    assert (lock_folder.FOLDER / lock_folder.LOCK).exists() and not [
        file for file in _elsewhere() if _found(file.read_bytes())
    ]
    mounted = shop.folder / "config" / ".env.staging"
    assert STAGING in mounted.read_text() and mounted.stat().st_mode & 0o777 == 0o600


def _look_through(root: Path) -> None:
    """Nothing below .celadon but what is allowed holds a value, and that is private; each allowed place is in use."""
    used: dict[str, set[str]] = {pattern: set() for pattern in ALLOWED}
    for file in (one for one in root.rglob("*") if one.is_file()):
        found = _found(file.read_bytes())
        pattern = next((p for p in ALLOWED if file.relative_to(root).match(p)), None)
        allowed = ALLOWED[pattern] if pattern else ()
        assert found <= set(allowed), f"{file}: {found - set(allowed)}"
        if pattern:
            used[pattern] |= found
            assert file.stat().st_mode & 0o777 == (0o444 if file.parent.name == "secrets" else 0o600), file
            assert all(folder.stat().st_mode & 0o077 == 0 for folder in _between(file, root)), file
    assert all(used[pattern] == set(values) for pattern, values in ALLOWED.items()), used


def _elsewhere() -> Iterator[Path]:
    """What Celadon writes outside of the workspace, and what its folders of a moment might have left."""
    moments = [Path(one) for one in (tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", "")) if one]
    folders = [lock_folder.FOLDER, *(one for folder in moments for one in folder.glob("celadon-????????"))]
    yield from (file for file in (caps.file(),) if file.is_file())
    yield from (file for folder in folders for file in folder.glob("*") if file.is_file())


def _between(file: Path, root: Path) -> list[Path]:
    return [folder for folder in file.parents if folder.is_relative_to(root)]


def _images(shop: Workspace) -> list[bytes]:
    """Everything in the shop's images: layers, configurations, histories; and what its containers' labels say."""
    name = shop.unique("shop")
    archive = shop.folder / "images.tar"
    run(["docker", "save", "--output", str(archive), name])
    with tarfile.open(archive) as parts:  # its layers are packed, or not, as the engine keeps them
        saved = [part.read() for entry in parts.getmembers() if (part := parts.extractfile(entry))]
    layers = [gzip.decompress(part) if part.startswith(b"\x1f\x8b") else part for part in saved]
    labels = run(["docker", "inspect", "--format", "{{json .Config.Labels}}", *shop.containers()])
    packed = [zlib.decompress(base64.b64decode(one)) for one in re.findall(r'"celadon.document":"([^"]+)"', labels)]
    assert packed
    return [*layers, labels.encode(), *packed]


def _found(text: str | bytes) -> set[str]:
    """The values that stand in `text`, as they are or in base64."""
    data = text.encode() if isinstance(text, str) else text
    return {value for value in EVERY if value.encode() in data or base64.b64encode(value.encode())[:-4] in data}
