"""Links that work once, and other one-time values, in the database. Only hashes of them are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from .access_tables import links, spent

c = links.c
KEPT = timedelta(hours=1)  # after its end, so that "used already" can be told from "never made"


class Link(Struct, frozen=True, kw_only=True):
    """A link that was handed out, for one account."""

    kind: str
    user_id: int
    data: dict[str, str]
    created_at: datetime
    expires_at: datetime


_COLUMNS = tuple(c[name] for name in Link.__struct_fields__)


def _link(row: Any) -> Link | None:
    return Link(**{name: row._mapping[name] for name in Link.__struct_fields__}) if row is not None else None


def add(conn: Connection, link: Link, token_hash: bytes) -> None:
    """Remember a new link; forget those that ended long ago."""
    conn.execute(delete(links).where(c.expires_at < link.created_at - KEPT))
    values = {name: getattr(link, name) for name in Link.__struct_fields__}
    conn.execute(insert(links).values(token_hash=token_hash, **values))


def get(conn: Connection, token_hash: bytes, kind: str, now: datetime) -> Link | None:
    """A link that still works."""
    query = select(*_COLUMNS).where(c.token_hash == token_hash, c.kind == kind, c.used_at.is_(None), c.expires_at > now)
    return _link(conn.execute(query).first())


def newest(conn: Connection, user_id: int, kind: str, now: datetime) -> Link | None:
    """The newest link of a kind that still works for an account."""
    query = select(*_COLUMNS).where(c.user_id == user_id, c.kind == kind, c.used_at.is_(None), c.expires_at > now)
    return _link(conn.execute(query.order_by(c.created_at.desc()).limit(1)).first())


def use(conn: Connection, token_hash: bytes, kind: str, now: datetime) -> Link | None:
    """Use a link up; of several that try at once, one gets it."""
    query = (
        update(links)
        .where(c.token_hash == token_hash, c.kind == kind, c.used_at.is_(None), c.expires_at > now)
        .values(used_at=now)
        .returning(*_COLUMNS)
    )
    return _link(conn.execute(query).first())


def count_try(conn: Connection, token_hash: bytes, kind: str, now: datetime, limit: int) -> Link | None:
    """Count one try at what a link asks for; None when it has ended or its `limit` tries are used up."""
    working = (c.token_hash == token_hash, c.kind == kind, c.used_at.is_(None), c.expires_at > now)
    link = _link(conn.execute(select(*_COLUMNS).where(*working).with_for_update()).first())
    tries = int(link.data.get("tries", "0")) if link is not None else 0
    if link is None or tries >= limit:
        return None
    conn.execute(update(links).where(c.token_hash == token_hash).values(data=link.data | {"tries": str(tries + 1)}))
    return link


def tries_since(conn: Connection, user_id: int, kind: str, since: datetime) -> int:
    """How many tries were counted on all links of an account that were made since."""
    query = select(c.data).where(c.user_id == user_id, c.kind == kind, c.created_at > since)
    return sum(int(data.get("tries", "0")) for data in conn.execute(query).scalars())


def made_since(conn: Connection, user_id: int, kind: str, since: datetime) -> int:
    """How many links of a kind an account got since."""
    query = select(func.count()).select_from(links)
    return conn.execute(query.where(c.user_id == user_id, c.kind == kind, c.created_at > since)).scalar_one()


def revoke(conn: Connection, user_id: int, kind: str, now: datetime) -> None:
    """Let no link of a kind work any more for an account."""
    conn.execute(update(links).where(c.user_id == user_id, c.kind == kind, c.used_at.is_(None)).values(used_at=now))


def spend(conn: Connection, value_hash: bytes, now: datetime, expires_at: datetime) -> bool:
    """Note that a one-time value was used; False when it was used before. Kept until nobody would take it anyway."""
    conn.execute(delete(spent).where(spent.c.expires_at < now))
    insertion = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    query = insertion(spent).values(value_hash=value_hash, expires_at=expires_at).on_conflict_do_nothing()
    return conn.execute(query.returning(spent.c.value_hash)).first() is not None
