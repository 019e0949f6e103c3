"""Running git: in silence, within limits of time and memory, and never by the settings of a repository that was pushed.

Anyone who can push writes what git reads. A few objects can describe a tree of billions of files, or a blob that is a
thousand times as large as what was sent.
"""

import os
import re
import signal
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from celadon.adapters import host, process
from celadon.adapters.child_limits import Limits
from celadon.adapters.output import KEPT
from celadon.errors import CommandError
from celadon.locale import _, numbers

MEMORY = 1 << 30  # bytes that each git process may write to; packs, which git only reads, don't count
SECONDS = 900  # of a processor, for each git process: also for one that git leaves running in the background
LIMITS = Limits(MEMORY, SECONDS)
ANSWER_LIMIT = 60.0
TREE_LIMIT = 120.0  # for a whole tree, on a server that has much else to do

# Nobody sits at the terminal of a deployment: git must fail where it would ask, or where the other side keeps silent.
SSH = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15"
SILENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", SSH),
    "LC_ALL": "C",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "60",
}

_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate memory|unable to create thread", re.IGNORECASE)


def run(
    folder: Path,
    *words: str,
    timeout: float = ANSWER_LIMIT,
    check: bool = True,
    stdin: str | None = None,
    env: dict[str, str] | None = None,
    keep: int = KEPT,
    watch: Callable[[], str] | None = None,
) -> process.Result:
    """Run git in `folder`. Raises CommandError as `process.run` does, and always where git met one of its limits."""
    done = process.run(
        ["git", *words], cwd=folder, env={**SILENT, **(env or {})}, stdin=stdin, timeout=timeout,
        check=False, keep=keep, limits=LIMITS, watch=watch,
    )  # fmt: skip
    if done.code != 0 and (limit := _limit_met(done.code, done.tail)):
        raise CommandError(done.argv, done.code, done.tail, message=limit)
    if check and done.code != 0:
        raise process.failed(done)
    return done


def stream(folder: Path, *words: str) -> Generator[bytes, None, None]:
    """What git prints, as it comes. Raises CommandError as `run` does."""
    try:
        yield from process.pieces(["git", *words], cwd=folder, env=SILENT, timeout=TREE_LIMIT, limits=LIMITS)
    except CommandError as error:
        limit = _limit_met(error.code, error.tail)
        raise (CommandError(error.argv, error.code, error.tail, message=limit) if limit else error) from None


def _limit_met(code: int, tail: Sequence[str]) -> str:
    """Which limit a git that failed has met, in words; "" for none."""
    if any(map(_OUT_OF_MEMORY.search, tail)):
        return _("git exceeded its memory limit of {memory} and failed.").format(memory=numbers.size(MEMORY))
    if code == -signal.SIGXCPU:
        return _("git used more than {seconds} s of CPU time and was stopped.").format(seconds=SECONDS)
    return ""


def watch_disk(folder: Path) -> Callable[[], str]:
    """For `run`: objects when git has used up half of what was free where `folder` lies, bytes or inodes."""
    before = host.disk(folder)

    def watch() -> str:
        now = host.disk(folder)
        if now.free * 2 < before.free or now.inodes_free * 2 < before.inodes_free:
            words = _("git was stopped: it used half of the free disk space in {folder} ({free} was free).")
            return words.format(folder=before.folder, free=numbers.size(before.free))
        return ""

    return watch
