"""A team's workspace for a story: git repositories, a compose file, and `celadon` as the operator types it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

SERVICE = Path(__file__).parents[2] / "bench" / "service"
T = TypeVar("T")
_given: set[int] = set()  # ports: a router that is to listen later must find its own still free
GIT = ["git", "-c", "user.name=Operator", "-c", "user.email=operator@example.com"]


def free_port() -> int:
    """A port that nobody has, and that the kernel gives to no connection: it takes those from higher up."""
    while True:
        port = secrets.choice(range(12_000, 32_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


def run(argv: list[str], cwd: Path | None = None, check: bool = True) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=300)
    if check and done.returncode:
        raise AssertionError(f"{argv} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def wait_for(look: Callable[[], T], seconds: float = 60, every: float = 0.1) -> T:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(every)
    raise AssertionError(f"nothing within {seconds} s")


def processes(*words: str) -> list[int]:
    """Processes of the host, containers and builds included, that were started with exactly these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:
            continue
        if argv == [word.encode() for word in words]:
            found.append(int(folder.name))
    return found


@dataclass(frozen=True)
class Ran:
    """How a command of the operator ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Workspace:
    folder: Path
    name: str = field(default_factory=lambda: f"t{secrets.token_hex(3)}")
    staging: int = field(default_factory=free_port)
    production: int = field(default_factory=free_port)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    of_production: dict[str, Any] = field(default_factory=dict)
    staging_only: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, *, route: str | None, port: int = 8000, env: dict[str, str] | None = None,
            celadon: dict[str, Any] | None = None, **definition: Any) -> None:  # fmt: skip
        """A service in a git repository of its own, with its checkout in the workspace. Its name is made unique:
        image tags are the host's, and stories must not meet."""
        unique = self.unique(name)
        options: dict[str, Any] = {"port": port, "route": route, "health": "/api/health"} if route else {}
        prefix = "" if route in (None, "/") else route
        self.services[unique] = {
            "build": f"./{unique}",
            "environment": {"NAME": name, "PORT": str(port), "PREFIX": prefix, **(env or {})},
            "env_file": ["config/.env.${CELADON_ENV:-staging}"],
            "stop_grace_period": "5s",
            "x-celadon": {**options, **(celadon or {})},
            **definition,
        }  # fmt: skip
        bare = self.folder / "repositories" / f"{unique}.git"
        run(["git", "init", "--quiet", "--bare", "-b", "main", str(bare)])
        run(["git", "clone", "--quiet", str(bare), str(self.folder / unique)])
        for file in SERVICE.iterdir():
            if file.is_file():
                shutil.copy(file, self.folder / unique)
        self.commit(name, {"VERSION": "1\n"}, "first")

    def make_team(self) -> None:
        """Two hubs, one at / and one at /shop; the first calls the second."""
        peer = f"http://{self.unique('shop')}:8000/shop/api/health"
        self.add("hub", route="/", port=8001, env={"PEER": peer})
        self.add("shop", route="/shop")
        self.write()

    def unique(self, name: str) -> str:
        return f"{name}-{self.name}"

    def commit(self, name: str, files: dict[str, str], message: str, push: bool = True) -> str:
        """A commit in the service's checkout, pushed; returns its sha."""
        checkout = self.folder / self.unique(name)
        for file, text in files.items():
            (checkout / file).write_text(text)
        run([*GIT, "add", "-A"], checkout)
        run([*GIT, "commit", "--quiet", "--allow-empty", "-m", message], checkout)
        if push:
            run([*GIT, "push", "--quiet", "origin", "HEAD:main"], checkout)
        return run(["git", "rev-parse", "HEAD"], checkout).strip()

    def write(self) -> None:
        """Write compose.yaml and the env files."""
        (self.folder / "config").mkdir(exist_ok=True)
        for environment in ("staging", "production"):
            file = self.folder / "config" / f".env.{environment}"
            if not file.exists():
                file.write_text(f"GREETING=hello {environment}\n")
        settings = {"watch": "1s", "drain": "10s", **self.environment}
        environments = {
            "staging": {
                "listen": [f"127.0.0.1:{self.staging}"],
                "url": f"http://127.0.0.1:{self.staging}",
                **settings,
                **self.staging_only,
            },
            "production": {
                "listen": [f"127.0.0.1:{self.production}"],
                "url": f"http://127.0.0.1:{self.production}",
                "from": "staging",
                **settings,
                **self.of_production,
            },
        }
        document = {
            "name": self.name,
            "x-celadon": {"environments": environments, **self.top},
            "services": self.services,
        }
        (self.folder / "compose.yaml").write_text(yaml.safe_dump({**document, **self.extra}, sort_keys=False))

    # The operator

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "celadon", "-C", str(self.folder), *words]

    def celadon(self, *words: str, expect: int | None = 0, env: dict[str, str] | None = None) -> Ran:
        """Run a verb; `expect` is the exit code it must end with, None for any."""
        done = subprocess.run(
            self.argv(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
            env={**os.environ, "COLUMNS": "200", **(env or {})},
        )  # fmt: skip
        ran = Ran(done.returncode, done.stdout, done.stderr)
        if expect is not None and ran.code != expect:
            raise AssertionError(f"celadon {words} ended with {ran.code}:\n{ran.out}\n{ran.err}")
        if expect == 0 and "tidying up failed" in ran.out + ran.err:  # users are served, so the code does not tell
            raise AssertionError(f"celadon {words} could not tidy up:\n{ran.out}\n{ran.err}")
        return ran

    def start(self, *words: str, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.argv(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **(env or {})},
        )  # fmt: skip

    def runners(self) -> list[int]:
        """Process ids of deployments that run: they outlive the command that started them."""
        rows = self.celadon("history", "--json").json
        return [d["pid"] for d in rows if d["outcome"] in ("waiting", "running") and d["pid"]]

    def runner(self) -> int:
        """The process id of the deployment that runs, as soon as there is one."""
        return wait_for(self.runners)[0]

    # What users and the engine see

    def get(self, path: str, environment: str = "staging") -> tuple[int, dict[str, Any]]:
        """GET through the router: status, and the JSON answer ({"text": …} for another)."""
        port = self.staging if environment == "staging" else self.production
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, {"text": text}

    def version(self, route: str = "", environment: str = "staging") -> str:
        status, answer = self.get(f"{route}/api/health", environment)
        assert status == 200, answer
        return str(answer["version"])

    def containers(self, *filters: str) -> list[str]:
        """Names of this workspace's containers, running or not."""
        argv = ["docker", "ps", "--all", "--format", "{{.Names}}", "--filter", f"label=celadon.workspace={self.name}"]
        for one in filters:
            argv += ["--filter", one]
        return sorted(run(argv).split())

    def slots(self, environment: str = "staging") -> list[str]:
        marks = ("label=celadon.role=slot", f"label=celadon.environment={environment}")
        start = f"{self.name}-{environment}-"
        return [n.removeprefix(start).removesuffix("-1").replace(f"-{self.name}", "") for n in self.containers(*marks)]

    def image(self, name: str, tag: str) -> str:
        argv = ["docker", "image", "inspect", "--format", "{{.Id}}", f"{self.unique(name)}:{tag}"]
        return run(argv, check=False).strip()

    def images(self) -> list[str]:
        """Names of this workspace's images."""
        names = run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).split()
        return [name for name in names if self.name in name]

    def images_of(self, name: str) -> list[str]:
        """Names of a service's images, the newest first."""
        return [one for one in self.images() if one.startswith(f"{self.unique(name)}:")]

    def live(self, name: str, environment: str = "staging") -> dict[str, Any]:
        rows = self.celadon("status", "--json").json["services"]
        return next(r for r in rows if (r["service"], r["environment"]) == (self.unique(name), environment))

    def remove(self) -> None:
        """Take away everything that the story made, by its labels and names."""
        if (self.folder / "compose.yaml").exists():
            while self.celadon("cancel", expect=None).code == 0:
                time.sleep(0.2)
        mark = f"label=celadon.workspace={self.name}"
        ids = run(["docker", "ps", "--all", "--quiet", "--filter", mark]).split()
        if ids:
            run(["docker", "rm", "--force", "--volumes", *ids])
        for kind in ("network", "volume"):
            found = run(["docker", kind, "ls", "--quiet", "--filter", f"name={self.name}"]).split()
            for one in found:
                run(["docker", kind, "rm", one], check=False)
        if mine := self.images():
            run(["docker", "image", "rm", "--force", *mine], check=False)
