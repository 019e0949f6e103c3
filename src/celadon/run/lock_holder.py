"""Who holds the host's lock, as it is written into the lock for others to read."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from celadon.locale import _
from celadon.printable import one_line
from celadon.run.lock_folder import LIMIT

LONGEST = 300  # characters of one text
PIDS = range(1, 1 << 22)


@dataclass(frozen=True)
class Holder:
    """Who holds the lock, for what, since when (ISO 8601, UTC), and the step that runs ("" before the first)."""

    pid: int
    user: str
    workspace: str
    what: str
    since: str
    step: str = ""

    def __str__(self) -> str:
        if not self.pid:
            return _("just starting")
        told = _("{user} (pid {pid}): {what} in {workspace}, since {since}").format(**asdict(self))
        return f"{told}, {self.step}" if self.step else told


NOBODY_KNOWN = Holder(0, "", "", "", "")


def written(holder: Holder) -> bytes:
    """What others read: always LIMIT bytes, so that one write replaces another."""
    short = {
        key: one_line(value[:LONGEST]) if isinstance(value, str) else value for key, value in asdict(holder).items()
    }
    return json.dumps(short, ensure_ascii=False).encode().ljust(LIMIT)[:LIMIT]


def read(data: bytes) -> Holder | None:
    """The holder, each text on one line, whatever is in it; None for what is none (it may just be being written)."""
    try:
        found: Any = json.loads(data)
        holder = Holder(**found)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = {key: value for key, value in asdict(holder).items() if key != "pid"}
    if type(holder.pid) is not int or holder.pid not in PIDS:
        return None
    if not all(isinstance(value, str) and len(value) <= LONGEST for value in texts.values()):
        return None
    return Holder(holder.pid, **{key: one_line(value) for key, value in texts.items()})
