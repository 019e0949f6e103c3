"""Stories of waiting: for a build, with its steps and the rest that is expected, and for somebody else's deployment."""

import subprocess
import sys
import time

import pytest

from tests.e2e.workspace import Workspace, wait_for

SLOW = 'FROM python:3.14-slim\nARG TOKEN\nCOPY . /app\nRUN echo $TOKEN; sleep 16\nCMD ["python3", "/app/app.py"]\n'
SILENCE = 10.0  # seconds, the most that an SSH connection or a CI should see
# Holds the host's lock until its input ends, with a build under way.
HOLDER = """
import sys
from celadon.run import lock
me = lock.Holder(4242, "ben", "shop", "deploy staging", "2026-01-11T09:30:12+00:00")
with lock.held(me, 300, lambda other, place: None) as held:
    held.say("3/9 build shop: [4/8] RUN npm ci, about 1 min left")
    print("has", flush=True)
    sys.stdin.read()
"""


def listened(process: "subprocess.Popen[str]") -> tuple[list[str], float]:
    """The lines of a command on a pipe, and the longest silence from its first line to its end, in seconds."""
    assert process.stdout
    lines, longest, last = [process.stdout.readline()], 0.0, time.monotonic()
    for line in process.stdout:
        lines.append(line)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert process.wait(30) == 0, "".join(lines)
    return lines, longest


def test_a_build_tells_its_steps_never_falls_silent_and_knows_from_then_on_how_long_it_takes(shop: Workspace) -> None:
    service = shop.unique("shop")
    shop.services[service]["build"] = {"context": f"./{service}", "network": "none",
                                        "args": {"TOKEN": "not-for-everybody"}}  # fmt: skip
    shop.write()
    shop.commit("shop", {"Dockerfile": SLOW, "VERSION": shop.name}, "slow")
    told, silence = listened(shop.start("build", "staging"))
    text = "".join(told)
    assert silence <= SILENCE
    assert "] RUN echo" in text and "… running for" in text and "… done in 16." in text
    assert "left" not in text and "last time" not in text  # nothing is known yet
    log = shop.folder / ".celadon" / "logs" / "1.log"
    assert text.index(str(log)) < text.index("[1/")  # told as it begins

    shop.commit("shop", {"VERSION": f"{shop.name} 2"}, "second")
    building = shop.start("build", "staging")
    told_to_others = wait_for(lambda: [s for s in [shop.celadon("status").out] if "${TOKEN}" in s and "s left" in s])[0]
    assert "[3/3] RUN echo ${TOKEN}; sleep 16, about" in told_to_others and "not-for-everybody" not in told_to_others
    attached, silence = listened(shop.start("attach"))
    text, _silence = "".join(attached), listened(building)
    assert silence <= SILENCE
    assert "s left (the whole took 1" in text and "python:3.14-slim … " in text
    journal = (shop.folder / ".celadon" / "logs" / "2.jsonl").read_text()
    assert len(journal.splitlines()) < 60  # steps, not lines of output


@pytest.mark.parametrize("variable", ["CELADON_LANG", "LC_ALL"])
def test_who_waits_in_korean_is_told_so_with_the_holder(empty: Workspace, variable: str) -> None:
    empty.write()
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout and holder.stdout.readline() == "has\n"
    waiting = empty.start("reconcile", env={"LANGUAGE": "", variable: "ko_KR.UTF-8"})
    assert waiting.stdout
    told = waiting.stdout.readline()
    holder.communicate("")
    assert waiting.wait(300) == 0
    assert told.startswith("❌ 다른 빌드가 진행 중입니다. 대기 중... ")
    for part in ("ben (pid 4242)", "deploy staging", "3/9 build shop: [4/8] RUN npm ci, about 1 min left"):
        assert part in told
