"""The example, from git to production and back under load: what `make demo` shows."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, str(ROOT / "examples" / "demo.py")]
PRODUCTION = "http://127.0.0.1:4500"


def ask(path: str, body: dict[str, str] | None = None, token: str = "") -> dict[str, object]:
    data = json.dumps(body).encode() if body else None
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(PRODUCTION + path, data, headers), timeout=10) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def test_the_example_works_and_loses_nothing() -> None:
    was_up = (ROOT / ".demo" / "workspace").exists()  # somebody's running demo stays; it gets two new commits
    try:
        done = subprocess.run(DEMO, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        for phase in ("a new commit in two hubs, deploy staging", "promote under load", "rollback under load"):
            row = next(line for line in done.stdout.splitlines() if line.startswith(phase) and " s " in line)
            assert row.split()[-3] == "0"  # failed

        answers = ask("/testagent/api/check")["hubs"]
        assert isinstance(answers, list) and len(answers) == 4 and all(hub["ok"] for hub in answers)
        token = str(ask("/api/token", {"user": "ann"})["token"])
        assert ask("/saleshub/api/private", token=token)["user"] == "ann"  # signed with one key, checked with the other
        assert ask("/api/hubs")["environment"] == "production"
    finally:
        if not was_up:
            subprocess.run([*DEMO, "--down"], check=True, timeout=300)
    if not was_up:
        names = subprocess.run(["docker", "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True)
        assert "workhub-" not in names.stdout
