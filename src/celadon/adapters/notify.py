"""Telling people through apprise: the only file that knows it.

A process of its own sends: what apprise imports, a plugin that breaks and a server that hangs are not the deployment's.
Addresses go there through its standard input, and nothing that apprise says comes back: it may quote them.
"""

import difflib
import json
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celadon.adapters import process
from celadon.errors import CommandError
from celadon.locale import _

if TYPE_CHECKING:
    from apprise import Apprise, NotifyBase

LIMIT = 10  # seconds that sending to all addresses may take
INFO, SUCCESS, WARNING, FAILURE = "info", "success", "warning", "failure"  # apprise's kinds of message


def problem_of(address: str) -> str | None:
    """Why apprise cannot use an address, in words that name no more than its scheme; None where it can.

    Nothing is sent. Importing apprise and its services takes a fifth of a second: ask only where there is an address.
    """
    if _service(address) is not None:
        return None
    from apprise.manager_plugins import NotificationManager

    manager: Any = NotificationManager  # apprise leaves it without types
    scheme, known = address.partition("://")[0].lower(), sorted(manager().schemas())
    if scheme in known:
        words = _("apprise cannot use this {scheme}:// address: a part of it is missing or wrong (it is not shown)")
        return words.format(scheme=scheme)
    near = difflib.get_close_matches(scheme, known, 1)
    hint = _("; did you mean `{name}`?").format(name=near[0]) if near else ""
    return _("apprise knows no service {scheme}://").format(scheme=scheme) + hint


def send(title: str, body: str, kind: str, addresses: Sequence[str], limit: int = LIMIT) -> list[bool]:
    """Send one message to all addresses side by side, in `limit` seconds; returns for each whether it was taken."""
    job = json.dumps({"title": title, "body": body, "kind": kind, "addresses": list(addresses), "limit": limit})
    argv = [sys.executable, "-P", "-m", "celadon.adapters.notify"]  # -P: nothing is imported from the current folder
    taken = [False] * len(addresses)

    def heard(line: str) -> None:
        word, _space, place = line.partition(" ")
        if word == "taken" and place.isdigit() and int(place) < len(taken):
            taken[int(place)] = True

    with suppress(CommandError, OSError):  # what was not taken until then was not
        process.run(argv, stdin=job, timeout=limit + 1, on_line=heard, check=False)
    return taken


def _service(address: str) -> "NotifyBase | None":
    """The address as apprise sees it, None where it does not know it."""
    logging.getLogger("apprise").addHandler(logging.NullHandler())  # it would say addresses on standard error
    logging.getLogger("apprise").propagate = False
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(app_id="Celadon", app_desc="Celadon", app_url="", storage_mode="memory")
    try:
        return Apprise.instantiate(address, asset=asset)
    except Exception:  # a service that stumbles over an address cannot use it
        return None


def _box(service: "NotifyBase") -> "Apprise":
    from apprise import Apprise

    box = Apprise()
    box.add(service)
    return box


def _main() -> None:
    """The sender: one job from standard input; a line for each address that took it."""
    from concurrent.futures import ThreadPoolExecutor  # only the sender needs it

    logging.disable()
    job = json.load(sys.stdin)
    signal.alarm(job["limit"])  # whatever hangs, and whoever stopped waiting

    def deliver(place: int) -> None:
        service = _service(job["addresses"][place])
        if service and _box(service).notify(body=job["body"], title=job["title"], notify_type=job["kind"]):
            print("taken", place, flush=True)

    _service("json://localhost")  # every service is imported once, before the threads
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_quietly(deliver), range(len(job["addresses"]))))


def _quietly(work: Callable[[int], None]) -> Callable[[int], None]:
    def tried(place: int) -> None:
        with suppress(Exception):  # one that breaks must not keep the others from being told
            work(place)

    return tried


if __name__ == "__main__":
    _main()
