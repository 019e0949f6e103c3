"""Signatures of commits and tags, verified by git with the operator's keys alone.

No configuration of the repository has a say: programs, signers and trust are given on git's command line, replacement
objects (`refs/replace`) are ignored, and a kind of signature that the operator names no keys for is never accepted.
Source: git-config(1), gpg.*; git's gpg-interface.c.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import process
from celadon.locale import _

LIMIT = 60.0
MOST = 1 << 20  # bytes of a commit or tag, or of what is said of it, that are read
TAGS = 50  # tags of one commit that are looked at
NOWHERE = "/dev/null"

_SSH = re.compile(r'^Good "git" signature for (?P<by>.+) with \S+ key (?P<key>SHA256:\S+)$', re.MULTILINE)
_GOOD = re.compile(r"^\[GNUPG:\] GOODSIG \S+ (?P<by>.+)$", re.MULTILINE)
_VALID = re.compile(r"^\[GNUPG:\] VALIDSIG (?P<key>[0-9A-F]{40,})\b", re.MULTILINE)
_ANY_SSH = re.compile(r'^Good "git" signature with \S+ key (SHA256:\S+)$', re.MULTILINE)


@dataclass(frozen=True)
class Signers:
    """The operator's keys: a file of allowed signers (SSH), a GnuPG folder (OpenPGP), or both."""

    ssh: Path | None
    openpgp: Path | None


@dataclass(frozen=True)
class Verdict:
    """Who signed (`by`, with the key's fingerprint), or what is wrong."""

    by: str = ""
    key: str = ""
    tag: str = ""
    problem: str = ""


def of_commit(repository: Path, sha: str, signers: Signers) -> Verdict:
    """Whether an allowed signer signed the commit itself."""
    return _verified(repository, "verify-commit", sha, signers)


def of_tags(repository: Path, sha: str, signers: Signers) -> Verdict:
    """Whether an allowed signer signed a tag that names this very commit: the first such tag, else what is wrong."""
    words = (
        "for-each-ref",
        f"--count={TAGS}",
        f"--points-at={sha}",
        "--format=%(objecttype) %(objectname) %(refname)",
        "refs/tags",
    )
    lines = _git(repository, signers, *words).out.splitlines()
    tags = [line.split(" ", 2)[1:] for line in lines if line.startswith("tag ")]
    found = Verdict(problem=_("no annotated tag points to this commit"))
    for number, (name, ref) in enumerate(tags):
        one = _verified(repository, "verify-tag", name, signers)
        short = ref.removeprefix("refs/tags/")
        if not one.problem:
            return Verdict(one.by, one.key, short)
        if number == 0:
            found = Verdict(problem=_("tag {tag}: {problem}").format(tag=short, problem=one.problem))
    return found


def has(repository: Path, sha: str) -> bool:
    """Whether the repository has this commit."""
    return _git(repository, Signers(None, None), "cat-file", "-e", f"{sha}^{{commit}}").code == 0


def _verified(repository: Path, verb: str, name: str, signers: Signers) -> Verdict:
    done = _git(repository, signers, verb, "--raw", name)
    said = "\n".join(done.tail)
    if done.code == 0:
        if ssh := _SSH.search(said):
            return Verdict(ssh["by"], ssh["key"])
        good, valid = _GOOD.search(said), _VALID.search(said)
        if good and valid and "[GNUPG:] TRUST_NEVER" not in said:
            return Verdict(good["by"], valid["key"])
    text = _git(repository, signers, "cat-file", verb.removeprefix("verify-"), name).out
    return Verdict(problem=_problem(said, text, signers))


def _problem(said: str, text: str, signers: Signers) -> str:
    """Why a signature is not accepted. `said` is what git says of it, `text` the commit or tag itself."""
    if "key has expired" in said or re.search(r"^\[GNUPG:\] (EXPKEYSIG|KEYEXPIRED|EXPSIG)\b", said, re.MULTILINE):
        return _("the signature or its key has expired")
    if re.search(r"^\[GNUPG:\] REVKEYSIG\b", said, re.MULTILINE):
        return _("the signing key was revoked")
    if "[GNUPG:] BADSIG" in said or "incorrect signature" in said:
        return _("bad signature: the content changed after it was signed")
    if stranger := _ANY_SSH.search(said) or re.search(r"^\[GNUPG:\] NO_PUBKEY (\S+)", said, re.MULTILINE):
        return _("signed with a key that is not allowed ({key})").format(key=stranger[1])
    if "-----BEGIN PGP SIGNATURE-----" in text and signers.openpgp is None:
        return _("signed with an OpenPGP key, but only SSH keys are allowed")
    if "-----BEGIN SSH SIGNATURE-----" in text and signers.ssh is None:
        return _("signed with an SSH key, but only OpenPGP keys are allowed")
    return _("git cannot verify the signature") if re.search("-----BEGIN .*-----", text) else _("not signed")


def _git(repository: Path, signers: Signers, *words: str) -> process.Result:
    ssh, gpg = ("ssh-keygen" if signers.ssh else "false"), ("gpg" if signers.openpgp else "false")
    settings = {
        "gpg.ssh.program": ssh,
        "gpg.ssh.allowedSignersFile": str(signers.ssh or NOWHERE),
        "gpg.ssh.revocationFile": "",
        "gpg.program": gpg,
        "gpg.openpgp.program": gpg,
        "gpg.x509.program": "false",
        "gpg.minTrustLevel": "undefined",
        "core.fsmonitor": "false",
        "core.hooksPath": NOWHERE,
    }
    given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    env = {
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": NOWHERE,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
        "GNUPGHOME": str(signers.openpgp or NOWHERE),
        "GIT_NO_LAZY_FETCH": "1",
    }
    return process.run(
        ["git", "--no-pager", *given, *words], cwd=repository, env=env, timeout=LIMIT, check=False, keep=MOST
    )
