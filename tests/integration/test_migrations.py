"""An upgrade keeps what a house has, and ends at the tables that the code works with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from vaderflix_core.api import Quality
from vaderflix_core.store import requests as request_store
from vaderflix_core.store.database import Database
from vaderflix_core.store.metadata import metadata
from vaderflix_core.store.migrate import alembic_config, current, migrate, newest

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)


@pytest.fixture
def first(empty_db: Database) -> Database:
    """A database as the first schema made it."""
    empty_db.write_sync(lambda conn: command.upgrade(alembic_config(conn), "0001"))
    return empty_db


def test_the_migrations_end_at_the_tables_that_the_code_works_with(db: Database) -> None:
    def differences(conn: Connection) -> list[object]:
        # each comparison is as `env.py` makes it, which alembic runs only for its own commands
        options = {"include_object": of_the_metadata, "compare_type": False}
        return list(compare_metadata(MigrationContext.configure(conn, opts=options), metadata))

    def of_the_metadata(item: object, name: str | None, *_: object) -> bool:
        return not (name or "").startswith(("library_search", "ix_library_search"))

    assert db.read_sync(current) == newest()
    assert db.read_sync(differences) == []


def test_an_upgrade_keeps_requests_and_their_timelines_as_standard_ones(first: Database) -> None:
    def ask(conn: Connection) -> None:
        conn.execute(
            text(
                "INSERT INTO users (id, username, username_key, display_name, role, disabled, granted, withheld, muted,"
                " created_at)"
                " VALUES (1, 'mara', 'mara', 'Mara', 'admin', :no, '[]', '[]', '[]', :now)"
            ),
            {"now": NOW, "no": False},
        )
        conn.execute(
            text(
                "INSERT INTO requests (id, user_id, kind, title, tmdb, seasons, state, routing, evidence,"
                " download_ids, decline_reason, created_at, updated_at)"
                " VALUES (1, 1, 'movie', 'Metropolis', 19, '[]', 'pending', '[]', '', '[]', '', :now, :now)"
            ),
            {"now": NOW},
        )
        request_store.log(conn, 1, at=NOW, type="asked", state=request_store.RequestState.PENDING, actor="Mara")

    first.write_sync(ask)
    backup = migrate(first)
    kept = first.read_sync(lambda conn: request_store.get(conn, 1))
    assert kept is not None
    assert (kept.title, kept.quality) == ("Metropolis", Quality.STANDARD)
    assert [entry.type for entry in first.read_sync(lambda conn: request_store.timeline(conn, 1))] == ["asked"]
    assert (backup is not None) == (first.path is not None)
