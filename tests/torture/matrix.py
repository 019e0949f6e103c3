"""The kill matrix: verbs × moments × signals, under constant load; after each blow nothing may be lost or left over.

A blow falls on the runner while it carries out a verb: at the beginning of a step, or some time into the whole. Then
users must still be served one of the two versions everywhere, `status` must tell the truth, and the same command, typed
again, must heal and arrive.
"""

import functools
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.load import Load

from tests.e2e.workspace import Workspace, run, wait_for

VERBS = {
    "deploy": ("deploy", "staging"),
    "promote": ("promote", "-y"),
    "rollback": ("rollback", "production", "-y"),
}
ROUTES = {"hub": "", "shop": "/shop"}
RATE = 50.0


@dataclass(frozen=True)
class Blow:
    """When and how: at the start of step `step`, or `seconds` after the beginning; `strike` gets the runner's pid."""

    verb: str
    moment: str
    step: int | None
    seconds: float
    name: str
    strike: Callable[[int], None]


@dataclass(frozen=True)
class Scar:
    """What a blow did: requests lost, seconds until healed, and what was wrong afterwards ("" for nothing).

    `healed` is how long the same command took, typed again, healing included.
    """

    blow: Blow
    lost: int
    sent: int
    healed: float
    wrong: str

    def __str__(self) -> str:
        blow = self.blow
        return (
            f"{blow.verb:9} {blow.moment:42.42} {blow.name:8} {self.lost:4} of {self.sent:5} {self.healed:7.1f} s  "
            f"{self.wrong or '-'}"
        )


HEAD = f"{'verb':9} {'blow falls at':42} {'by':8} {'lost':>4} {'':8} {'healed':>8}  left over or wrong"


def strikes(names: Sequence[str]) -> dict[str, Callable[[int], None]]:
    """What may fall on a runner, by name."""
    return {name: functools.partial(_kill, signal.Signals[name]) for name in names}


def _kill(sign: signal.Signals, pid: int) -> None:
    os.kill(pid, sign)


class Arena:
    """A team of two hubs with production live, and the steps that each verb takes there.

    `may_lose`: blows end production for a moment (an engine without live-restore); it must be back by itself.
    """

    def __init__(self, team: Workspace, *, may_lose: bool = False) -> None:
        self.team, self._may_lose = team, may_lose
        self._version = 1
        team.celadon("deploy", "staging")
        team.celadon("promote", "-y")
        self._new_version()
        team.celadon("deploy", "staging")
        team.celadon("promote", "-y")

    def load(self) -> Load:
        base = f"http://127.0.0.1:{self.team.production}"
        return Load([f"{base}{route}/api/health#{name}" for name, route in ROUTES.items()], rate=RATE, slow=1)

    def ready(self, verb: str) -> None:
        """Bring about that `verb` has something to do: a new commit, a staging ahead of production, a way back."""
        if verb == "deploy":
            self._new_version()
        elif verb == "promote":
            self._new_version()
            self.team.celadon("deploy", "staging")
        elif verb == "rollback" and self._nothing_to_do("rollback"):
            self.team.celadon("promote", "-y")

    def steps(self, verb: str) -> list[str]:
        """What `verb` would do now, one line a step."""
        words = [w for w in VERBS[verb] if w != "-y"]
        return [step["text"] for step in self.team.celadon("plan", *words, "--json").json["steps"]]

    def _nothing_to_do(self, verb: str) -> bool:
        return self.team.celadon(*VERBS[verb], "--dry-run", expect=None).code != 0

    def _new_version(self) -> None:
        for name in ROUTES:
            self.team.commit(name, {"VERSION": f"{self._version}\n"}, f"version {self._version}")
        self._version += 1

    # A blow, and what comes of it

    def suffer(self, blow: Blow) -> Scar:
        """Let `blow` fall under a constant load, and look at what comes of it."""
        self.ready(blow.verb)
        with self.load() as load:
            self._strike(blow)
            if self._may_lose:
                wait_for(self._answers)
            wrong = self._truth()
            begun = time.monotonic()
            again = self.team.celadon(*VERBS[blow.verb], expect=None)
            healed = time.monotonic() - begun
            figures = load.stop()
        if again.code and "Nothing to roll back" not in again.err:
            wrong.append(f"typed again it ended with {again.code}: {again.err.strip()}")
        wrong += [*self._truth(), *self._left_over()]
        if figures["failed"] and not self._may_lose:
            wrong.append(str(figures["failed_by_kind"]))
        return Scar(blow, figures["failed"], figures["total"], healed, "; ".join(dict.fromkeys(wrong)))

    def _strike(self, blow: Blow) -> None:
        logs = self.team.folder / ".celadon" / "logs"
        number = max(int(f.stem) for f in logs.glob("*.jsonl")) + 1
        terminal = self.team.start(*VERBS[blow.verb])
        events = logs / f"{number}.jsonl"
        wait_for(events.exists, every=0.002)
        begun = time.monotonic()
        while blow.step is None and time.monotonic() - begun < blow.seconds and terminal.poll() is None:
            time.sleep(0.002)
        while blow.step is not None and not _begun(events.read_text(), blow.step) and terminal.poll() is None:
            time.sleep(0.002)
        pid = self._pid(number)
        if pid and terminal.poll() is None:
            blow.strike(pid)
        terminal.communicate(timeout=120)

    def _pid(self, number: int) -> int:
        record = sqlite3.connect(f"file:{self.team.folder}/.celadon/state.db?mode=ro", uri=True)
        try:
            row = record.execute("SELECT pid FROM deployments WHERE id = ? AND finished IS NULL", (number,)).fetchone()
            return int(row[0]) if row else 0
        finally:
            record.close()

    def _answers(self) -> bool:
        try:
            return all(self.team.get(f"{route}/api/health", "production")[0] == 200 for route in ROUTES.values())
        except OSError:
            return False

    def _truth(self) -> list[str]:
        """What `status` says against what users get: one version everywhere in production, and it says so."""
        wrong = []
        rows = self.team.celadon("status", "--json").json["services"]
        served = {name: self.team.version(route, "production") for name, route in ROUTES.items()}
        if len(set(served.values())) != 1:
            wrong.append(f"users get {served}")
        for row in rows:
            if row["environment"] == "production" and row["role"] == "slot" and not row["well"]:
                wrong.append(f"status says {row['service']} is not well")
        return wrong

    def _left_over(self) -> list[str]:
        """Containers, tags, networks, locks, files that nobody needs."""
        wrong = []
        expected = {f"{service}-{row['slot']}" for row in self._live() for service in [row["service"]]}
        for environment in ("staging", "production"):
            slots = self.team.containers("label=celadon.role=slot", f"label=celadon.environment={environment}")
            if len(slots) != len(ROUTES):
                wrong.append(f"{environment} has the slots {slots}, expected of {sorted(expected)}")
        if tasks := self.team.containers("label=celadon.role=task"):
            wrong.append(f"tasks: {tasks}")
        networks = run(["docker", "network", "ls", "--format", "{{.Name}}", "--filter", f"name={self.team.name}"])
        if len(networks.split()) != 2:
            wrong.append(f"networks: {networks.split()}")
        lock = self.team.celadon("status", "--json").json["lock"]
        if lock and lock["workspace"] == self.team.name:
            wrong.append(f"lock: {lock}")
        for row in self._live():
            name = row["service"].removesuffix(f"-{self.team.name}")
            if self.team.image(name, row["environment"]) != row["image_id"]:
                wrong.append(f"the tag {row['service']}:{row['environment']} names another image")
        return wrong

    def _live(self) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = self.team.celadon("status", "--json").json["services"]
        return [row for row in rows if row["role"] == "slot"]


def _begun(text: str, step: int) -> bool:
    events = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    return any(e["event"] == "started" and e["words"][0] >= step for e in events)


def blows(arena: Arena, verbs: Sequence[str], signs: dict[str, Callable[[int], None]],
          moments: int = 0, seed: int = 1) -> Iterator[Blow]:  # fmt: skip
    """Every step's beginning with every sign, and `moments` random times with a random one."""
    chance = random.Random(seed)
    for verb in verbs:
        arena.ready(verb)
        steps = arena.steps(verb)
        for number, text in enumerate(steps, 1):
            for name, strike in signs.items():
                yield Blow(verb, f"{number:2}. {text}", number, 0, name, strike)
        for _again in range(moments):
            seconds = chance.uniform(0, 6)
            name = chance.choice(sorted(signs))
            yield Blow(verb, f"after {seconds:.2f} s", None, seconds, name, signs[name])
