"""git: which commit a service is to be built from, and its exact tree, without touching anybody's checkout."""

import os
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from celadon.adapters import process
from celadon.errors import CeladonError, CommandError, UsageError
from celadon.locale import _, ngettext
from celadon.state.layout import make_private, write_private

FETCH_LIMIT = 300.0

RANGE = re.compile(r"^\^|\.\.")  # several commits, or none; no name of a branch or a tag has these

# Nobody sits at the terminal of a deployment: git must fail where it would ask, or where the other side keeps silent.
SSH = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15"
SILENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", SSH), "LC_ALL": "C",
          "GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "60"}  # fmt: skip


def top(folder: Path) -> Path | None:
    """The top folder of the checkout that `folder` is in; None where it is in none."""
    found = _git(folder, "rev-parse", "--show-toplevel", check=False)
    if found.code != 0 and any("dubious ownership" in line for line in found.tail):
        raise CeladonError(
            _("git does not trust {folder}: it belongs to another user.").format(folder=folder),
            hint=_("git config --global --add safe.directory {folder}").format(folder=folder),
        )
    return Path(found.out.strip()) if found.code == 0 else None


def keep_clone(folder: Path, url: str) -> None:
    """Make `folder` a bare repository that fetches from `url`.

    A user's name and password lie in a private file, where git's own helper finds them: git shows an address to every
    user of the host, on the command line of what it starts.
    """
    if not (folder / "HEAD").exists():
        make_private(folder)
        _git(folder, "init", "--quiet", "--bare")
    login, address = _parted(url)
    file = folder / "credentials"
    if login:
        write_private(file, f"{login}\n")
        _git(folder, "config", "credential.helper", f"store --file={shlex.quote(str(file))}")
    else:
        file.unlink(missing_ok=True)
    _git(folder, "config", "remote.origin.url", address)
    _git(folder, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")


def _parted(url: str) -> tuple[str, str]:
    """The login in an http address, as git's helper keeps it ("" without one), and the address without it."""
    match = re.fullmatch(r"(https?://)([^/@]+)@([^/]+)(.*)", url)
    if not match:
        return "", url
    scheme, user, host, path = match.groups()
    return f"{scheme}{user if ':' in user else user + ':'}@{host}", f"{scheme}{host}{path}"


def fetch(repository: Path, service: str) -> bool:
    """Bring what the remote has; False where there is none: such a repository is its own truth."""
    if not _git(repository, "remote").out.split():
        return False
    try:
        _git(repository, "fetch", "--quiet", "--prune", "--tags", "--force", "origin", timeout=FETCH_LIMIT)
    except CommandError as error:
        raise CeladonError(
            _("{service}: git cannot fetch.").format(service=service),
            evidence=error.tail or [error.message],
            hint=_("Try it by hand: git -C {folder} fetch origin").format(folder=repository),
        ) from None
    return True


def commit(repository: Path, service: str, branch: str | None, ref: str | None, *, remote: bool) -> tuple[str, str]:
    """The full sha to build and its subject. `ref` is a branch, a tag or a sha; without it the tip of `branch`.

    `remote`: it was fetched from one, whose branches count then. Raises UsageError when there is no such ref,
    CeladonError when the branch here has commits that were never pushed.
    """
    wanted = ref or branch or _current(repository, remote)
    tried = [f"refs/remotes/origin/{wanted}"] if remote else [f"refs/heads/{wanted}"]
    if ref:
        tried += [f"refs/tags/{ref}", f"refs/heads/{ref}", ref]
    for name in tried:
        words = ("--max-count=1", "--format=%s", "--end-of-options", f"{name}^{{commit}}")
        found = _git(repository, "rev-list", *words, check=False)  # its first line: "commit SHA"
        if found.code == 0 and not RANGE.search(name):
            if not ref and remote:
                _refuse_unpushed(repository, service, wanted)
            sha, _newline, subject = found.out.removeprefix("commit ").strip().partition("\n")
            return sha, subject
    raise UsageError(
        _("{service}: the repository has no branch, tag or commit `{ref}`.").format(service=service, ref=wanted),
        hint=_("See what there is: git -C {folder} branch --all").format(folder=repository),
    )


def refuse_changes(checkout: Path, service: str, paths: Sequence[str]) -> None:
    """Raises CeladonError when files at or below `paths` were changed and not committed: they would not be built."""
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no", "--", *paths).out.splitlines()
    if changed:
        raise CeladonError(
            _("{service}: {folder} has changes that are not committed; they would not be built.").format(
                service=service, folder=checkout
            ),
            evidence=changed[:10],
            hint=_("Commit and push them, or drop them: git -C {folder} stash").format(folder=checkout),
        )


def export(repository: Path, sha: str, folder: Path) -> None:
    """Write the exact tree of `sha` to `folder`; the repository's own index and work tree are not touched."""
    if _git(repository, "ls-tree", "--name-only", sha, ".gitmodules").out.strip():
        raise CeladonError(
            _("The repository {folder} has submodules, which Celadon does not fetch.").format(folder=repository),
            hint=_("Bring them in as folders (git subtree), or build the image elsewhere and name it in `image`."),
        )
    shutil.rmtree(folder, ignore_errors=True)
    make_private(folder)
    index = folder.with_name(f"{folder.name}.index")
    index.unlink(missing_ok=True)
    location = _git(repository, "rev-parse", "--absolute-git-dir").out.strip()
    argv = ["git", f"--git-dir={location}", f"--work-tree={folder}"]
    env = {**SILENT, "GIT_INDEX_FILE": str(index)}
    process.run([*argv, "read-tree", sha], env=env)
    process.run([*argv, "checkout-index", "--all", "--force"], cwd=folder, env=env, timeout=FETCH_LIMIT)
    index.unlink(missing_ok=True)


def kept(folder: Path, names: Sequence[str]) -> tuple[set[str], set[str]]:
    """Those of the files `names` in a checkout's `folder` that git has, and those that it is told to ignore.

    Raises CommandError where git refuses to say.
    """
    tracked = _git(folder, "--literal-pathspecs", "ls-files", "-z", "--", *names).out.split("\0")
    listed = "".join(f"{name}\0" for name in names)
    argv = ["git", "check-ignore", "-z", "--stdin"]
    ignored = process.run(argv, cwd=folder, env=SILENT, stdin=listed, timeout=60, check=False)
    return {*tracked} - {""}, {*ignored.out.split("\0")} - {""}


def tracked(folder: Path, *patterns: str) -> frozenset[str]:
    """What git has below a checkout's `folder`, by its path from there; with `patterns`, what fits one of them.

    Raises CommandError where git refuses to say.
    """
    return frozenset(_git(folder, "ls-files", "-z", "--", *patterns).out.split("\0")) - {""}


def files(repository: Path, sha: str, folder: str) -> tuple[str, ...]:
    """The files of a commit below `folder`, by their path from there; none where it has no such folder."""
    tree = f"{sha}:{'' if folder == '.' else folder}"
    found = _git(repository, "ls-tree", "-r", "-z", "--name-only", "--full-tree", tree, check=False)
    return tuple(name for name in found.out.split("\0") if name)


def text(repository: Path, sha: str, path: str) -> str | None:
    """A file of a commit, links followed; None where there is none."""
    argv = ["git", "cat-file", "--batch", "--follow-symlinks"]
    found = process.run(argv, cwd=repository, env=SILENT, stdin=f"{sha}:{path}\n", timeout=60).out
    head, _newline, body = found.partition("\n")
    return body.removesuffix("\n") if " blob " in head else None


def remote(folder: Path) -> str:
    """The address that a checkout or clone fetches from, "" where there is none."""
    return _git(folder, "config", "--get", "remote.origin.url", check=False).out.strip() if folder.is_dir() else ""


def branch(folder: Path) -> str:
    """The branch that a checkout's remote has for its main one, else the one that is checked out; "" for neither."""
    main = _git(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD", check=False).out.strip()
    here = _git(folder, "symbolic-ref", "--quiet", "--short", "HEAD", check=False).out.strip()
    return main.removeprefix("origin/") or here


def between(repository: Path, old: str, new: str, limit: int = 50) -> tuple[str, ...]:
    """Commits that `new` has and `old` has not, newest first, as "1a2b3c4 subject"; empty where it cannot be told."""
    found = _git(repository, "log", "--format=%h %s", f"--max-count={limit}", f"{old}..{new}", "--", check=False)
    return tuple(found.out.splitlines()) if found.code == 0 else ()


def _current(repository: Path, remote: bool) -> str:
    """The branch that is checked out; of a bare clone, the remote's own default."""
    name = _git(repository, "symbolic-ref", "--quiet", "--short", "HEAD", check=False).out.strip()
    if name and not (remote and _git(repository, "rev-parse", "--is-bare-repository").out.strip() == "true"):
        return name
    heads = _git(repository, "ls-remote", "--symref", "origin", "HEAD", timeout=60, check=False).out
    for line in heads.splitlines():
        if line.startswith("ref: refs/heads/"):
            return line.split()[1].removeprefix("refs/heads/")
    return "main"


def _refuse_unpushed(repository: Path, service: str, branch: str) -> None:
    range_ = f"refs/remotes/origin/{branch}..refs/heads/{branch}"
    ahead = _git(repository, "log", "--format=%h %s", range_, "--", check=False)
    lines = ahead.out.splitlines() if ahead.code == 0 else []
    if lines:
        words = ngettext(
            "{service}: {folder} has {n} commit that was never pushed; it would not be built.",
            "{service}: {folder} has {n} commits that were never pushed; they would not be built.",
            len(lines),
        )
        raise CeladonError(
            words.format(service=service, folder=repository, n=len(lines)),
            evidence=lines[:10],
            hint=_("git -C {folder} push, or choose what to build with --ref").format(folder=repository),
        )


def _git(folder: Path, *words: str, timeout: float = 60, check: bool = True) -> process.Result:
    return process.run(["git", *words], cwd=folder, env=SILENT, timeout=timeout, check=check)
