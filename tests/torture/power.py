"""Power cuts at random moments of a promote, on a small server in a box: it boots, serves one release, is healed."""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.workspace import wait_for
from tests.torture.box import HEALTH, TEAM, box, celadon, commit, server, team, there, tried

PORT = 4500
HUBS = {"hub": "", "shop": "/shop"}
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
    bad = 0
    with tempfile.TemporaryDirectory() as folder, server(asking(Path(folder))):
        prepare()
        length = timed(lambda: celadon("promote -y"))  # version 2 comes, and shows how long it takes here
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
    print(f"\n{arguments.cuts} power cuts, {bad} not survived")
    return 1 if bad else 0


def asking(folder: Path) -> Path:
    """A script that asks production for its versions."""
    file = folder / "ask.py"
    file.write_text(ASK.replace("PORT", str(PORT)).replace("HUBS", repr(HUBS)))
    return file


def prepare() -> None:
    """A team of two hubs: version 1 in production, version 2 in staging."""
    team(list(HUBS), compose())
    release("1")
    celadon("deploy staging")
    celadon("promote -y")
    release("2")
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
    return {
        "name": "team",
        "x-celadon": {"environments": environments},
        "services": {
            name: {
                "build": f"./{name}",
                "environment": {"NAME": name, "PORT": str(8000 + number), "PREFIX": route},
                "x-celadon": {"port": 8000 + number, "route": route or "/", "health": HEALTH},
            }
            for number, (name, route) in enumerate(HUBS.items())
        },
    }  # fmt: skip


def release(version: str) -> None:
    for hub in HUBS:
        there(f"echo {version} > {TEAM}/{hub}/VERSION")
        commit(hub, version)


def served() -> dict[str, str]:
    """The version of each hub that production serves, {} while it does not serve them all."""
    asked = tried("python3 /srv/ask.py")
    return json.loads(asked.stdout) if asked.returncode == 0 else {}


def service_is_through() -> bool:
    """Whether systemd has run what `install-service` installed, and it went well."""
    wanted = "ActiveState,Result,ExecMainExitTimestampMonotonic"
    shown = there(f"systemctl show celadon-team.service --property {wanted}")
    facts = dict(line.split("=", 1) for line in shown.splitlines())
    through = facts["ActiveState"] == "inactive" and facts["ExecMainExitTimestampMonotonic"] != "0"
    return through and facts["Result"] == "success"


def timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
