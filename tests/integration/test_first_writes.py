"""What is written for the first time by two at once is written once, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from vaderflix_core.store import health, positions, users
from vaderflix_core.store.database import Database
from vaderflix_core.store.positions import Position

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 30, tzinfo=UTC)


async def at_once(db: Database, *writes: Any) -> None:
    """Several transactions that are all under way before the first of them ends."""
    await asyncio.gather(*(db.write(write) for write in writes))


async def test_the_first_states_of_an_instance_do_not_clash(db: Database) -> None:
    for n in range(5):
        await at_once(db, *(lambda conn, n=n: health.remember(conn, f"films-{n}", "{}") for _ in range(8)))
    assert len(await db.read(health.recall)) == 5


async def test_the_first_reports_of_how_far_a_film_is_do_not_clash(db: Database) -> None:
    def person(conn: Connection) -> int:
        values: dict[str, Any] = {"display_name": "Edith", "email": None, "password_hash": None, "role": "viewer"}
        return users.add(conn, username="edith", now=NOW, **values).id

    edith = await db.write(person)
    for n in range(5):
        place = Position(
            instance="library", key=f"{n}", item_key=f"{n}", label="", seconds=40, duration=90, updated_at=NOW
        )
        await at_once(db, *(lambda conn, place=place: positions.put(conn, edith, place) for _ in range(8)))
    assert len(await db.read(lambda conn: positions.newest(conn, edith, 10))) == 5
