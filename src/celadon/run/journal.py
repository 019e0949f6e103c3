"""What a deployment tells, kept as it is told: its runner writes, and any number of terminals read from the start."""

import fcntl
import inspect
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from celadon.errors import DONE, CeladonError, cut_evidence
from celadon.locale import _
from celadon.plan.expect import CACHED, FINISHED, BuildStep
from celadon.printable import printable
from celadon.run.report import Report
from celadon.state.layout import make_private

POLL = 0.02  # seconds between two looks of a terminal that follows
TOLD = ("started", "ended", "failed", "detail", "note", "building", "build_step")


@dataclass(frozen=True)
class End:
    """How a deployment ended: the exit code, and what its error said. `trace` is set for a bug."""

    code: int = DONE
    message: str = ""
    evidence: tuple[str, ...] = ()
    hint: str = ""
    trace: str = ""


class Journal:
    """The runner's report: events for those who follow, one JSON value a line, and the log for people, with all output.

    It is locked as long as its writer lives: the kernel says who died, no process id has to be believed. Programs that
    the runner starts do not inherit the lock.
    """

    def __init__(self, events: Path, log: Path, hide: Callable[[str], str] = printable) -> None:
        """`hide` changes every text before it is written: without secrets, and without what controls a terminal."""
        self.hide = hide
        make_private(events.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._events, self._log = os.open(events, flags, 0o600), os.open(log, flags, 0o600)
        fcntl.flock(self._events, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def started(self, number: int, total: int, text: str) -> None:
        self._tell("started", number, total, text)
        self.log(f"[{number}/{total}] {text}")

    def ended(self, number: int, total: int, text: str, seconds: float) -> None:
        self._tell("ended", number, total, text, seconds)
        self.log(f"[{number}/{total}] " + _("done in {seconds:.1f} s").format(seconds=seconds))

    def failed(self, number: int, total: int, text: str, seconds: float) -> None:
        self._tell("failed", number, total, text, seconds)
        self.log(f"[{number}/{total}] " + _("failed after {seconds:.1f} s").format(seconds=seconds))

    def detail(self, text: str) -> None:
        self._tell("detail", text)
        self.log(f"  {text}")

    def building(self, service: str, expected: Mapping[str, float], took: float | None) -> None:
        self._tell("building", service, expected, took)

    def build_step(self, name: str, state: str, at: float, seconds: float) -> None:
        self._tell("build_step", name, state, at, seconds)
        step = BuildStep(name, state, at, seconds)
        if state in (CACHED, FINISHED) and step.shown:
            self.log(f"  {step.describe(at)}")

    def note(self, text: str) -> None:
        self._tell("note", text)
        self.log(text)

    def log(self, text: str) -> None:
        with suppress(OSError):  # a full disk must not end a deployment that has switched already
            os.write(self._log, f"{self.hide(text)}\n".encode())

    def end(self, end: End) -> None:
        """The last word: who follows stops here."""
        evidence = tuple(cut_evidence(self.hide(line)) for line in end.evidence)
        message, hint, trace = map(self.hide, (end.message, end.hint, end.trace))
        end = replace(end, message=message, evidence=evidence, hint=hint, trace=trace)
        for text in (end.message, *end.evidence, end.hint, end.trace):
            if text:
                self.log(text)
        self._write({"event": "end", **asdict(end)})

    def close(self) -> None:
        """Let go of the files; the lock goes with the last process that holds them."""
        os.close(self._events)
        os.close(self._log)

    def _tell(self, event: str, *words: object) -> None:
        self._write({"event": event, "words": [self.hide(w) if isinstance(w, str) else w for w in words]})

    def _write(self, event: dict[str, Any]) -> None:
        with suppress(OSError):  # as above; one write, so that it is a whole line or none
            os.write(self._events, f"{json.dumps(event, ensure_ascii=False)}\n".encode())


def alive(events: Path) -> bool:
    """Whether the runner that writes this journal lives."""
    try:
        descriptor = os.open(events, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def follow(events: Path, report: Report) -> End:
    """Tell `report` what the runner told, from its first word, and return how it ended.

    Raises CeladonError when the runner was killed before its last word.
    """
    with events.open(encoding="utf-8", errors="replace") as lines:
        begun = ""
        while True:
            dead = not alive(events)  # asked first: what it wrote before it died is still read below
            while line := lines.readline():
                begun += line
                if not begun.endswith("\n"):
                    break
                try:
                    event, begun = json.loads(begun), ""
                    name, words = event.pop("event"), event.get("words") or ()
                    end = End(**{**event, "evidence": tuple(event["evidence"])}) if name == "end" else None
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    raise _changed(events) from None
                if end:
                    return end
                if name in TOLD:
                    _told(report, name, words, events)
            if dead:
                raise CeladonError(
                    _("The deployment was killed, or its disk is full: it ended without a last word."),
                    hint=_("The next command that acts heals what it left, or now: celadon reconcile"),
                )
            time.sleep(POLL)


def _told(report: Report, name: str, words: Sequence[Any], events: Path) -> None:
    tell = getattr(report, name)
    try:
        inspect.signature(tell).bind(*words)
    except TypeError:
        raise _changed(events) from None
    tell(*words)


def _changed(events: Path) -> CeladonError:
    return CeladonError(
        _("{file} was modified; the deployment continues.").format(file=events),
        hint=_("Check the result: celadon history"),
    )
