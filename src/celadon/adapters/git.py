"""git: which commit a service is to be built from, without touching anybody's checkout."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from celadon.adapters.git_command import run, watch_disk
from celadon.errors import CeladonError, CommandError, UsageError
from celadon.locale import _, ngettext
from celadon.state.layout import make_private, write_private

FETCH_LIMIT = 300.0
SUBJECT = 200  # characters of a commit's first line that are shown

RANGE = re.compile(r"^\^|\.\.")  # several commits, or none; no name of a branch or a tag has these


def top(folder: Path) -> Path | None:
    """The top folder of the checkout that `folder` is in; None where it is in none."""
    _refuse_planted(folder)
    found = run(folder, "rev-parse", "--show-toplevel", check=False)
    if found.code != 0 and any("dubious ownership" in line for line in found.tail):
        raise CeladonError(
            _("git does not trust {folder}: it belongs to another user.").format(folder=folder),
            hint=_("git config --global --add safe.directory {folder}").format(folder=folder),
        )
    return Path(found.out.strip()) if found.code == 0 else None


def _refuse_planted(folder: Path) -> None:
    """Raises CeladonError where a folder of a checkout looks like a repository of its own.

    git would take its settings from there, and these name commands to run (core.fsmonitor). Nobody can push a `.git`,
    but anybody who may push can add the files of a bare repository. git's safe.bareRepository is newer than many gits.
    """
    real = folder.resolve()
    for one in (real, *real.parents):
        if os.path.lexists(one / ".git"):
            return
        if os.path.lexists(one / "HEAD") and any(os.path.lexists(one / name) for name in ("objects", "commondir")):
            raise CeladonError(
                _("{folder} looks like a bare git repository; Celadon does not run git in it.").format(folder=one),
                hint=_(
                    "If it is part of a checkout, rename its HEAD file; otherwise clone it: git clone {folder}"
                ).format(folder=one),
            )


def keep_clone(folder: Path, url: str) -> None:
    """Make `folder` a bare repository that fetches from `url`.

    A user's name and password lie in a private file, where git's own helper finds them: git shows an address to every
    user of the host, on the command line of what it starts.
    """
    if not (folder / "HEAD").exists():
        make_private(folder)
        run(folder, "init", "--quiet", "--bare")
    login, address = _parted(url)
    file = folder / "credentials"
    if login:
        write_private(file, f"{login}\n")
        run(folder, "config", "credential.helper", f"store --file={shlex.quote(str(file))}")
    else:
        file.unlink(missing_ok=True)
    run(folder, "config", "remote.origin.url", address)
    run(folder, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")


def _parted(url: str) -> tuple[str, str]:
    """The login in an http address, as git's helper keeps it ("" without one), and the address without it."""
    match = re.fullmatch(r"(https?://)([^/@]+)@([^/]+)(.*)", url)
    if not match:
        return "", url
    scheme, user, host, path = match.groups()
    return f"{scheme}{user if ':' in user else user + ':'}@{host}", f"{scheme}{host}{path}"


def fetch(repository: Path, service: str) -> bool:
    """Bring what the remote has; False where there is none: such a repository is its own truth."""
    if not run(repository, "remote").out.split():
        return False
    try:
        words = ("--quiet", "--prune", "--tags", "--force", "--no-recurse-submodules", "origin")
        run(repository, "fetch", *words, timeout=FETCH_LIMIT, watch=watch_disk(repository))
    except CommandError as error:
        raise CeladonError(
            _("{service}: git cannot fetch.").format(service=service),
            evidence=[error.message, *error.tail],
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
        found = run(repository, "rev-list", *words, check=False)  # its first line: "commit SHA"
        if found.code == 0 and not RANGE.search(name):
            if not ref and remote:
                _refuse_unpushed(repository, service, wanted)
            sha, _newline, subject = found.out.removeprefix("commit ").strip().partition("\n")
            return sha, subject[:SUBJECT]
    raise UsageError(
        _("{service}: the repository has no branch, tag or commit `{ref}`.").format(service=service, ref=wanted),
        hint=_("See what there is: git -C {folder} branch --all").format(folder=repository),
    )


def refuse_changes(checkout: Path, service: str, paths: Sequence[str]) -> None:
    """Raises CeladonError when files at or below `paths` were changed and not committed: they would not be built."""
    changed = run(checkout, "status", "--porcelain", "--untracked-files=no", "--", *paths).out.splitlines()
    if changed:
        raise CeladonError(
            _("{service}: {folder} has changes that are not committed; they would not be built.").format(
                service=service, folder=checkout
            ),
            evidence=changed[:10],
            hint=_("Commit and push them, or drop them: git -C {folder} stash").format(folder=checkout),
        )


def kept(folder: Path, names: Sequence[str]) -> tuple[set[str], set[str]]:
    """Those of the files `names` in a checkout's `folder` that git has, and those that it is told to ignore.

    Raises CommandError where git refuses to say.
    """
    _refuse_planted(folder)
    tracked = run(folder, "--literal-pathspecs", "ls-files", "-z", "--", *names).out.split("\0")
    listed = "".join(f"{name}\0" for name in names)
    ignored = run(folder, "check-ignore", "-z", "--stdin", stdin=listed, check=False)
    return {*tracked} - {""}, {*ignored.out.split("\0")} - {""}


def tracked(folder: Path, *patterns: str) -> frozenset[str]:
    """What git has below a checkout's `folder`, by its path from there; with `patterns`, what fits one of them.

    Raises CommandError where git refuses to say.
    """
    _refuse_planted(folder)
    return frozenset(run(folder, "ls-files", "-z", "--", *patterns).out.split("\0")) - {""}


def remote(folder: Path) -> str:
    """The address that a checkout or clone fetches from, "" where there is none."""
    if not folder.is_dir():
        return ""
    return run(folder, "config", "--get", "remote.origin.url", check=False).out.strip()


def branch(folder: Path) -> str:
    """The branch that a checkout's remote has for its main one, else the one that is checked out; "" for neither."""
    main = run(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD", check=False).out.strip()
    here = run(folder, "symbolic-ref", "--quiet", "--short", "HEAD", check=False).out.strip()
    return main.removeprefix("origin/") or here


def between(repository: Path, old: str, new: str, limit: int = 50) -> tuple[str, ...]:
    """Commits that `new` has and `old` has not, newest first, as "1a2b3c4 subject"; empty where it cannot be told."""
    found = run(repository, "log", "--format=%h %s", f"--max-count={limit}", f"{old}..{new}", "--", check=False)
    return tuple(line[:SUBJECT] for line in found.out.split("\n") if line) if found.code == 0 else ()


def _current(repository: Path, remote: bool) -> str:
    """The branch that is checked out; of a bare clone, the remote's own default."""
    name = run(repository, "symbolic-ref", "--quiet", "--short", "HEAD", check=False).out.strip()
    if name and not (remote and run(repository, "rev-parse", "--is-bare-repository").out.strip() == "true"):
        return name
    heads = run(repository, "ls-remote", "--symref", "origin", "HEAD", timeout=60, check=False).out
    for line in heads.splitlines():
        if line.startswith("ref: refs/heads/"):
            return line.split()[1].removeprefix("refs/heads/")
    return "main"


def _refuse_unpushed(repository: Path, service: str, branch: str) -> None:
    range_ = f"refs/remotes/origin/{branch}..refs/heads/{branch}"
    ahead = run(repository, "log", "--format=%h %s", range_, "--", check=False)
    lines = ahead.out.rstrip("\n").split("\n") if ahead.code == 0 and ahead.out else []
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
