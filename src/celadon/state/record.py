"""The record: one SQLite file that says what should be. Everything on the engine is a projection of it.

The commit point of every deployment is one transaction here, `move`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from celadon.errors import CeladonError
from celadon.locale import _
from celadon.state import schema
from celadon.state.builds import Builds
from celadon.state.layout import make_private
from celadon.state.snapshot import Live, Move, Release
from celadon.state.times import Times

WAITING, RUNNING, SUCCEEDED, FAILED, REVERTED, CANCELLED, INTERRUPTED = (
    "waiting", "running", "succeeded", "failed", "reverted", "cancelled", "interrupted",
)  # fmt: skip
OPEN = (WAITING, RUNNING)


@dataclass(frozen=True)
class Deployment:
    """One run of a verb that acts. `services` are names.

    `asked`, `started` and `finished` are ISO 8601 in UTC: when it was asked for (that never changes), when it had the
    host's lock and began (until then the same), when it ended. `message` and `evidence` are what its error said.
    """

    id: int
    environment: str
    verb: str
    services: tuple[str, ...]
    by: str
    pid: int
    started: str
    finished: str | None
    outcome: str
    message: str
    evidence: tuple[str, ...]
    asked: str


@dataclass(frozen=True)
class StepRow:
    """One step of a deployment, as the journal kept it. `seconds` is None while it runs."""

    number: int
    text: str
    started: str
    seconds: float | None
    outcome: str


class Record:
    """The open record of one workspace. Not shared between threads.

    A file that is no database any more is put aside, and a new one begun: `aside` names it. `empty` then says that
    there is something to rebuild, where the disk or the engine know more.
    """

    def __init__(self, file: Path) -> None:
        make_private(file.parent)
        self.aside: Path | None = None
        try:
            self._open(file)
        except sqlite3.DatabaseError as problem:
            if problem.sqlite_errorcode not in schema.RUINED:
                raise
            self._db.close()
            self.aside = schema.put_aside(file)
            self._open(file)

    def _open(self, file: Path) -> None:
        if not file.exists():
            file.touch(mode=0o600)
        self._db = sqlite3.connect(file, isolation_level=None, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # a commit that was shown must survive a power cut
        schema.bring_up(self._db)
        self.builds = Builds(self._db)
        self.times = Times(self._db)

    @property
    def empty(self) -> bool:
        """Whether the record says nothing at all: a new workspace, or one whose record was lost."""
        counted = "SELECT (SELECT count(*) FROM releases) + (SELECT count(*) FROM networks)"
        return not self._db.execute(counted).fetchone()[0]

    def close(self) -> None:
        self._db.close()

    # What is live

    def live(self) -> Mapping[tuple[str, str], Live]:
        """What users should get, by (environment, service)."""
        rows = self._db.execute("SELECT * FROM live ORDER BY environment, service")
        return {(r["environment"], r["service"]): Live(r["release"], r["slot"]) for r in rows}

    def move(self, environment: str, moves: Iterable[Move], rendering: str) -> None:
        """The commit point: make every `after` live at once, with the configuration that they came with, or nothing.

        Raises CeladonError if a service is not where the plan saw it: somebody else committed in between.
        """
        with schema.transaction(self._db):
            self._db.execute(
                "INSERT INTO renderings VALUES (?1, ?2, NULL) "
                "ON CONFLICT (environment) DO UPDATE SET before = name, name = ?2",
                (environment, rendering),
            )
            for move in moves:
                key = (environment, move.service)
                if self.live().get(key) != move.before:
                    raise CeladonError(
                        _("{service}: the live release changed under this deployment; nothing was switched.").format(
                            service=move.service
                        )
                    )
                if move.after is None:
                    self._db.execute("DELETE FROM live WHERE environment = ? AND service = ?", key)
                else:
                    self._db.execute(
                        "INSERT OR REPLACE INTO live VALUES (?, ?, ?, ?)", (*key, move.after.release, move.after.slot)
                    )
                    came = move.before.release if move.before and move.forward else None
                    self._db.execute(
                        "UPDATE releases SET served = 1, predecessor = coalesce(nullif(?, id), predecessor) "
                        "WHERE environment = ? AND service = ? AND id = ?",
                        (came, *key, move.after.release),
                    )

    def rendering(self, environment: str) -> str | None:
        """The name of the configuration in force, None before anything was."""
        return self._rendering(environment, "name")

    def rendering_before(self, environment: str) -> str | None:
        """The one that was in force before the last commit."""
        return self._rendering(environment, "before")

    def _rendering(self, environment: str, which: str) -> str | None:
        row = self._db.execute("SELECT * FROM renderings WHERE environment = ?", (environment,)).fetchone()
        return row[which] if row else None

    # Releases and images

    def releases(self) -> tuple[Release, ...]:
        """All releases, oldest first."""
        rows = self._db.execute("SELECT * FROM releases ORDER BY created, rowid")
        return tuple(Release(**{**dict(r), "served": bool(r["served"])}) for r in rows)

    def rebuild(
        self,
        releases: Iterable[Release],
        live: Mapping[tuple[str, str], Live],
        subnets: Mapping[str, str],
        places: Mapping[tuple[str, str, str], int],
        renderings: Mapping[str, str],
    ) -> bool:
        """Fill an empty record with what was found elsewhere, in one transaction; False when it is no longer empty.

        `subnets` and `renderings` by environment, `places` by (environment, service, slot).
        """
        with schema.transaction(self._db):
            if not self.empty:
                return False
            for release in releases:
                self.add_release(release)
            for (environment, service), one in live.items():
                self._db.execute("INSERT INTO live VALUES (?, ?, ?, ?)", (environment, service, one.release, one.slot))
            for environment, subnet in subnets.items():
                self.set_subnet(environment, subnet)
            for key, place in places.items():
                self._db.execute("INSERT INTO addresses VALUES (?, ?, ?, ?)", (*key, place))
            for environment, name in renderings.items():
                self._db.execute("INSERT INTO renderings VALUES (?, ?, NULL)", (environment, name))
        return True

    def add_release(self, r: Release) -> None:
        self._db.execute(
            "INSERT INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (r.environment, r.service, r.id, r.image_id, r.commit, r.subject, r.build_key, r.fingerprint, r.origin,
             r.created, r.predecessor, int(r.served)),
        )  # fmt: skip

    def remove_release(self, environment: str, service: str, release_id: str) -> None:
        self._db.execute(
            "DELETE FROM releases WHERE environment = ? AND service = ? AND id = ?", (environment, service, release_id)
        )

    # Networks and addresses

    def subnet(self, environment: str) -> str | None:
        row = self._db.execute("SELECT subnet FROM networks WHERE environment = ?", (environment,)).fetchone()
        return row["subnet"] if row else None

    def set_subnet(self, environment: str, subnet: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO networks VALUES (?, ?)", (environment, subnet))

    def place(self, environment: str, service: str, slot: str) -> int:
        """The number of the fixed address of a slot, from 1; given at first use and never to another slot."""
        key = (environment, service, slot)
        with schema.transaction(self._db):
            row = self._db.execute(
                "SELECT place FROM addresses WHERE environment = ? AND service = ? AND slot = ?", key
            ).fetchone()
            if row:
                return int(row["place"])
            last = self._db.execute(
                "SELECT coalesce(max(place), 0) FROM addresses WHERE environment = ?", (environment,)
            ).fetchone()[0]
            self._db.execute("INSERT INTO addresses VALUES (?, ?, ?, ?)", (*key, last + 1))
            return int(last) + 1

    def forget_environment(self, environment: str) -> None:
        """Drop everything that the record says of an environment, but its history."""
        with schema.transaction(self._db):
            for table in ("live", "releases", "networks", "addresses", "renderings"):
                self._db.execute(f"DELETE FROM {table} WHERE environment = ?", (environment,))  # noqa: S608

    # The journal. A step that cannot be journalled (a full disk) must not end a deployment that has switched already.

    @contextmanager
    def beginning(
        self, environment: str, verb: str, services: Sequence[str], by: str, now: str, *, after: int = 0
    ) -> Iterator[int]:
        """Journal that a deployment was asked for, when the body is through; gives its number.

        Nobody sees the deployment before the body has claimed its journal: without one it would look dead. The number
        is higher than all others and `after`: a record that was lost does not know them, but their logs are there.
        """
        with schema.transaction(self._db):
            last = self._db.execute("SELECT coalesce(max(id), 0) FROM deployments").fetchone()[0]
            number = max(int(last), after) + 1
            self._db.execute(
                "INSERT INTO deployments (id, environment, verb, services, by, pid, asked, started, outcome) "
                "VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)",
                (number, environment, verb, " ".join(services), by, now, now, WAITING),
            )
            yield number

    def run_by(self, deployment: int, pid: int) -> None:
        """Journal which process carries a deployment out."""
        self._db.execute("UPDATE deployments SET pid = ? WHERE id = ?", (pid, deployment))

    def run(self, deployment: int, services: Sequence[str], now: str) -> None:
        """Journal that a deployment has the host's lock and begins, and what it really changes."""
        self._db.execute(
            "UPDATE deployments SET outcome = ?, services = ?, started = ? WHERE id = ?",
            (RUNNING, " ".join(services), now, deployment),
        )

    def finish(self, deployment: int, outcome: str, message: str, now: str, evidence: Sequence[str] = ()) -> None:
        """Journal how a deployment ended; the first word counts."""
        self._db.execute(
            "UPDATE deployments SET finished = ?, outcome = ?, message = ?, evidence = ? "
            "WHERE id = ? AND finished IS NULL",
            (now, outcome, message, "\n".join(evidence), deployment),
        )

    def step_started(self, deployment: int, number: int, text: str, now: str) -> None:
        with suppress(sqlite3.OperationalError):
            self._db.execute("INSERT INTO steps VALUES (?, ?, ?, ?, NULL, ?)", (deployment, number, text, now, RUNNING))

    def step_ended(self, deployment: int, number: int, seconds: float, outcome: str) -> None:
        with suppress(sqlite3.OperationalError):
            self._db.execute(
                "UPDATE steps SET seconds = ?, outcome = ? WHERE deployment = ? AND number = ?",
                (seconds, outcome, deployment, number),
            )

    def deployments(self, environment: str | None = None, limit: int = 20) -> tuple[Deployment, ...]:
        """The last deployments, newest first."""
        rows = self._db.execute(
            "SELECT * FROM deployments WHERE ?1 IS NULL OR environment = ?1 ORDER BY id DESC LIMIT ?2",
            (environment, limit),
        )
        return tuple(
            Deployment(
                **{
                    **dict(r),
                    "services": tuple(r["services"].split()),
                    "evidence": tuple(r["evidence"].splitlines()),
                }
            )
            for r in rows
        )

    def times_at_work(self) -> tuple[tuple[datetime, datetime], ...]:
        """When deployments of this workspace ran, from the first on; what is not over yet has no end."""
        rows = self._db.execute("SELECT started, finished FROM deployments ORDER BY id")
        forever = datetime.max.replace(tzinfo=UTC)
        return tuple(
            (datetime.fromisoformat(r["started"]), datetime.fromisoformat(r["finished"]) if r["finished"] else forever)
            for r in rows
        )

    def steps(self, deployment: int) -> tuple[StepRow, ...]:
        rows = self._db.execute(
            "SELECT number, text, started, seconds, outcome FROM steps WHERE deployment = ? ORDER BY number",
            (deployment,),
        )
        return tuple(StepRow(**dict(r)) for r in rows)

    def open(self) -> tuple[Deployment, ...]:
        """Deployments that wait or run as far as the record knows, newest first; a killed one still looks like that."""
        return tuple(d for d in self.deployments(limit=1000) if d.outcome in OPEN)
