"""The record's tables, how an older record becomes the newest, and what is done with a ruined one."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celadon.errors import CeladonError
from celadon.locale import _

TABLES = """
CREATE TABLE releases (
    environment TEXT NOT NULL, service TEXT NOT NULL, id TEXT NOT NULL, image_id TEXT NOT NULL,
    "commit" TEXT NOT NULL, subject TEXT NOT NULL, build_key TEXT NOT NULL, fingerprint TEXT NOT NULL,
    origin TEXT NOT NULL, created TEXT NOT NULL, predecessor TEXT,
    PRIMARY KEY (environment, service, id)) STRICT;
CREATE TABLE live (
    environment TEXT NOT NULL, service TEXT NOT NULL, release TEXT NOT NULL, slot TEXT NOT NULL,
    PRIMARY KEY (environment, service)) STRICT;
CREATE TABLE built (
    service TEXT NOT NULL, id TEXT NOT NULL, image_id TEXT NOT NULL, "commit" TEXT NOT NULL,
    subject TEXT NOT NULL, build_key TEXT NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (service, id)) STRICT;
CREATE TABLE deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, environment TEXT NOT NULL, verb TEXT NOT NULL, services TEXT NOT NULL,
    by TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, finished TEXT, outcome TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE steps (
    deployment INTEGER NOT NULL REFERENCES deployments (id), number INTEGER NOT NULL, text TEXT NOT NULL,
    started TEXT NOT NULL, seconds REAL, outcome TEXT NOT NULL,
    PRIMARY KEY (deployment, number)) STRICT;
CREATE TABLE networks (environment TEXT PRIMARY KEY, subnet TEXT NOT NULL) STRICT;
CREATE TABLE addresses (
    environment TEXT NOT NULL, service TEXT NOT NULL, slot TEXT NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (environment, service, slot), UNIQUE (environment, place)) STRICT;
"""
EVIDENCE_AND_SERVED = """
ALTER TABLE deployments ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN served INTEGER NOT NULL DEFAULT 1;
"""
RENDERINGS = """
CREATE TABLE renderings (environment TEXT PRIMARY KEY, name TEXT NOT NULL, before TEXT) STRICT;
INSERT INTO renderings SELECT environment, 'rendered', NULL FROM networks;
"""
MADE = "CREATE TABLE made (id TEXT PRIMARY KEY) STRICT;"
BUILD_TIMES = """
CREATE TABLE build_times (
    id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, seconds REAL NOT NULL, steps TEXT NOT NULL) STRICT;
CREATE INDEX build_times_of ON build_times (service, id);
"""
ASKED = """
ALTER TABLE deployments ADD COLUMN asked TEXT NOT NULL DEFAULT '';
UPDATE deployments SET asked = started;
"""
MIGRATIONS = (
    TABLES,
    EVIDENCE_AND_SERVED,
    RENDERINGS,
    MADE,
    BUILD_TIMES,
    ASKED,
)  # one a schema, from the first; a record of any age becomes the newest when opened
SCHEMA = len(MIGRATIONS)
RUINED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the body, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def bring_up(db: sqlite3.Connection) -> None:
    """Make a new or older record the newest.

    Raises CeladonError for one of a newer Celadon, sqlite3.DatabaseError for a ruined one.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise CeladonError(
            _("This record was written by a newer Celadon (schema {found}, this one knows {known}).").format(
                found=version, known=SCHEMA
            ),
            hint=_("Update Celadon on this server."),
        )
    if version < SCHEMA:
        with transaction(db):
            version = db.execute("PRAGMA user_version").fetchone()[0]  # somebody may have been quicker
            for statement in "".join(MIGRATIONS[version:]).split(";")[:-1]:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA}")
    elif (found := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        ruined = sqlite3.DatabaseError(found)
        ruined.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise ruined


def put_aside(file: Path) -> Path:
    """Keep a ruined file, with what belongs to it, under a name that is free."""
    number = next(n for n in itertools.count(1) if not file.with_name(f"{file.name}.ruined-{n}").exists())
    aside = file.with_name(f"{file.name}.ruined-{number}")
    for ending in ("-wal", "-shm", ""):
        part = file.with_name(file.name + ending)
        if part.exists():
            part.replace(aside.with_name(aside.name + ending))
    return aside
