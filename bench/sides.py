"""The two sides of the comparison: the same five services through Celadon, and through the plain script."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
SERVICES = {"one": 8001, "two": 8002, "three": 8003, "four": 8004, "five": 8005}
GIT = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@example.com"]


def run(argv: list[str], cwd: Path | None = None) -> str:
    """Run to the end; raises RuntimeError with the output when it fails."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Celadon:
    """Five services in a workspace of their own: staging at 4601, production at 4600."""

    name = "celadon"
    base = "http://127.0.0.1:4600"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._command = [str(Path(sys.executable).with_name("celadon")), "-C", str(folder)]

    def set_up(self) -> None:
        """Version 1 is live in production, version 2 in staging."""
        for service in SERVICES:
            source = self._folder / f"bench-{service}"
            shutil.copytree(HERE / "service", source, ignore=shutil.ignore_patterns("__pycache__"))
            run(["git", "init", "--quiet", "--initial-branch", "main"], source)
        (self._folder / "compose.yaml").write_text(yaml.safe_dump(self._compose(), sort_keys=False))
        self._release("1")
        run([*self._command, "promote", "-y"])
        self._release("2")

    def _release(self, version: str) -> None:
        for service in SERVICES:
            source = self._folder / f"bench-{service}"
            (source / "VERSION").write_text(f"{version}\n")
            run(["git", "add", "--all"], source)
            run([*GIT, "commit", "--quiet", "--message", f"version {version}"], source)
        run([*self._command, "deploy", "staging"])

    def _compose(self) -> dict[str, object]:
        def environment(port: int, **more: str) -> dict[str, object]:
            return {"listen": [f"127.0.0.1:{port}"], "url": f"http://127.0.0.1:{port}", "watch": "1s", **more}

        services = {
            f"bench-{name}": {
                "build": f"./bench-{name}",
                "stop_grace_period": "10s",
                "environment": {"NAME": name, "PORT": str(port), "PREFIX": f"/{name}", "READY_AFTER": "2"},
                "x-celadon": {"port": port, "route": f"/{name}", "health": "/api/health"},
            }
            for name, port in SERVICES.items()
        }
        environments = {"staging": environment(4601), "production": environment(4600, **{"from": "staging"})}
        return {"name": "bench", "x-celadon": {"environments": environments}, "services": services}

    def promote(self) -> list[str]:
        return [*self._command, "promote", "-y"]

    def rollback(self) -> list[str]:
        return [*self._command, "rollback", "production", "-y"]

    def status(self) -> list[str]:
        return [*self._command, "status"]

    def healthy_to_users(self) -> float:
        """Seconds from the last candidate's last good answer until only new workers take requests, in the last run."""
        last = json.loads(run([*self._command, "history", "--json", "-n", "1"]))[0]["id"]
        steps = json.loads(run([*self._command, "history", "--show", str(last), "--json"]))["steps"]
        return float(sum(s["seconds"] for s in steps if s["text"].startswith(("commit ", "switch the router"))))

    def tear_down(self) -> None:
        for environment in ("production", "staging"):
            if (self._folder / ".celadon" / "environments" / environment).exists():
                run([*self._command, "down", environment, "--volumes", "-y"])


class Script:
    """A team's scripts, in a folder of their own: up.sh, promote.sh, rollback.sh, down.sh."""

    def __init__(self, name: str, folder: str, port: int, *words: str) -> None:
        self.name, self.base = name, f"http://127.0.0.1:{port}"
        self._folder, self._words = HERE / folder, words

    def set_up(self) -> None:
        """The images that Celadon built (version 1 and 2), under the moving tags of the scripts."""
        for service in SERVICES:
            names = run(["docker", "image", "ls", "--format", "{{.Tag}}", f"bench-{service}"]).split()
            first, second = sorted(n for n in names if n[:1].isdigit())[:2]
            run(["docker", "tag", f"bench-{service}:{first}", f"bench-{service}:production"])
            run(["docker", "tag", f"bench-{service}:{second}", f"bench-{service}:staging"])
        run([str(self._folder / "up.sh")])

    def promote(self) -> list[str]:
        return [str(self._folder / "promote.sh"), *self._words]

    def rollback(self) -> list[str]:
        return [str(self._folder / "rollback.sh"), *self._words]

    def tear_down(self) -> None:
        run([str(self._folder / "down.sh")])


SCRIPTS = (
    Script("plain script", "plain", 4700),
    Script("plain script + reload", "plain", 4700, "reload"),
    Script("docker rename + reload", "rename", 4710),
    Script("scale to two and back", "rollout", 4720),
)
