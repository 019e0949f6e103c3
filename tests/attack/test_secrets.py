"""Stories of secrets that a deployment which fails could give away, and of text that acts on terminals."""

import base64
import json
import os
import pty
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.workspace import Ran, Workspace, run, wait_for
from tests.inbox import Inbox, inbox

MARK = "c4n4ry"  # within every secret
PEM = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", f"MIIE{MARK}OneOfThePem", f"AQEF{MARK}TwoOfThePem", "-----END PRIVATE KEY-----"]
)
ENV = f"""
API_TOKEN={MARK}-of-a-token
UNNAMED={MARK}OfNoName
QUOTED='{MARK} "q/uo+ted" & sö'
DATABASE_URL=postgres://shop:{MARK}%24pw@db:5432/shop
KEY_PEM="{PEM}"
SHORT_PIN=4711
NODE_ENV=production
"""

# A program that tells everything that it was given, in every form that programs use.
SAYS = r"""
import base64, json, os, re, sys, time, urllib.parse
print("production, 4711, 47110, http://db:5432/shop", flush=True)
for name in ("API_TOKEN", "UNNAMED", "QUOTED", "DATABASE_URL", "KEY_PEM"):
    value = os.environ.get(name) or open("/run/secrets/npm").read().strip()
    data = value.encode()
    print("plain", value, repr(value), json.dumps(value), json.dumps({"error": json.dumps(value)}))
    for before in (b"", b"u:", b"a"):
        print("base64", base64.b64encode(before + data + b" x").decode())
        print("for URLs", base64.urlsafe_b64encode(before + data).decode())
    lower = re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(value, safe=""))
    print("url", urllib.parse.quote(value), urllib.parse.quote_plus(value), lower)
    print("hex", data.hex(), data.hex().upper(), "".join("\\u%04x" % ord(c) for c in value))
    print("bold", value[:4] + "\x1b[1m" + value[4:6] + "\u200b\x1b]0;title\x07" + value[6:] + "\x9b0m\u202e")
    sys.stdout.write("halves " + value[:5]); sys.stdout.flush(); time.sleep(0.2)
    sys.stdout.write(value[5:] + "\n"); sys.stdout.flush()
"""
CONTROLS = ("\x1b", "\x07", "\x9b", "\u202e", "\u200b")


def traces(data: bytes) -> set[str]:
    """In which forms the mark stands in `data`."""
    forms = {"plain": MARK.encode(), "hex": MARK.encode().hex().encode(), "HEX": MARK.encode().hex().upper().encode()}
    forms["json"] = "".join(f"\\u{ord(letter):04x}" for letter in MARK).encode()
    for shift, begin in enumerate((0, 2, 3)):
        text = base64.b64encode(b"\0" * shift + MARK.encode())
        forms[f"base64+{shift}"] = text[begin : (len(MARK) + shift) * 8 // 6]
    return {name for name, form in forms.items() if form in data}


class Ear:
    """Everything that the operator, and everybody who is told, gets to see."""

    def __init__(self, shop: Workspace, box: Inbox) -> None:
        self.shop, self.box = shop, box
        self.known = {"CELADON_NOTIFY_URL": box.url}

    def types(self, *words: str, expect: int | None = 0) -> Ran:
        ran = self.shop.celadon(*words, expect=expect, env=self.known)
        said = ran.out + ran.err
        assert not traces(said.encode()), said
        assert not [one for one in CONTROLS if one in said], said
        return ran

    def fails(self, *words: str) -> tuple[str, str]:
        """A deployment that fails; what it said, and its log, with every trace looked for."""
        told = len(self.box.came)
        ran = self.types(*words, expect=1)
        last = self.types("history", "--json").json[0]["id"]
        self.types("history", "--show", str(last))
        self.types("attach", str(last), expect=1)
        self.types("status", "--json")
        self.types("diagnose", "--bundle", str(self.shop.folder / "bundle.tar.gz"))
        with tarfile.open(self.shop.folder / "bundle.tar.gz") as archive:
            files = {one.name: archive.extractfile(one) for one in archive.getmembers()}
            for name, file in files.items():
                assert file is not None and not traces(file.read()), name
        for file in written(self.shop.folder / ".celadon"):
            assert not traces(file.read_bytes()), file
        came = wait_for(lambda: self.box.came[told:])
        assert not traces(json.dumps(came).encode()), came
        log = (self.shop.folder / ".celadon" / "logs" / f"{last}.log").read_text()
        assert not [one for one in CONTROLS if one in log], log
        return ran.err, log


def written(root: Path) -> Iterator[Path]:
    """Logs, journals, the record, and everything else that is no document which services are made of."""
    documents = (
        "environments/*/*.yaml",
        "releases/*/*/*/compose.yaml",
        "releases/*/*/*/secrets/*",
        "environments/*/secrets/*/*",
    )
    for file in root.rglob("*"):
        if file.is_file() and not any(file.relative_to(root).match(pattern) for pattern in documents):
            yield file


def test_a_deployment_that_fails_gives_no_secret_away(shop: Workspace) -> None:
    name = shop.unique("shop")
    service = shop.services[name]
    (shop.folder / "config" / ".env.staging").write_text(ENV)
    (shop.folder / ".env").write_text(f"OF_DOTENV={MARK}OfDotenv\nNPM_TOKEN={MARK}-of-a-build\nARGUMENT={MARK}Arg\n")
    shop.top["notify"] = {"url": "${CELADON_NOTIFY_URL:-}", "on": ["failed"]}
    shop.extra["secrets"] = {"npm": {"environment": "NPM_TOKEN"}}
    working = (shop.folder / name / "Dockerfile").read_text()
    service["environment"]["GREETING"] = "good evening"
    with inbox() as box:
        ear = Ear(shop, box)
        shop.commit("shop", {"app.py": f'{SAYS}\nprint("good evening from", "{name}")\nsys.exit(1)\n'}, "it crashes")
        shop.write()
        _said, log = ear.fails("deploy", "staging")
        assert "url *** *** ***" in log, log

        service["build"] = {"context": f"./{name}", "secrets": ["npm"], "args": {"NPM": "${ARGUMENT}"}}
        runs = "RUN --mount=type=secret,id=npm,required=true python3 app.py; echo it says $NPM; exit 3\n"
        shop.commit("shop", {"Dockerfile": f"{working}ARG NPM\n{runs}"}, "the build fails")
        shop.write()
        said, log = ear.fails("deploy", "staging")
        assert "the build failed at" in said and "halves ***" in log and "it says ***" in log, log

        service["build"] = f"./{name}"
        shop.commit("shop", {"Dockerfile": working}, "it builds again")
        service["x-celadon"]["release"] = ["sh", "-c", "python3 app.py; echo ${OF_DOTENV}; exit 7"]
        shop.write()
        assert "echo ***; exit 7" in ear.types("plan", "deploy", "staging").out
        assert "echo ***; exit 7" in ear.types("plan", "deploy", "staging", "--json").out
        said, log = ear.fails("deploy", "staging")
        assert "failed with code" in said and "echo ***; exit 7" in log and "halves ***" in log, log
        assert f"good evening from {name}" in log, log  # what is in clear stays readable
        assert "production, ***, 47110, http://db:5432/shop" in log, log
        assert len(box.came) == 3
        ear.types("diagnose", "--json", expect=None)


def run_bytes(argv: list[str]) -> bytes:
    return subprocess.run(argv, capture_output=True, check=True).stdout


def on_a_terminal(shop: Workspace, *words: str) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(shop.argv(*words), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                               env={**os.environ, "TERM": "xterm"})  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # how Linux says that the other side was closed
        pass
    os.close(ours)
    assert process.wait(10) == 0
    return shown.decode().replace("\r\n", "\n")


def test_services_colour_a_terminal_and_do_nothing_else_to_it(shop: Workspace) -> None:
    evil = (
        "\x1b]0;title\x07\x1b]52;c;cm0gLXJmIC8=\x07\x1b[2J\x1b[1;31mred\x1b[0m\x1bP1$r\x1b\\ \u202eabc\u200b 10%\r20%"
    )
    shop.commit("shop", {"evil.txt": f"{evil}\n"}, f"a subject {evil}")
    checkout = shop.folder / shop.unique("shop")
    source, dockerfile = (checkout / "app.py").read_text(), (checkout / "Dockerfile").read_text()
    says = 'print(open("evil.txt", newline="").read(), end="", flush=True)\nSTARTED ='
    files = {"app.py": source.replace("STARTED =", says), "Dockerfile": dockerfile.replace("COPY ", "COPY evil.txt ")}
    shop.commit("shop", files, f"more {evil}")
    planned = shop.celadon("plan", "deploy", "staging")
    assert "more red" in planned.out and not [one for one in CONTROLS if one in planned.out], planned.out
    shop.celadon("deploy", "staging")
    service = shop.unique("shop")
    wait_for(lambda: "red" in shop.celadon("logs", "staging", service).out)
    logged = run_bytes(shop.argv("logs", "staging", service)).decode()
    assert evil in logged, logged  # into a pipe, every byte
    shown = on_a_terminal(shop, "logs", "staging", service)
    assert "\x1b[1;31mred\x1b[0m abc 10%\n20%\x1b[0m\n" in shown, shown
    rest = shown.replace("\x1b[1;31m", "").replace("\x1b[0m", "")
    assert not [one for one in CONTROLS if one in rest], shown


def seen(shop: Workspace, container: str, *words: str) -> str:
    return run(["docker", "exec", container, *words]).strip()


def test_a_secret_is_a_file_that_is_frozen_and_nothing_else(shop: Workspace) -> None:
    name = shop.unique("shop")
    service, env = shop.services[name], shop.folder / "config" / ".env.staging"
    service["secrets"] = ["db_password", {"source": "key", "target": "signing.key", "uid": "65534", "mode": 0o400}]
    shop.services["db"] = {"image": "python:3.14-slim", "command": ["sleep", "600"], "init": True, "secrets": ["root"]}
    shop.extra["secrets"] = {
        "db_password": {"environment": "DB_PASSWORD"},
        "key": {"file": "./signing.key"},
        "root": {"environment": "ROOT_PASSWORD"},
    }
    shop.write()
    key = b"\x00binary\xff" + MARK.encode()
    (shop.folder / "signing.key").write_bytes(key)
    told = shop.celadon("deploy", "staging", expect=1).err
    assert "the secret db_password has no value: DB_PASSWORD is not set" in told, told

    def frozen(slot: str, password: str) -> None:
        """What the container in a slot has, and that nobody sees it from outside."""
        [container] = shop.containers("label=celadon.environment=staging", f"label=celadon.slot={slot}")
        assert seen(shop, container, "cat", "/run/secrets/db_password") == password
        assert seen(shop, container, "stat", "-c", "%a %u", "/run/secrets/signing.key") == "400 65534"
        assert "DB_PASSWORD" not in seen(shop, container, "env")
        assert seen(shop, container, "printenv", "OTHER") == "here"
        inspected = run(["docker", "inspect", container]).encode()
        packed = json.loads(inspected)[0]["Config"]["Labels"]["celadon.document"]
        assert not traces(inspected) and not traces(zlib.decompress(base64.b64decode(packed)))

    env.write_text(f"DB_PASSWORD='{MARK}-$1'\nOTHER=here\n")
    (shop.folder / ".env").write_text(f"ROOT_PASSWORD={MARK}-root\n")
    shop.celadon("deploy", "staging")
    frozen("blue", f"{MARK}-$1")
    assert seen(shop, f"{shop.name}-staging-db-1", "cat", "/run/secrets/root") == f"{MARK}-root"
    assert key == run_bytes(["docker", "exec", f"{shop.name}-staging-{name}-blue-1", "cat", "/run/secrets/signing.key"])
    assert not shop.celadon("plan", "deploy", "staging", "--json").json["steps"]
    env.write_text(f"DB_PASSWORD={MARK}-2\nOTHER=here\n")
    shop.celadon("deploy", "staging")
    frozen("green", f"{MARK}-2")

    for file in (env, shop.folder / ".env", shop.folder / "signing.key"):
        file.unlink()
    for file in shop.folder.glob(".celadon/releases/*/*/*/secrets/*"):  # they are made of the frozen documents again
        file.unlink()
    shop.celadon("rollback", "staging", "-y")
    frozen("blue", f"{MARK}-$1")
    for folder in shop.folder.glob(".celadon/**/secrets"):
        assert all(one.stat().st_mode & 0o077 == 0 for one in (folder, folder.parent)), folder
    for file in written(shop.folder / ".celadon"):
        assert not traces(file.read_bytes()), file
