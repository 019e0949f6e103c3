"""A build that wants more memory than its cap, on a small server in a box: it dies in words, production is left alone.

As a member of the docker group, who may not write to the kernel's control groups himself, and as root; on cgroup v2
with systemd, 2 GB and swap.
"""

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.workspace import wait_for
from tests.torture.box import CELADON, HEALTH, ROOT, TEAM, commit, server, team, there, tried, write

USERS = ("member", "root")
CAP, WANTS = 150, 600  # MB
PORT = 4500
HUNGRY = f"FROM python:3.14-slim\nRUN python3 -c \"len(b'x' * ({WANTS} << 20))\"\n"
URL = f"http://127.0.0.1:{PORT}/api/health#hub"
LOAD = "--rate 4 --keepalive-share 0.5 --slow-rate 0.2 --timeout 20 --max-seconds 3600"
FILES = "--events /srv/events --stop-file /srv/stop --out /srv/load.json"
# What the kernel ended, asked of it as root: the control group whose limit it was, "" for the whole host's.
KILLS = "from celadon.adapters import host; print(*(f'{k.process} {k.group}' for k in host.kernel_kills(1)), sep='\\n')"
SWAP_MOST = 16  # MB that the server may put out while a build is held


@dataclass(frozen=True)
class Outcome:
    """How the build of one user ended; `kills` are the kernel's during it, "process group"."""

    user: str
    code: int
    said: str
    seconds: float
    swapped: int
    kills: tuple[str, ...]

    @property
    def peak(self) -> str:
        found = re.search(r"the build used (\S+ of \S+) when", self.said)
        return found[1] if found else "not told"

    def faults(self, load: dict[str, Any]) -> list[str]:
        """What is not as it must be; `load` are the figures of production meanwhile."""
        wrong = {
            f"it ended with {self.code}": self.code != 1,
            "it does not name the cap": f"wanted more memory than a build may take ({CAP}M)" not in self.said,
            "it does not name the peak": self.peak != f"{CAP}M of {CAP}M",
            f"production failed {load['failed']} of {load['total']}": load["failed"] or not load["total"],
            f"{self.swapped} MB were swapped out": self.swapped > SWAP_MOST,
            "the kernel ended nothing of the build": not any(" /celadon-build" in kill for kill in self.kills),
            f"the kernel ended {', '.join(self.kills)}": not all(" /celadon-" in kill for kill in self.kills),
        }
        return [words for words, so in wrong.items() if so]


def main() -> int:
    with server(ROOT / "bench" / "probe.py"):
        prepare()
        there(f"systemd-run --quiet --unit load python3 /srv/probe.py {LOAD} {FILES} {URL}")
        phase("quiet")
        time.sleep(30)
        outcomes = [build_as(user) for user in USERS]
        there("touch /srv/stop")
        wait_for(lambda: tried("test -s /srv/load.json").returncode == 0, every=1)
        load = json.loads(there("cat /srv/load.json"))
    return told(outcomes, load)


def prepare() -> None:
    """Swap, as such a server has it; a member of the docker group, whose hub production is."""
    there("fallocate -l 512M /swap && chmod 600 /swap && mkswap /swap && swapon /swap")
    there("useradd --create-home --groups docker member")
    there("! runuser -u member -- mkdir /sys/fs/cgroup/his-own")
    team(("hub", "hungry"), compose())
    write("hungry/Dockerfile", HUNGRY)
    for hub in ("hub", "hungry"):
        commit(hub, "first")
    give("member")
    as_user("member", "deploy production hub")


def compose() -> dict[str, object]:
    address = f"127.0.0.1:{PORT}"
    environments = {"production": {"listen": [address], "url": f"http://{address}", "watch": "1s", "drain": "5s"}}
    hub = {
        "build": "./hub",
        "environment": {"NAME": "hub", "PORT": "8000"},
        "x-celadon": {"port": 8000, "route": "/", "health": HEALTH},
    }
    return {
        "name": "team",
        "x-celadon": {"environments": environments, "build": {"memory": f"{CAP}m"}},
        "services": {"hub": hub, "hungry": {"build": "./hungry", "x-celadon": {}}},
    }


def give(user: str) -> None:
    """The workspace to `user`: git refuses a repository of somebody else's."""
    there(f"chown -R {user}: {TEAM}")


def build_as(user: str) -> Outcome:
    give(user)
    before, swapped, begun = kills(), swapped_out(), time.monotonic()
    phase(user)
    done = tried(f"runuser -u {user} -- {CELADON} build production hungry")
    phase("between")
    seconds = time.monotonic() - begun
    new = tuple(kills()[len(before) :])
    return Outcome(user, done.returncode, done.stdout + done.stderr, seconds, swapped_out() - swapped, new)


def as_user(user: str, words: str) -> str:
    return there(f"runuser -u {user} -- {CELADON} {words}")


def phase(name: str) -> None:
    """What production answers from now on is counted under `name`."""
    there(f'echo "$(date +%s.%N) phase:{name}" >> /srv/events')


def kills() -> list[str]:
    return there(f'/opt/celadon/bin/python -c "{KILLS}"').splitlines()


def swapped_out() -> int:
    """MB since the server booted."""
    facts = dict(line.split() for line in there("cat /proc/vmstat").splitlines())
    return int(facts["pswpout"]) * 4096 >> 20


def told(outcomes: Sequence[Outcome], load: dict[str, Any]) -> int:
    """Print what was seen; returns the exit code."""
    quiet = load["phases"]["quiet"]
    print(f"a build that wants {WANTS} MB under a cap of {CAP} MB, on 2 GB; production answers 4 times a second\n")
    print(f"{'who':8} {'ended':6} {'peak':14} {'seconds':8} {'production':26} {'p99':>9} {'swapped':>8}  killed")
    print(f"{'nobody':8} {'':6} {'':14} {quiet['seconds']:<8.0f} {answers(quiet)}")
    faults = []
    for one in outcomes:
        during = load["phases"][one.user]
        print(f"{one.user:8} {one.code:<6} {one.peak:14} {one.seconds:<8.0f} {answers(during)} "
              f"{one.swapped:>5} MB  {'; '.join(one.kills)}")  # fmt: skip
        faults += [f"{one.user}: {fault}" for fault in one.faults(during)]
    if load["failed"]:
        faults.append(f"production failed {load['failed']} of {load['total']} in all")
    print("\n" + outcomes[0].said[-1500:] if outcomes else "")
    print("\n".join(faults) or "as it must be")
    return 1 if faults else 0


def answers(figures: dict[str, Any]) -> str:
    return f"{figures['total']:>5} asked, {figures['failed']:>3} failed   {figures['p99_ms']:>6.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
