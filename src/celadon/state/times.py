"""What builds took: kept to tell people how long the next one will."""

import json
import sqlite3
from contextlib import suppress

from celadon.state import schema
from celadon.state.snapshot import BuildTimes

KEPT = 5  # builds of a service


class Times:
    """The part of the record that nothing depends on: what cannot be kept (a full disk) ends no build."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of(self, service: str) -> tuple[BuildTimes, ...]:
        """The last builds of a service, the newest first."""
        rows = self._db.execute("SELECT seconds, steps FROM build_times WHERE service = ? ORDER BY id DESC", (service,))
        return tuple(
            BuildTimes(r["seconds"], {key: tuple(took) for key, took in json.loads(r["steps"]).items()}) for r in rows
        )

    def add(self, service: str, times: BuildTimes) -> None:
        """Keep what a build took, and drop what is older than the last builds."""
        with suppress(sqlite3.OperationalError), schema.transaction(self._db):
            self._db.execute(
                "INSERT INTO build_times (service, seconds, steps) VALUES (?, ?, ?)",
                (service, times.seconds, json.dumps(times.steps)),
            )
            self._db.execute(
                "DELETE FROM build_times WHERE service = ?1 AND id NOT IN "
                "(SELECT id FROM build_times WHERE service = ?1 ORDER BY id DESC LIMIT ?2)",
                (service, KEPT),
            )
