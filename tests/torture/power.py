"""Power cuts at random moments of a promote, on a small server in a box: it boots, serves one release, and is healed.

The server has systemd, cgroup v2, 2 CPUs and 2 GB, and no network: images and packages are brought to it.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.workspace import SERVICE, wait_for

ROOT = Path(__file__).parents[2]
BOX = ROOT / "tests" / "torture" / "smallserver"
CELADON = "/opt/celadon/bin/celadon -C /srv/team"
PORT = 4500
HUBS = {"hub": "", "shop": "/shop"}
IMAGES = ("python:3.14-slim", "nginx:1.30")
GIT = "git -c user.name=Team -c user.email=team@example.com"
ASK = """
import json, urllib.request
found = {}
for hub, route in HUBS.items():
    with urllib.request.urlopen(f"http://127.0.0.1:PORT{route}/api/health", timeout=20) as answer:
        found[hub] = json.load(answer)["version"]
print(json.dumps(found))
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.power", description=__doc__)
    parser.add_argument("--cuts", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    box("boot")
    try:
        prepare()
        length = timed(lambda: celadon("promote -y"))  # version 2 comes, and shows how long it takes here
        bad = 0
        print(
            f"a promote takes {length:.0f} s there\n\ncut after   production   reconcile has nothing left to do",
            flush=True,
        )
        for _number in range(arguments.cuts):
            verb = "rollback production -y" if served()["hub"] == "2" else "promote -y"
            celadon(f"{verb} --detach")
            seconds = chance.uniform(0, length)
            time.sleep(seconds)
            box("cut")
            box("again")
            serves = wait_for(served, seconds=300, every=2)
            wait_for(service_is_through, seconds=300, every=2)
            left = celadon("reconcile")
            good = len(set(serves.values())) == 1 and "Nothing to do" in left
            bad += not good
            print(f"{seconds:7.1f} s   {serves}   {left.strip() if not good else 'yes'}", flush=True)
    finally:
        box("stop")
    print(f"\n{arguments.cuts} power cuts, {bad} not survived")
    return 1 if bad else 0


def prepare() -> None:
    """Celadon, its images, and a team of two hubs: version 1 in production, version 2 in staging."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels, images = folder / "wheels", folder / "images.tar"
        call([sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(wheels), str(ROOT)])
        call(["docker", "save", "--output", str(images), *IMAGES])
        there("mkdir -p /srv/team")
        ask = folder / "ask.py"
        ask.write_text(ASK.replace("PORT", str(PORT)).replace("HUBS", repr(HUBS)))
        box("put", str(wheels), str(images), str(ask), str(SERVICE), "/srv")
    there("docker load --quiet --input /srv/images.tar; rm /srv/images.tar")
    there("python3 -m venv /opt/celadon")
    there("/opt/celadon/bin/pip install --quiet --no-index --find-links /srv/wheels celadon")
    there(f"cat > /srv/team/compose.yaml <<'END'\n{json.dumps(compose())}\nEND")
    for hub in HUBS:
        there(f"cp -r /srv/service /srv/team/{hub} && cd /srv/team/{hub} && git init --quiet -b main")
    commit("1")
    celadon("deploy staging")
    celadon("promote -y")
    commit("2")
    celadon("deploy staging")
    celadon("install-service")


def compose() -> dict[str, object]:
    def environment(port: int, **more: str) -> dict[str, object]:
        return {
            "listen": [f"127.0.0.1:{port}"],
            "url": f"http://127.0.0.1:{port}",
            "watch": "1s",
            "drain": "5s",
            **more,
        }

    environments = {"staging": environment(4400), "production": environment(PORT, **{"from": "staging"})}
    health = {"path": "/api/health", "timeout": "10s", "within": "5m"}  # ten times slower than a real one
    return {
        "name": "team",
        "x-celadon": {"environments": environments},
        "services": {
            name: {
                "build": f"./{name}",
                "environment": {"NAME": name, "PORT": str(8000 + number), "PREFIX": route},
                "x-celadon": {"port": 8000 + number, "route": route or "/", "health": health},
            }
            for number, (name, route) in enumerate(HUBS.items())
        },
    }  # fmt: skip


def commit(version: str) -> None:
    for hub in HUBS:
        there(f"cd /srv/team/{hub} && echo {version} > VERSION && git add -A && {GIT} commit --quiet -m {version}")


def served() -> dict[str, str]:
    """The version of each hub that production serves, {} while it does not serve them all."""
    asked = subprocess.run([str(BOX), "run", "python3 /srv/ask.py"], capture_output=True, text=True)
    return json.loads(asked.stdout) if asked.returncode == 0 else {}


def service_is_through() -> bool:
    """Whether systemd has run what `install-service` installed, and it went well."""
    wanted = "ActiveState,Result,ExecMainExitTimestampMonotonic"
    shown = there(f"systemctl show celadon-team.service --property {wanted}")
    facts = dict(line.split("=", 1) for line in shown.splitlines())
    through = facts["ActiveState"] == "inactive" and facts["ExecMainExitTimestampMonotonic"] != "0"
    return through and facts["Result"] == "success"


def celadon(words: str) -> str:
    return there(f"{CELADON} {words}")


def timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def there(command: str) -> str:
    return box("run", command)


def box(*words: str) -> str:
    return call([str(BOX), *words])


def call(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise RuntimeError(f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
