"""Single facts about the installation."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from .tables import meta


def get(conn: Connection, key: str, *, lock: bool = False) -> str | None:
    """The value of a fact, or None; with `lock`, nobody else changes it until the transaction ends."""
    query = select(meta.c.value).where(meta.c.key == key)
    return conn.execute(query.with_for_update() if lock else query).scalar()


def put(conn: Connection, key: str, value: str | None) -> None:
    """Set a fact; None forgets it."""
    if value is None:
        conn.execute(delete(meta).where(meta.c.key == key))
    elif get(conn, key) is None:
        conn.execute(insert(meta).values(key=key, value=value))
    else:
        conn.execute(update(meta).where(meta.c.key == key).values(value=value))
