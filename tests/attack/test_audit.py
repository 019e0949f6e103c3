"""The audit log of a server at work: what changes something is in it, whoever is killed, whatever is lost."""

import os
import pwd
import signal
from typing import Any

from tests.e2e.workspace import Workspace, wait_for

CANARY = "c4n4ry-password"


def entries(shop: Workspace, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.celadon("audit", "--json", "-n", "1000", *words).json
    return found


def test_who_did_what_survives_kills_and_a_lost_record(shop: Workspace) -> None:
    service, log = shop.unique("shop"), shop.folder / ".celadon" / "audit.jsonl"
    shop.celadon("deploy", "staging")
    asked, begun, ended = (one for one in entries(shop) if one["act"] == "deploy")
    assert [one["event"] for one in (asked, begun, ended)] == ["asked", "begun", "ended"]
    assert {one["deployment"] for one in (asked, begun, ended)} == {1} and asked["services"] == [service]
    release = shop.live("shop")["release"]
    assert ended["outcome"] == "succeeded" and ended["releases"] == {service: [None, release]}
    assert asked["uid"] == os.geteuid() and asked["version"]
    assert shop.celadon("history", "--json").json[0]["by"] == asked["user"] == pwd.getpwuid(os.geteuid()).pw_name

    shop.celadon("exec", "staging", service, "--", "/bin/sh", "-c", f"exit 3 # {CANARY}", expect=3)
    shop.celadon("env", "edit", "staging", env={"EDITOR": f"sed -i $aPASSWORD={CANARY}", "SUDO_UID": "1"})
    shop.celadon("cleanup")
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    shop.start("deploy", "staging", "--force")
    os.kill(shop.runner(), signal.SIGKILL)
    wait_for(lambda: not shop.runners())
    shop.celadon("reconcile")
    done = [(one["act"], one["outcome"]) for one in entries(shop) if one["event"] == "ended"]
    assert done[:4] == [(act, "succeeded") for act in ("deploy", "exec", "env edit", "cleanup")]
    assert ("deploy", "interrupted") in done[4:] and done[-1] == ("reconcile", "succeeded")
    first = {one["act"]: one for one in reversed(entries(shop))}
    assert first["env edit"]["sudo"] == "daemon" and first["exec"]["program"] == "sh"
    assert CANARY not in log.read_text() and log.stat().st_mode & 0o777 == 0o600

    head = shop.celadon("audit", "--head").out.split()[1]
    for file in shop.folder.glob(".celadon/state.db*"):
        file.unlink()
    assert len(entries(shop, "staging")) < len(entries(shop)) and shop.version("/shop") == "1"
    assert shop.celadon("audit", "--verify", "--expect", head).out.endswith(f"head {head}\n")
    log.write_text(log.read_text().replace('"deploy"', '"build"', 1))
    assert "Line 1 was modified." in shop.celadon("audit", "--verify", expect=1).out
    shop.celadon("reconcile")  # a log that was tampered with stops nothing, and stays broken
    assert "Line 1 was modified." in shop.celadon("audit", "--verify", expect=1).out
