"""Words before a command by which the kernel limits it, or ends it together with Celadon."""

import functools
import resource
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the kernel lets a child have, and each process that it starts: bytes of memory that it writes to (files that
    are mapped for reading don't count), seconds of a processor. A process that wants more memory fails; one that
    computes for longer is killed.
    """

    memory: int
    seconds: int


def limited(limits: Limits | None) -> tuple[str, ...]:
    """The words before a command that limit it from its first instruction on."""
    if limits is None:
        return ()
    memory, seconds = _allowed(resource.RLIMIT_DATA, limits.memory), _allowed(resource.RLIMIT_CPU, limits.seconds)
    return ("prlimit", f"--data={memory}", f"--cpu={seconds}")


def _allowed(kind: int, wanted: int) -> int:
    """`wanted`, or less where this process itself is limited to that: only root may raise a limit again."""
    _soft, hard = resource.getrlimit(kind)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


@functools.cache
def leash() -> tuple[str, ...]:
    """The words before a command that let it die with its parent; none where util-linux is too old or missing.

    Not `preexec_fn`: Python cannot promise it in a process with threads, and readers of output are threads.
    """
    words = ("setpriv", "--pdeathsig", "KILL", "--")
    try:
        return words if subprocess.run([*words, "true"], capture_output=True).returncode == 0 else ()
    except FileNotFoundError:
        return ()
