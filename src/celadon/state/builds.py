"""The record's part on builds: images that were made, and the build cache that came of making them."""

import sqlite3
from collections.abc import Iterable

from celadon.state import schema
from celadon.state.snapshot import Built


class Builds:
    """The tables `built` and `cached` of an open record."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def images(self) -> tuple[Built, ...]:
        """All images that were built or pulled, oldest first."""
        return tuple(Built(**dict(r)) for r in self._db.execute("SELECT * FROM built ORDER BY created, rowid"))

    def add(self, b: Built) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO built VALUES (?, ?, ?, ?, ?, ?, ?)",
            (b.service, b.id, b.image_id, b.commit, b.subject, b.build_key, b.created),
        )

    def remove(self, service: str, build_id: str) -> None:
        self._db.execute("DELETE FROM built WHERE service = ? AND id = ?", (service, build_id))

    def cached(self) -> frozenset[str]:
        """The ids of the build cache's records that builds of this workspace made."""
        return frozenset(r["id"] for r in self._db.execute("SELECT id FROM cached"))

    def add_cached(self, ids: Iterable[str]) -> None:
        with schema.transaction(self._db):
            self._db.executemany("INSERT OR IGNORE INTO cached VALUES (?)", [(id_,) for id_ in ids])

    def forget_cached(self, ids: Iterable[str]) -> None:
        with schema.transaction(self._db):
            self._db.executemany("DELETE FROM cached WHERE id = ?", [(id_,) for id_ in ids])
