"""Trying again what a network spoilt, and only that: a compiler's error is not mended by patience."""

import re
from collections.abc import Callable
from typing import TypeVar

from celadon.adapters import process
from celadon.errors import BuildError, CeladonError, CommandTimeout, Unanswered
from celadon.locale import _

PAUSES = (2.0, 6.0)  # seconds before the second and the third try

# What package managers, git, registries and BuildKit say of a network that failed.
NETWORK = re.compile(
    r"ETIMEDOUT|ECONNRESET|ECONNREFUSED|EAI_AGAIN|ENOTFOUND|ENETUNREACH|ERR_SOCKET_TIMEOUT|socket hang up"
    r"|network timeout|(Connect|Read|Operation) timed out|Operation too slow|Timeout, server \S+ not responding"
    r"|Connection (timed out|reset by peer|refused|aborted)|ConnectTimeout|ReadTimeoutError"
    r"|Temporary failure (in name resolution|resolving)|Could not resolve host|Name or service not known"
    r"|TLS handshake timeout|i/o timeout|Client\.Timeout exceeded|\": context deadline exceeded"
    r"|\": EOF$|: unexpected EOF$|no such host|connection reset|network is unreachable"
    r"|early EOF|RPC failed|The requested URL returned error: 5\d\d|unexpected status[^\n]*\b5\d\d\b"
    r"|\b50[0234]:? (Internal Server Error|Bad Gateway|Service (Temporarily )?Unavailable|Gateway Time-?out)"
    r"|HTTP error 50[0234]\b|\b50[0234] Server Error|Received status code 50[0234]|HTTP response from .*got 50[0234]"
    r"|ERR_PNPM_FETCH_50[0234]|Could not transfer artifact|Failed to fetch http|npm (ERR!|error) (code E5\d\d|network)",
    re.IGNORECASE,
)
OWN_HOST = re.compile(r"localhost|127\.0\.0\.1|\[?::1\]?:")  # what a build misses on itself no patience brings
LAST = 6  # lines: what a tool only warned of stands further up
T = TypeVar("T")


def of_the_network(failure: CeladonError) -> bool:
    """Whether a failure's last words speak of the network.

    What a build says of this host is its own affair; a registry or a repository on it may just be restarting.
    """
    if isinstance(failure, Unanswered):
        return True
    if isinstance(failure.__cause__, CommandTimeout):
        return False  # it had its time
    words = [failure.message, *failure.evidence[-LAST:]]
    if isinstance(failure, BuildError):
        words = [line for line in (*words, failure.cause) if not OWN_HOST.search(line)]
    return any(NETWORK.search(line) for line in words)


def patiently(
    work: Callable[[], T], what: str, told: Callable[[str], None], sleep: Callable[[float], object] = process.pause
) -> T:
    """`work`, tried up to three times where the network fails. `what` names it; `told` hears of each new try.

    Raises what the last try raised, with a hint that tells the network from the code.
    """
    for pause in PAUSES:
        try:
            return work()
        except CeladonError as failure:
            if not of_the_network(failure):
                raise
            told(_("{what}: the network failed; trying again in {seconds:.0f} s").format(what=what, seconds=pause))
        sleep(pause)
    try:
        return work()
    except CeladonError as failure:
        if of_the_network(failure):
            failure.hint = _("Three times its last words were of the network. Is the other side reached from here?")
        raise
