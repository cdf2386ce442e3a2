"""How far people have watched."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from .tables import positions

p = positions.c


class Position(Struct, frozen=True, kw_only=True):
    """How far somebody is in a film or an episode. `item_key` is the film's or series' key, `label` an episode's."""

    instance: str
    key: str
    item_key: str
    label: str
    seconds: float
    duration: float
    updated_at: datetime


_ALL = (p.instance, p.key, p.item_key, p.label, p.seconds, p.duration, p.updated_at)


def put(conn: Connection, user_id: int, position: Position) -> None:
    """Remember a position."""
    mine = (p.user_id == user_id, p.instance == position.instance, p.key == position.key)
    values = {
        "item_key": position.item_key,
        "label": position.label,
        "seconds": position.seconds,
        "duration": position.duration,
        "updated_at": position.updated_at,
    }
    if conn.execute(update(positions).where(*mine).values(**values).returning(p.key)).first() is None:
        conn.execute(insert(positions).values(user_id=user_id, instance=position.instance, key=position.key, **values))


def get(conn: Connection, user_id: int, instance: str, key: str) -> Position | None:
    """An account's position in one film or episode."""
    row = conn.execute(select(*_ALL).where(p.user_id == user_id, p.instance == instance, p.key == key)).first()
    return Position(**row._mapping) if row else None


def of_item(conn: Connection, user_id: int, instance: str, item_key: str) -> list[Position]:
    """An account's positions in a film or a series, newest first."""
    query = select(*_ALL).where(p.user_id == user_id, p.instance == instance, p.item_key == item_key)
    return [Position(**row._mapping) for row in conn.execute(query.order_by(p.updated_at.desc()))]


def newest(conn: Connection, user_id: int, limit: int) -> list[Position]:
    """Where an account stopped, newest first, one per film or series."""
    found: dict[tuple[str, str], Position] = {}
    for row in conn.execute(select(*_ALL).where(p.user_id == user_id).order_by(p.updated_at.desc()).limit(limit * 8)):
        position = Position(**row._mapping)
        found.setdefault((position.instance, position.item_key), position)
    return list(found.values())[:limit]
