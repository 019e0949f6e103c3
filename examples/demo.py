"""`make demo`: five services from git to production, changed, promoted and rolled back, while a constant load runs."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.load import Load  # noqa: E402  (the load lives beside the benchmarks)

EXAMPLE = ROOT / "examples" / "workhub"
DEMO = ROOT / ".demo"
WORKSPACE, REPOSITORIES = DEMO / "workspace", DEMO / "workspace" / "repositories"
CELADON = [str(Path(sys.executable).with_name("celadon")), "-C", str(WORKSPACE)]
GIT = ["git", "-c", "user.name=WorkHub", "-c", "user.email=team@workhub.example"]
STAGING, PRODUCTION = "http://127.0.0.1:4400", "http://127.0.0.1:4500"
ROUTES = {"hubmanager": "", "saleshub": "/saleshub", "finhub": "/finhub", "onboarding": "/onboarding",
          "testagent": "/testagent"}  # fmt: skip
CHANGED = {"WBSalesHub": "Show the new price list", "WBFinHub": "Count in thousands"}
KEYS_UID = 1000  # the user that the example's containers run as


@dataclass(frozen=True)
class Phase:
    """One line of the table: wall time in seconds; figures of the load, where one ran."""

    name: str
    seconds: float
    figures: dict[str, Any] | None = None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--down", action="store_true", help="stop the demo and remove what it made")
    parser.add_argument("--rate", type=float, default=50, help="requests a second on production")
    arguments = parser.parse_args()
    if arguments.down:
        down()
        return 0
    make_workspace()
    return run_main_job(arguments.rate)


def run_main_job(rate: float) -> int:
    phases = [
        timed("deploy staging: five hubs and a worker", lambda: celadon("deploy", "staging")),
        timed("promote to production", lambda: celadon("promote", "-y")),
    ]
    under_load = []
    with Load([f"{PRODUCTION}{route}/api/health#{name}" for name, route in ROUTES.items()], rate=rate) as load:
        for name, work in (
            ("a new commit in two hubs, deploy staging", new_version),
            ("promote under load", lambda: celadon("promote", "-y")),
            ("rollback under load", lambda: celadon("rollback", "production", "-y")),
        ):
            load.phase(name)
            under_load.append(timed(name, work))
        figures = load.stop()
    phases += [Phase(p.name, p.seconds, figures["phases"][p.name]) for p in under_load]
    heading("what it came to")
    show(phases)
    celadon("status")
    failed = int(figures["failed"])
    print(f"\nstaging     {STAGING}/\nproduction  {PRODUCTION}/\n\nStop it and remove what it made: make demo-down")
    if failed:
        print(f"\n{failed} requests failed: {figures['failed_by_kind']}", file=sys.stderr)
    return 1 if failed else 0


def new_version() -> None:
    """A commit in two of the hubs, as their teams would push it; then deploy all: the others are left alone."""
    for folder, subject in CHANGED.items():
        checkout = WORKSPACE / folder
        major, minor, _patch = (checkout / "VERSION").read_text().strip().split(".")
        (checkout / "VERSION").write_text(f"{major}.{int(minor) + 1}.0\n")
        quietly([*GIT, "commit", "--quiet", "--all", "--message", subject], checkout)
        quietly(["git", "push", "--quiet", "origin", "main"], checkout)
    celadon("deploy", "staging")


# The workspace


def make_workspace() -> None:
    """Repositories, checkouts, compose.yaml, configuration and keys, as a team has them; only what is missing."""
    heading("a workspace with six git repositories")
    (WORKSPACE / "config" / "keys").mkdir(parents=True, exist_ok=True)
    for source in sorted((EXAMPLE / "services").iterdir()):
        if not (WORKSPACE / source.name).exists():
            make_repository(source)
    shutil.copy(EXAMPLE / "compose.yaml", WORKSPACE)
    for file in (EXAMPLE / "config").glob(".env.*"):
        copied = WORKSPACE / "config" / file.name
        if not copied.exists():
            shutil.copy(file, copied)
            copied.chmod(0o600)
    make_keys(WORKSPACE / "config" / "keys")
    print(WORKSPACE)


def make_repository(source: Path) -> None:
    bare, checkout = REPOSITORIES / f"{source.name}.git", WORKSPACE / source.name
    quietly(["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(bare)])
    shutil.copytree(source, checkout, ignore=shutil.ignore_patterns("node_modules", "dist"))
    quietly(["git", "init", "--quiet", "--initial-branch", "main"], checkout)
    quietly(["git", "remote", "add", "origin", f"../repositories/{source.name}.git"], checkout)
    quietly(["git", "add", "--all"], checkout)
    quietly([*GIT, "commit", "--quiet", "--message", f"{source.name}: first version"], checkout)
    quietly(["git", "push", "--quiet", "--set-upstream", "origin", "main"], checkout)


def make_keys(folder: Path) -> None:
    private, public = folder / "jwt_private.pem", folder / "jwt_public.pem"
    if private.exists():
        return
    if shutil.which("openssl") is None:
        sys.exit("openssl is missing: apt-get install openssl")
    quietly(["openssl", "genrsa", "-out", str(private), "2048"])
    quietly(["openssl", "rsa", "-in", str(private), "-pubout", "-out", str(public)])
    private.chmod(0o600)
    public.chmod(0o644)
    if os.geteuid() == 0:  # the containers' user reads it; whoever is uid 1000 here owns it already
        os.chown(private, KEYS_UID, KEYS_UID)


def down() -> None:
    """Stop both environments and remove their data, images and the workspace; nothing else."""
    if not WORKSPACE.exists():
        print("the demo is not up")
        return
    for environment in ("production", "staging"):
        if (WORKSPACE / ".celadon" / "environments" / environment).exists():
            celadon("down", environment, "--volumes", "-y")
    shutil.rmtree(DEMO)
    print("the demo is gone")


# Showing


def heading(text: str) -> None:
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def timed(name: str, work: Callable[[], None]) -> Phase:
    heading(name)
    begun = time.monotonic()
    work()
    return Phase(name, time.monotonic() - begun)


def show(phases: list[Phase]) -> None:
    width = max(len(p.name) for p in phases)
    print(f"{'phase':{width}}  wall time  requests  failed  longest gap")
    for phase in phases:
        line = f"{phase.name:{width}}  {phase.seconds:7.1f} s"
        if phase.figures:
            gap = phase.figures["longest_gap_ms"] / 1000
            line += f"  {phase.figures['total']:8}  {phase.figures['failed']:6}  {gap:9.2f} s"
        print(line)
    print()


def celadon(*words: str) -> None:
    done = subprocess.run([*CELADON, *words])
    if done.returncode:
        sys.exit(f"celadon {' '.join(words)} ended with code {done.returncode}")


def quietly(argv: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: {done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
