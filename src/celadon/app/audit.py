"""The audit log of a workspace: who asked for what, when it began, how it ended. It never stops what it tells of."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celadon import __version__
from celadon.app import actor
from celadon.app.actor import Actor
from celadon.app.request import Request
from celadon.config.outline import find_file
from celadon.errors import Cancelled, UsageError
from celadon.locale import _
from celadon.run.world import utc_now
from celadon.state import audit_log
from celadon.state import record as outcomes
from celadon.state.audit_chain import Verified
from celadon.state.layout import Layout
from celadon.state.record import Deployment, Record

LONGEST = 300  # characters of a text
ASKED, BEGUN, ENDED, REFUSED = "asked", "begun", "ended", "refused"
AGE = re.compile(r"([0-9]{1,5})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Warn = Callable[[str], None]
Extra = dict[str, Any]


def of_folder(folder: Path) -> Layout:
    """Where the audit log of the workspace in `folder` is, for verbs that open no record."""
    return Layout(find_file(folder).parent)


def write(layout: Layout, who: Actor, event: str, act: str, warn: Warn, **details: Any) -> int | None:
    """Append one entry and return its number; where that fails (a full disk), warn and go on.

    A folder in which Celadon keeps nothing, such as a checkout that is only looked at, gets no log.
    """
    if not layout.root.is_dir():
        return None
    entry = {
        "at": utc_now().isoformat(),
        "event": event,
        "act": act,
        **{key: _shortened(value) for key, value in details.items() if value not in (None, "", (), [], {}, False)},
        "uid": who.uid,
        "user": who.user,
        "sudo": who.sudo,
        "login": who.login,
        "terminal": who.terminal,
        "version": __version__,
    }
    try:
        return audit_log.append(layout.audit, entry)
    except OSError as problem:
        warn(_("Could not write to the audit log {file}: {problem}.").format(file=layout.audit, problem=problem))
        return None


@contextmanager
def act(layout: Layout, name: str, warn: Warn, **details: Any) -> Iterator[Extra]:
    """An act that is no deployment: its begin, and its end with the outcome and what the body puts into the mapping."""
    who, extra = actor.current(), Extra()
    number = write(layout, who, BEGUN, name, warn, **details)
    outcome = outcomes.FAILED
    try:
        yield extra
        outcome = outcomes.SUCCEEDED
    except (Cancelled, KeyboardInterrupt):
        outcome = outcomes.CANCELLED
        raise
    except Exception as problem:  # its words may quote anything
        extra["problem"] = type(problem).__name__
        raise
    finally:
        environment = {"environment": details.get("environment")}
        write(layout, who, ENDED, name, warn, of=number, **environment, outcome=outcome, **extra)


def command(
    layout: Layout, name: str, warn: Warn, environment: str, service: str, argv: Sequence[str]
) -> AbstractContextManager[Extra]:
    """A command in a container: of its words only the program's name is kept, others may be secrets."""
    return act(layout, name, warn, environment=environment, services=[service], program=Path(argv[0]).name)


@dataclass
class DeploymentAudit:
    """What the log says of one deployment; `who` asked for it."""

    layout: Layout
    number: int
    request: Request
    warn: Warn
    who: Actor = field(default_factory=actor.current)
    _before: Mapping[str, str] = field(default_factory=dict)

    def asked(self, services: Sequence[str]) -> None:
        """It was agreed to, with this plan."""
        wished = {key: getattr(self.request, key) for key in ("ref", "to", "force", "volumes", "stop_first")}
        self._write(ASKED, services=list(services), **wished)

    def begun(self, record: Record) -> None:
        """It has the host's lock."""
        self._before = _live(record, self.request.environment)
        self._write(BEGUN)

    def ended(self, record: Record) -> None:
        """It is over, and the record says how."""
        environment = self.request.environment
        done = next((d for d in record.deployments(environment, 1000) if d.id == self.number), None)
        after = _live(record, environment)
        moved = {
            service: [self._before.get(service), after.get(service)]
            for service in sorted({*self._before, *after})
            if self._before.get(service) != after.get(service)
        }
        self._write(ENDED, outcome=done.outcome if done else outcomes.FAILED, releases=moved)

    def _write(self, event: str, **details: Any) -> None:
        common = {"environment": self.request.environment, "deployment": self.number}
        write(self.layout, self.who, event, self.request.verb, self.warn, **common, **details)


def wrote(folder: Path, name: str, warn: Warn, files: Sequence[str]) -> None:
    """Files of a workspace were written by `init` or `import`."""
    if files:
        write(Layout(folder), actor.current(), ENDED, name, warn, files=list(files), outcome=outcomes.SUCCEEDED)


def killed(layout: Layout, deployments: Sequence[Deployment], warn: Warn) -> None:
    """Deployments whose runner was killed before it could say how they ended; whoever finds them says so."""
    for one in deployments:
        write(layout, actor.current(), ENDED, one.verb, warn, environment=one.environment, deployment=one.id,
              outcome=outcomes.INTERRUPTED)  # fmt: skip


def entries(
    layout: Layout, environment: str | None, since: datetime | None
) -> tuple[Verified, list[Mapping[str, Any]]]:
    """The whole log, and of its entries those of an environment, and not older than `since`."""
    found = audit_log.read(layout.audit)
    chosen = [
        one
        for one in found.entries
        if environment in (None, one.get("environment"))
        and (since is None or datetime.fromisoformat(str(one["at"])) >= since)
    ]
    return found, chosen


def since(text: str, now: datetime) -> datetime:
    """The moment that `text` means: an age (90m, 12h, 7d, 4w), or a date or time, UTC without a zone.

    Raises UsageError.
    """
    if age := AGE.fullmatch(text):
        return now - timedelta(**{UNITS[age[2]]: int(age[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        words = _("--since must be an age (7d, 12h) or a date (2026-01-31), not `{value}`.")
        raise UsageError(words.format(value=text)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def _live(record: Record, environment: str) -> dict[str, str]:
    return {service: one.release for (name, service), one in record.live().items() if name == environment}


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST]
    return value
