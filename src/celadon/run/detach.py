"""A process of its own: in its own session, without a terminal, so that nothing that happens to one ends it."""

import os
import signal
import sys
import threading
from collections.abc import Callable


def detached(work: Callable[[], None]) -> int:
    """Run `work` in a new process and return its id at once.

    Forked, not started anew: what was loaded and planned is there, and a second of imports is saved. The caller must
    have no other threads and no open record: neither survives a fork. `work` must catch what it raises.
    """
    if threading.active_count() > 1:
        raise RuntimeError("a fork would lose the threads that run")
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    try:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nowhere, standard)
        work()
    finally:
        os._exit(0)  # nothing of the caller's is run twice: no buffers, no exit handlers
