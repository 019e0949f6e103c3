"""Stories of variables: pulled and deployed, and a command beside what is live."""

import os
import pty
import signal
import subprocess

from tests.doppler import TOKEN, doppler
from tests.e2e.workspace import Workspace, run, wait_for

HARD = 'it\'s "hard" $HOME ${X} # \\n\nof two lines é'
ONE_OFF = "label=celadon.role=run"


def test_what_was_pulled_is_what_the_service_gets_when_it_is_deployed(shop: Workspace) -> None:
    shop.top["secrets"] = {"doppler": {"project": "shop", "token": "${DOPPLER_TOKEN:-}"}}
    shop.write()
    with doppler({"GREETING": HARD, "DOPPLER_CONFIG": "staging"}) as server:
        known = {"DOPPLER_API_HOST": server.host, "DOPPLER_TOKEN": TOKEN}
        pulled = shop.celadon("env", "pull", "staging", "-y", env=known)
    assert "!GREETING=…" in pulled.out and HARD not in pulled.out + pulled.err
    shop.celadon("deploy", "staging", env=known)
    printed = shop.celadon("exec", "staging", shop.unique("shop"), "--", "printenv", "GREETING").out
    assert printed == f"{HARD}\n"
    kept = [file.read_text() for file in (shop.folder / ".celadon").rglob("*.yaml")]
    assert kept and not any(TOKEN in text for text in kept)


def test_a_command_runs_beside_the_live_release_and_leaves_nothing(shop: Workspace) -> None:
    name = shop.unique("shop")
    assert "Nothing was deployed to staging" in shop.celadon("env", "run", "staging", name, "--", "true", expect=2).err
    shop.celadon("deploy", "staging")
    slot = shop.containers("label=celadon.role=slot")
    (shop.folder / "config" / ".env.staging").write_text("GREETING=of the next deploy\n")
    ran = shop.celadon(
        "env", "run", "staging", name, "--", "sh", "-c", "echo $GREETING $$; cat VERSION; exit 7", expect=7
    )
    assert ran.out.split() == ["hello", "staging", "1", "1"] and not ran.err.strip()
    peer = f"http://{name}:8000/shop/api/health"
    ask = f"import urllib.request as r; print(r.urlopen('{peer}').status)"
    assert shop.celadon("env", "run", "staging", name, "--", "python3", "-c", ask).out == "200\n"
    fed = subprocess.run(
        shop.argv("env", "run", "staging", name, "cat"), input="from a pipe", capture_output=True, text=True
    )
    assert fed.stdout == "from a pipe"
    assert _on_a_terminal(shop.argv("env", "run", "staging", name, "--", "tty")) == "/dev/pts/0"
    assert shop.containers(ONE_OFF) == [] and shop.containers("label=celadon.role=slot") == slot
    assert list((shop.folder / ".celadon" / "environments").rglob("run-*")) == []
    assert "There is no live service `shp`" in shop.celadon("env", "run", "staging", "shp", "--", "true", expect=2).err
    shop.celadon("down", "staging", "-y")
    assert "celadon up staging" in shop.celadon("env", "run", "staging", name, "--", "true", expect=2).err


def test_a_deploy_leaves_a_command_alone_and_what_a_kill_left_is_removed(shop: Workspace) -> None:
    shop.celadon("deploy", "staging")
    command = shop.start("env", "run", "staging", shop.unique("shop"), "--", "sleep", "300")
    found = wait_for(lambda: shop.containers(ONE_OFF, "status=running"))
    shop.commit("shop", {"VERSION": "2\n"}, "second")
    shop.celadon("deploy", "staging")
    assert shop.version("/shop") == "2" and shop.containers(ONE_OFF, "status=running") == found
    kept = list((shop.folder / ".celadon" / "environments").rglob("run-*"))
    assert [file.stat().st_mode & 0o777 for file in kept] == [0o600]

    command.send_signal(signal.SIGKILL)
    command.wait()
    assert f"removed {found[0]}, which nobody reaches" in shop.celadon("reconcile").out
    assert shop.containers(ONE_OFF) == [] and not any(file.exists() for file in kept)

    command = shop.start("env", "run", "staging", shop.unique("shop"), "--", "sleep", "300")
    wait_for(lambda: shop.containers(ONE_OFF, "status=running"))
    command.send_signal(signal.SIGINT)
    assert command.wait(30) == 130 and shop.containers(ONE_OFF) == []


def test_secrets_of_a_build_are_there_and_nowhere_else(shop: Workspace) -> None:
    name = shop.unique("shop")
    (shop.folder / "npmrc").write_text("c4n4ry-of-the-file\n")
    (shop.folder / ".env").write_text("FROM_DOTENV='c4n4ry-$of-dotenv'\n")
    sources = {
        "file": {"file": "./npmrc"},
        "shell": {"environment": "FROM_SHELL"},
        "own": {"environment": "FROM_DOTENV"},
    }
    shop.extra["secrets"] = sources
    shop.services[name]["build"] = {
        "context": f"./{name}",
        "secrets": [*sources],
        "args": {"FROM_SHELL": "an argument"},
    }
    look = " && ".join(f"sha256sum /run/secrets/{one} >> /sums" for one in sources)
    mounts = " ".join(f"--mount=type=secret,id={one},required=true" for one in sources)
    dockerfile = (shop.folder / name / "Dockerfile").read_text()
    shop.commit(
        "shop", {"Dockerfile": f"{dockerfile}ARG FROM_SHELL\nRUN {mounts} : {shop.name} && {look}\n"}, "with secrets"
    )
    shop.write()
    missing = shop.celadon("deploy", "staging", expect=1)
    assert "the build secret shell has no value: FROM_SHELL is not set" in missing.err
    shop.celadon("deploy", "staging", env={"FROM_SHELL": "c4n4ry-of-the-shell"})
    sums = shop.celadon("exec", "staging", name, "--", "cat", "/sums").out.split()[::2]
    texts = ("c4n4ry-of-the-file\n", "c4n4ry-of-the-shell", "c4n4ry-$of-dotenv")
    expected = [run(["sh", "-c", 'printf %s "$1" | sha256sum', "sh", text]).split()[0] for text in texts]
    assert sums == expected
    assert "c4n4ry" not in run(["docker", "history", "--no-trunc", f"{name}:staging"])


def _on_a_terminal(argv: list[str]) -> str:
    """What a command says on a terminal of its own."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 1000):
            said += part
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
        done.wait(30)
    return said.decode().strip()
