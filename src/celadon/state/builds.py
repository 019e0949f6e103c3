"""The record's part on builds: images that were made, and the build cache that came of making them."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from celadon.state import schema
from celadon.state.snapshot import Built


class Builds:
    """The tables `built` and `made` of an open record."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def images(self) -> tuple[Built, ...]:
        """All images that were built or pulled, oldest first."""
        return self._having("image_id != ''")

    def begun(self) -> tuple[Built, ...]:
        """Those that were begun and are not there: of builds that failed, were killed, or run right now."""
        return self._having("image_id = ''")

    def _having(self, condition: str) -> tuple[Built, ...]:
        rows = self._db.execute(f"SELECT * FROM built WHERE {condition} ORDER BY created, rowid")  # noqa: S608
        return tuple(Built(**dict(r)) for r in rows)

    def begin(self, b: Built) -> None:
        """Keep the name that an image will have: should the build be killed, nothing else says that it is ours."""
        self._put(replace(b, image_id=""))

    def add(self, b: Built) -> None:
        self._put(b)
        self.add_made([b.image_id])

    def _put(self, b: Built) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO built VALUES (?, ?, ?, ?, ?, ?, ?)",
            (b.service, b.id, b.image_id, b.commit, b.subject, b.build_key, b.created),
        )

    def remove(self, service: str, build_id: str) -> None:
        self._db.execute("DELETE FROM built WHERE service = ? AND id = ?", (service, build_id))

    def made(self) -> frozenset[str]:
        """What builds of this workspace made: ids of images, and of records of the build cache."""
        return frozenset(r["id"] for r in self._db.execute("SELECT id FROM made"))

    def add_made(self, ids: Iterable[str]) -> None:
        """Keep them; what cannot be kept (a full disk) is not claimed, and hides no build's own failure."""
        with suppress(sqlite3.OperationalError), schema.transaction(self._db):
            self._db.executemany("INSERT OR IGNORE INTO made VALUES (?)", [(id_,) for id_ in ids])

    def forget_made(self, ids: Iterable[str]) -> None:
        with schema.transaction(self._db):
            self._db.executemany("DELETE FROM made WHERE id = ?", [(id_,) for id_ in ids])
