"""Brings a database to the newest schema. Alembic is loaded only when there is something to do: it costs 0.6 s."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, inspect, text

from .database import Database

log = structlog.get_logger("store")

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 8_231_907  # any number, the same for all our processes


def newest() -> str:
    """The newest revision: migrations are files named by their number."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current(conn: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(db: Database) -> Path | None:
    """Upgrade if it is behind; gives the backup of the SQLite file that was made first, if one was.

    Several processes may call this at once: one works, the others find it done.
    """
    head = newest()
    found = db.read_sync(current)
    if found == head:
        return None
    if found is not None and found > head:
        raise RuntimeError(
            f"This database is of a newer Vader Flix (schema {found}; this one knows {head}). Update first."
        )
    backup = _backup(db, found) if found is not None else None
    db.write_sync(lambda conn: _upgrade(conn, head))
    log.info("database migrated", before=found, now=head, backup=str(backup) if backup else None)
    return backup


def _upgrade(conn: Connection, head: str) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    if current(conn) == head:
        return
    from alembic import command

    command.upgrade(alembic_config(conn), head)


def alembic_config(conn: Connection) -> Any:
    """Alembic's configuration for one open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    return config


def _backup(db: Database, revision: str) -> Path | None:
    """Copy the SQLite file beside itself, through SQLite's own backup, so that the copy is whole."""
    if db.path is None or not db.path.exists():
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    target = db.path.with_name(f"{db.path.stem}-before-{revision}-{stamp}{db.path.suffix}")
    with sqlite3.connect(db.path) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    return target
