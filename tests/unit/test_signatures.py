"""Signatures on real git, ssh-keygen and gpg: what is accepted, and in which words the rest is refused."""

import os
import subprocess
from pathlib import Path

import pytest

from celadon.adapters import signatures
from celadon.adapters.signatures import Signers, Verdict

WHO = ["-c", "user.name=x", "-c", "user.email=x@example.com"]


class Repository:
    """A repository, and keys beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.keys = folder / "repository", folder / "keys"
        self.keys.mkdir()
        self.git("init", "--quiet", "-b", "main", str(self.folder), cwd=folder)

    def git(self, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(["git", *WHO, *words], cwd=cwd or self.folder, check=True, capture_output=True, text=True,
                              env={**os.environ, **(env or {})})  # fmt: skip
        return done.stdout.strip()

    def key(self, name: str) -> Path:
        file = self.keys / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
        return file

    def ssh(self, key: Path) -> tuple[str, ...]:
        return ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")

    def commit(self, *settings: str, sign: bool = True, env: dict[str, str] | None = None) -> str:
        words = [*settings, "commit", "--quiet", "--allow-empty", "-m", "x", *(["-S"] if sign else [])]
        self.git(*words, env=env)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def allowed(repository: Repository, *lines: str) -> Signers:
    file = repository.keys / "allowed"
    file.write_text("\n".join(lines) + "\n")
    return Signers(file, None)


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text().strip()


def test_commits_and_tags_of_allowed_ssh_keys(repository: Repository) -> None:
    alice, stranger, gone = map(repository.key, ("alice", "stranger", "gone"))
    signers = allowed(repository, f"alice@example.com {public(alice)}",
                      f'gone@example.com valid-before="20200101" {public(gone)}')  # fmt: skip
    sha = repository.commit(*repository.ssh(alice))
    fingerprint = subprocess.run(["ssh-keygen", "-lf", f"{alice}.pub"], check=True, capture_output=True, text=True)
    good = signatures.of_commit(repository.folder, sha, signers)
    assert good == Verdict("alice@example.com", fingerprint.stdout.split()[1])

    def problem(sha: str, signers: Signers = signers) -> str:
        found = signatures.of_commit(repository.folder, sha, signers)
        assert found.by == found.key == ""
        return found.problem

    assert problem(repository.commit(sign=False)) == "not signed"
    assert problem(repository.commit(*repository.ssh(stranger))).startswith("signed with a key that is not allowed")
    assert problem(repository.commit(*repository.ssh(gone))) == "the signature or its key has expired"
    text = repository.git("cat-file", "commit", sha).replace("\n\nx", "\n\nevil")
    made = subprocess.run(["git", "hash-object", "-t", "commit", "-w", "--stdin"], cwd=repository.folder, check=True,
                          input=text, capture_output=True, text=True)  # fmt: skip
    assert problem(made.stdout.strip()) == "bad signature: the content changed after it was signed"
    pgp = Signers(None, repository.keys)
    assert problem(sha, pgp) == "signed with an SSH key, but only OpenPGP keys are allowed"
    assert problem(sha, Signers(repository.keys / "nothing", None)).startswith("signed with a key that is not")

    assert signatures.of_tags(repository.folder, sha, signers).problem == "no annotated tag points to this commit"
    repository.git("tag", "light", sha)
    repository.git("tag", "-a", "plain", "-m", "x", sha)
    assert signatures.of_tags(repository.folder, sha, signers).problem == "tag plain: not signed"
    repository.git(*repository.ssh(alice), "tag", "-s", "signed", "-m", "x", sha)
    assert signatures.of_tags(repository.folder, sha, signers) == Verdict(good.by, good.key, "signed")
    assert signatures.has(repository.folder, sha) and not signatures.has(repository.folder, "1" * 40)


def test_openpgp_keys_of_the_operators_folder(repository: Repository, tmp_path: Path) -> None:
    laptop, server, empty = tmp_path / "laptop", tmp_path / "server", tmp_path / "empty"
    for folder in (laptop, server, empty):
        folder.mkdir(mode=0o700)

    def gpg(home: Path, *words: str, given: bytes = b"") -> bytes:
        argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", *words]
        return subprocess.run(argv, check=True, input=given, capture_output=True).stdout

    name = "Web Flow <web@example.com>"
    gpg(laptop, "--passphrase", "", "--quick-gen-key", name, "ed25519", "sign", "never")
    gpg(server, "--import", given=gpg(laptop, "--export"))
    key = next(line.split(b":")[9] for line in gpg(laptop, "--list-keys", "--with-colons").splitlines()
               if line.startswith(b"fpr")).decode()  # fmt: skip
    sha = repository.commit("-c", f"user.signingkey={key}", env={"GNUPGHOME": str(laptop)})
    for home in (laptop, server, empty):
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    assert signatures.of_commit(repository.folder, sha, Signers(None, server)) == Verdict(name, key)
    assert "not allowed" in signatures.of_commit(repository.folder, sha, Signers(None, empty)).problem
    ssh = allowed(repository, f"alice@example.com {public(repository.key('alice'))}")
    found = signatures.of_commit(repository.folder, sha, ssh)
    assert found == Verdict(problem="signed with an OpenPGP key, but only SSH keys are allowed")


@pytest.mark.parametrize(
    "name",
    ["gpg.ssh.program", "gpg.program", "gpg.openpgp.program", "gpg.x509.program", "core.fsmonitor", "core.pager"],
)
def test_the_repositorys_own_configuration_runs_nothing(repository: Repository, name: str) -> None:
    program = repository.keys / "yes"
    said = 'Good "git" signature for alice@example.com with ED25519 key SHA256:x'
    program.write_text(f"#!/bin/sh\ntouch {repository.keys}/ran\necho '{said}'\n")
    program.chmod(0o755)
    stranger = repository.key("stranger")
    signers = allowed(repository, f"alice@example.com {public(repository.key('alice'))}")
    sha = repository.commit(*repository.ssh(stranger))
    repository.git("config", "gpg.ssh.allowedSignersFile", str(stranger))
    repository.git("config", name, str(program))
    assert "not allowed" in signatures.of_commit(repository.folder, sha, signers).problem
    assert not (repository.keys / "ran").exists()
