"""The chain of the audit log: each line bears the hash of the one before, and its own.

A line is one JSON object, `{"n": …, "before": …, …, "hash": …}`: `hash` is the SHA-256 of the line as it stands,
without `,"hash":"…"`. So whoever changes, removes or inserts a line has to write all later ones anew, and ends with
another head.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SEAL = re.compile(rb',"hash":"([0-9a-f]{64})"\}$')


@dataclass(frozen=True)
class Link:
    """The end of a chain: its last entry's number and hash."""

    number: int
    hash: str


START = Link(0, "0" * 64)
MISSING, CHANGED = "missing", "changed"


@dataclass(frozen=True)
class Break:
    """The first line (from 1) that does not fit, and why: a line was removed before it, or was changed."""

    line: int
    kind: str


@dataclass(frozen=True)
class Verified:
    """A chain that was looked through: its entries, its end, where it breaks, and lines that a power cut tore."""

    entries: tuple[Mapping[str, Any], ...]
    head: Link
    broken: Break | None = None
    torn: tuple[int, ...] = ()


def line(entry: Mapping[str, Any], before: Link, torn: bytes = b"") -> bytes:
    """The line of `entry` after `before`, without its line end. `torn`: what an interrupted write left in between."""
    head = {"n": before.number + 1, "before": before.hash} | ({"torn": digest(torn)} if torn else {})
    body = json.dumps({**head, **entry}, separators=(",", ":")).encode()  # ASCII: no other line end is in it
    return body[:-1] + b',"hash":"' + digest(body).encode() + b'"}'


def entry_of(raw: bytes) -> Mapping[str, Any] | None:
    """The entry of a line; None where its hash is not the line's."""
    seal = SEAL.search(raw)
    if not seal or digest(raw[: seal.start()] + b"}") != seal[1].decode():
        return None
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and type(found.get("n")) is int and _is_moment(found.get("at")) else None


def _is_moment(text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def link_of(raws: Sequence[bytes]) -> tuple[Link, int]:
    """The end of the last lines of a log, and how many lines after it are none."""
    for after, raw in enumerate(reversed(raws)):
        if (entry := entry_of(raw)) is not None:
            return Link(entry["n"], entry["hash"]), after
    return START, len(raws)


def verify(data: bytes) -> Verified:
    """Look through a whole log. What was torn is accepted where the entry after it says so, or at the very end."""
    entries: list[Mapping[str, Any]] = []
    last, torn, pending = START, list[int](), list[bytes]()
    *raws, unfinished = data.split(b"\n")
    for place, raw in enumerate([*raws, *filter(None, [unfinished])], 1):
        entry = entry_of(raw)
        if entry is None:
            pending.append(raw)
            continue
        first = place - len(pending)
        if entry.get("torn") != (digest(b"\n".join(pending)) if pending else None):
            return Verified(tuple(entries), last, Break(first, CHANGED if pending else MISSING), tuple(torn))
        if (entry["n"], entry.get("before")) != (last.number + 1, last.hash):
            return Verified(tuple(entries), last, Break(place, MISSING), tuple(torn))
        torn += range(first, place)
        pending.clear()
        entries.append(entry)
        last = Link(entry["n"], entry["hash"])
    first = len(raws) + bool(unfinished) + 1 - len(pending)
    if pending and not unfinished:
        return Verified(tuple(entries), last, Break(first, CHANGED), tuple(torn))
    return Verified(tuple(entries), last, None, (*torn, *range(first, first + len(pending))))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
