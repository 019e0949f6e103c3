"""Whoever pushes to one repository, or moves a tag, does not decide what passes the policy: the operator's keys do."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.workspace import GIT, Workspace, processes, run

CANARY = "c4n4ryOfAService"
ALICE = "alice@example.com"


class Team(Workspace):
    """A workspace whose commits can be signed; keys lie outside of every repository."""

    def key(self, name: str) -> Path:
        """An SSH key of somebody's."""
        file = self.folder / "laptops" / name
        file.parent.mkdir(exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)])
        return file

    def allow(self, *signers: tuple[str, Path]) -> None:
        lines = [f'{who} namespaces="git" {key.with_suffix(".pub").read_text()}' for who, key in signers]
        (self.folder / "allowed_signers").write_text("".join(lines))

    def signed(self, key: Path, *words: str) -> list[str]:
        return [
            *GIT,
            "-c",
            "gpg.format=ssh",
            "-c",
            "gpg.ssh.program=ssh-keygen",
            "-c",
            f"user.signingkey={key}",
            *words,
        ]

    def push(self, name: str, version: str, key: Path | None, *, env: dict[str, str] | None = None) -> str:
        """Commit a version of the service, signed with `key` if any, and push it; returns the sha."""
        checkout = self.folder / self.unique(name)
        (checkout / "VERSION").write_text(f"{version}\n")
        words = ["commit", "--quiet", "--all", "-m", version]
        argv = self.signed(key, *words, "-S") if key else [*GIT, *words]
        subprocess.run(argv, cwd=checkout, check=True, env={**os.environ, **(env or {})}, timeout=60)
        return self.publish(name)

    def publish(self, name: str) -> str:
        checkout = self.folder / self.unique(name)
        run(["git", "push", "--quiet", "--force", "origin", "HEAD:main"], checkout)
        return run(["git", "rev-parse", "HEAD"], checkout).strip()

    def evidence(self, name: str, environment: str = "staging") -> dict[str, Any]:
        """What `releases --json` says is kept of the live release of a service."""
        rows = self.celadon("releases", environment, self.unique(name), "--json").json
        return dict(next(row for row in rows if row["mark"] == "live")["evidence"])


def test_only_what_an_allowed_key_signed_is_built(empty: Workspace) -> None:
    team = Team(empty.folder, empty.name, empty.staging, empty.production)
    alice, mallory, gone = team.key("alice"), team.key("mallory"), team.key("gone")
    team.allow((ALICE, alice))
    team.top = {"policy": {"signed": "allowed_signers"}}
    team.add("shop", route="/shop")
    team.write()
    shop = team.folder / team.unique("shop")

    def refused(why: str) -> str:
        said = team.celadon("deploy", "staging", expect=1).err
        assert "only accepts commits signed by an allowed signer. Nothing was changed" in said
        assert why in said, said
        assert "git commit --amend" in said
        return said

    refused("not signed")  # the first commit
    assert team.containers() == [] and team.images() == []  # nothing was built for it, or started

    good = team.push("shop", "2", alice)
    shown = team.celadon("deploy", "staging").out
    assert f"verify the signature of {team.unique('shop')} {good[:7]} ({ALICE})" in shown
    assert team.version("/shop") == "2"
    signature = team.evidence("shop")["signature"]
    assert (signature["commit"], signature["by"], signature["what"]) == (good, ALICE, "commits")

    # A key that nobody allowed, also where the repository's own file allows it.
    team.push("shop", "3", mallory)
    refused("signed with a key that is not allowed (SHA256:")
    (shop / "allowed_signers").write_text(f"* {mallory.with_suffix('.pub').read_text()}")
    run(["git", "add", "allowed_signers"], shop)
    team.push("shop", "4", mallory)
    refused("signed with a key that is not allowed")

    # The checkout's own configuration says that everything is well.
    program = team.folder / "laptops" / "yes"
    program.write_text(f'#!/bin/sh\ntouch {team.folder}/ran\necho \'Good "git" signature for {ALICE} with ED25519 key'
                       " SHA256:x'\n")  # fmt: skip
    program.chmod(0o755)
    for name, value in {
        "gpg.ssh.program": str(program), "gpg.program": str(program), "gpg.openpgp.program": str(program),
        "gpg.ssh.allowedSignersFile": str(shop / "allowed_signers"), "log.showSignature": "true",
        "alias.verify-commit": f"!{program}", "gpg.minTrustLevel": "undefined",
    }.items():  # fmt: skip
        run(["git", "config", name, value], shop)
    refused("signed with a key that is not allowed")
    assert not (team.folder / "ran").exists()

    # An old signature over something else.
    run(["git", "reset", "--quiet", "--hard", good], shop)
    signed = subprocess.run(["git", "cat-file", "commit", good], cwd=shop, capture_output=True, check=True).stdout
    (shop / "VERSION").write_text("666\n")
    run([*GIT, "commit", "--quiet", "--all", "-m", "evil"], shop)
    tree = run(["git", "rev-parse", "HEAD^{tree}"], shop).strip()
    amended = b"tree %s\n" % tree.encode() + signed.partition(b"\n")[2]
    made = subprocess.run(["git", "hash-object", "-t", "commit", "-w", "--stdin"], cwd=shop, input=amended,
                          capture_output=True, check=True)  # fmt: skip
    run(["git", "reset", "--quiet", "--hard", made.stdout.decode().strip()], shop)
    team.publish("shop")
    refused("bad signature")

    # A replacement object swaps the tree of a commit that is signed: neither verified nor built.
    evil = run(["git", "rev-parse", "HEAD"], shop).strip()
    run(["git", "reset", "--quiet", "--hard", good], shop)
    newer = team.push("shop", "5", alice)
    run(["git", "update-ref", f"refs/replace/{newer}", evil], shop)
    run(["git", "replace", "-f", f"{newer}^{{tree}}", f"{evil}^{{tree}}"], shop)
    team.celadon("deploy", "staging")
    assert team.version("/shop") == "5"
    run(["git", "for-each-ref", "--format=delete %(refname)", "refs/replace"], shop)
    run(["sh", "-c", "rm -r .git/refs/replace"], shop)

    # A key whose time was over before it signed.
    team.allow((ALICE, alice))
    with (team.folder / "allowed_signers").open("a") as file:
        file.write(f'gone@example.com valid-before="20200101" {gone.with_suffix(".pub").read_text()}')
    team.push("shop", "6", gone)
    refused("the signature or its key has expired")

    # Who may sign is never taken from a service's repository, whatever leads there.
    run(["git", "reset", "--quiet", "--hard", newer], shop)
    team.push("shop", "7", mallory)
    (shop / "allowed_signers").write_text(f"* {mallory.with_suffix('.pub').read_text()}")
    (team.folder / "allowed_signers").unlink()
    (team.folder / "allowed_signers").symlink_to(shop / "allowed_signers")
    said = team.celadon("deploy", "staging", expect=2).err
    assert "is in the source of a service: anyone who can push to it could change it" in said
    assert team.version("/shop") == "5"


SCANNER = """#!/bin/sh
# what the operator lets judge images; its mode is in a file
env | sort > seen.env
echo "$1" >> seen.images
case "$(cat mode)" in
fail) printf 'CVE-2026-1 \\033[31mcritical\\033[0m in %s\\n' "$(cat config/.env.staging)"; exit 3 ;;
hang) (trap '' TERM; exec sleep 7531) & wait ;;
move) docker tag nginx:1.30 "$(cat moved)" ;;
flood) printf 'begin\\033]0;title\\007\\n'; head -c 1000000000 /dev/zero; printf '\\nthe last line\\n' ;;
esac
"""
LISTER = """#!/bin/sh
case "$(cat mode)" in
words) echo 'no JSON' ;;
*) printf '{"bomFormat": "CycloneDX", "of": "%s"}' "$1" ;;
esac
"""


def test_a_scanner_of_the_teams_decides_and_is_not_trusted(empty: Workspace) -> None:
    team = Team(empty.folder, empty.name, empty.staging, empty.production)
    for name, text in (("scan.sh", SCANNER), ("list.sh", LISTER)):
        (team.folder / name).write_text(text)
        (team.folder / name).chmod(0o755)
    team.top = {"policy": {"scan": ["./scan.sh", "{image}"], "sbom": ["./list.sh"], "timeout": "2s"}}
    build = {"context": f"./{team.unique('shop')}", "args": {"FLAVOUR": CANARY}}
    team.add("shop", route="/shop", build=build)
    (team.folder / "config").mkdir()
    (team.folder / "config" / ".env.staging").write_text(f"API_TOKEN={CANARY}\n")
    team.write()
    mode = team.folder / "mode"

    def deploy(how: str, expect: int, *words: str) -> str:
        mode.write_text(how)
        ran = team.celadon(*(words or ("deploy", "staging")), expect=expect,
                           env={"SHELL_TOKEN": "c4n4ryOfTheShell", "SCAN_SH_CACHE": "here"})  # fmt: skip
        return ran.out + ran.err

    # It says no: nothing starts; what it said is shown without secrets, and nothing moves the terminal.
    said = deploy("fail", 1)
    assert "the image failed the scan (`./scan.sh` exited with code 3). Nothing was switched" in said
    assert "CVE-2026-1 critical in API_TOKEN=***" in said and "\033" not in said and CANARY not in said
    assert team.containers("label=celadon.role=slot") == []
    seen = (team.folder / "seen.env").read_text()
    assert "SCAN_SH_CACHE=here" in seen and "CELADON_ENV=staging" in seen
    assert "c4n4ry" not in seen, seen
    (image,) = set((team.folder / "seen.images").read_text().split())
    assert image.startswith("sha256:")
    (kept,) = (team.folder / ".celadon" / "evidence").glob("*/scan-staging.json")
    assert kept.parent.name == image.removeprefix("sha256:") and kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["code"] == 3 and CANARY not in kept.read_text()

    # It hangs, and what it started does not listen to SIGTERM: all of it is stopped.
    assert "`./scan.sh` took longer than 2 s and was stopped" in deploy("hang", 1)
    assert processes("sleep", "7531") == []

    # What should be an SBOM is none.
    assert "did not print a JSON object" in deploy("words", 1)

    # The tag is moved while it scans: what starts is what was scanned, or nothing.
    (tag,) = [name for name in team.images() if name.startswith(team.unique("shop"))]
    (team.folder / "moved").write_text(tag)
    assert "no longer points to the image that was built or tested" in deploy("move", 1)
    assert team.containers("label=celadon.role=slot") == []
    run(["docker", "tag", image, tag])

    # A gigabyte that it prints goes nowhere, and colours and titles neither.
    (team.folder / "compose.yaml").write_text((team.folder / "compose.yaml").read_text().replace("2s", "60s"))
    deploy("flood", 0)
    log = sorted((team.folder / ".celadon" / "logs").glob("*.log"), key=lambda file: int(file.stem))[-1]
    text = log.read_text()
    assert len(text) < 100_000 and "begin" in text and "\033" not in text and "\0" not in text
    assert team.version("/shop") == "1"
    live = team.live("shop")
    found = team.evidence("shop")
    assert found["scan"]["passed"] and found["scan"]["image"] == image
    assert found["scan"]["last"][-1] == "the last line"
    assert json.loads(Path(found["sbom"]).read_text()) == {"bomFormat": "CycloneDX", "of": image}

    # Provenance is kept without being asked for: names of build arguments, never values.
    document = team.celadon("releases", "staging", "--provenance", live["release"]).json
    assert CANARY not in json.dumps(document)
    assert document["subject"] == [{"name": team.unique("shop"), "digest": {"sha256": image.removeprefix("sha256:")}}]
    given = document["predicate"]["buildDefinition"]
    assert given["externalParameters"]["args"] == ["FLAVOUR"]
    assert given["externalParameters"]["dockerfile"] == "Dockerfile"
    source, base = given["resolvedDependencies"]
    commit = run(["git", "rev-parse", "HEAD"], team.folder / team.unique("shop")).strip()
    assert source["digest"] == {"gitCommit": commit} and source["uri"].endswith(f"{team.unique('shop')}.git")
    assert base["uri"].startswith("pkg:docker/python@3.14-slim") and len(base["digest"]["sha256"]) == 64
    assert team.celadon("releases", "staging", "--sbom", live["release"]).json["of"] == image

    # A promote scans the very image again: what is known of it today counts.
    assert "the image failed the scan" in deploy("fail", 1, "promote", "-y")
    assert team.containers("label=celadon.role=slot", "label=celadon.environment=production") == []
    (team.folder / "config" / ".env.production").write_text("")
    deploy("pass", 0, "promote", "-y")
    assert team.version("/shop", "production") == "1"
    assert team.evidence("shop", "production")["scan"]["passed"]
    assert {*(team.folder / "seen.images").read_text().split()} == {image}

    # It goes with the last release that has the image.
    deploy("pass", 0, "down", "production", "--volumes", "-y")
    assert kept.parent.exists()
    deploy("pass", 0, "down", "staging", "--volumes", "-y")
    assert not kept.parent.exists()


def test_production_takes_only_commits_with_a_signed_tag(empty: Workspace, registry: str) -> None:
    """A tag may be signed after staging has tested the commit; the base images of what is built are pinned."""
    team = Team(empty.folder, empty.name, empty.staging, empty.production)
    alice, mallory = team.key("alice"), team.key("mallory")
    team.allow((ALICE, alice))
    team.of_production = {"policy": {"signed": {"ssh": "allowed_signers", "what": "tags"}, "pinned": "required"}}
    # A base that was built on this server has no digest: the operator names it, the Dockerfile only its context.
    context = {
        "context": f"./{team.unique('shop')}",
        "additional_contexts": {"base": "docker-image://python:3.14-slim"},
    }
    team.add("shop", route="/shop", build=context)
    team.write()
    name, shop = team.unique("shop"), team.folder / team.unique("shop")
    (team.folder / "asset").touch()
    run(["tar", "--create", "--file", "tiny.tar", "asset"], team.folder)
    asset = f"{registry}/assets:1"
    run(["docker", "import", str(team.folder / "tiny.tar"), asset])
    run(["docker", "push", "--quiet", asset])

    # What staging builds is to be production's: a tag alone is refused, whatever the Dockerfile's comments allow.
    allow = "# celadon: allow dockerfile/not-pinned\n"
    dockerfile = (shop / "Dockerfile").read_text()
    team.commit("shop", {"Dockerfile": allow + dockerfile}, "allow it")
    said = team.celadon("deploy", "staging", expect=1)
    assert "Dockerfile:2:1: the image python:3.14-slim is not pinned by digest (dockerfile/not-pinned)" in said.err
    found = team.celadon("check", "--json", expect=1).json
    assert "has no digest: it was built on this server" in next(
        one["what"] for one in found if one["rule"] == "dockerfile/not-pinned" and one["severity"] == "error"
    )
    taken = f"COPY --from={asset} /asset /asset\n"
    dockerfile = dockerfile.replace("python:3.14-slim", "base") + taken
    (shop / "Dockerfile").write_text(dockerfile)
    team.celadon("check", "--fix", "-y", expect=0)
    digest = json.loads(run(["docker", "image", "inspect", asset]))[0]["RepoDigests"][0].partition("@")[2]
    assert (shop / "Dockerfile").read_text() == dockerfile.replace(asset, f"{asset}@{digest}")
    sha = team.commit("shop", {}, "pin it")
    team.celadon("deploy", "staging")

    def promote(expect: int) -> str:
        ran = team.celadon("promote", "-y", expect=expect)
        return ran.out + ran.err

    assert f"{name} {sha[:7]}: no annotated tag points to this commit" in promote(1)
    run([*GIT, "tag", "-a", "v1", "-m", "mine"], shop)
    run(team.signed(mallory, "tag", "-s", "a1", "-m", "mine"), shop)
    # A tag that Alice signed names another commit: its name may point anywhere, the signature does not.
    run(team.signed(alice, "tag", "-s", "v2", "-m", "hers", f"{sha}~1"), shop)
    run(["git", "update-ref", "refs/tags/v3", run(["git", "rev-parse", "refs/tags/v2"], shop).strip()], shop)
    run(["git", "push", "--quiet", "--tags"], shop)
    assert "tag a1: signed with a key that is not allowed" in promote(1)
    run(team.signed(alice, "tag", "-s", "v4", "-m", "hers", sha), shop)
    run(["git", "push", "--quiet", "--tags"], shop)
    assert f"verify the signature of {name} {sha[:7]} ({ALICE})" in promote(0)
    assert team.version("/shop", "production") == "1"
    assert team.evidence("shop", "production")["signature"]["tag"] == "v4"


@pytest.mark.parametrize(
    "text",
    [
        'FROM scratch\nRUN echo "<<X"\nFROM nginx:1.30\nRUN <<X\nX\n',  # no here-document, though it looks like one
        "FROM scratch\nRUN echo a\\\\\nFROM nginx:1.30\n",  # and no continued line
        "FROM scratch AS base\nONBUILD COPY --from=nginx:1.30 /etc/nginx /\nFROM base\n",
    ],
)
def test_a_dockerfile_that_deceives_its_readers_gets_no_image_by_its_tag(shop: Workspace, text: str) -> None:
    shop.of_production = {"policy": {"pinned": "required"}}
    shop.write()
    shop.commit("shop", {"Dockerfile": text}, "a commit")
    said = shop.celadon("build", "staging", expect=1).err
    assert "the build asks for the image docker.io/library/nginx:1.30, which is not pinned by its digest" in said
