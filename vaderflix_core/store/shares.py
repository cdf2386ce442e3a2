"""What is shared with the people of the house at each source, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from .access_tables import shares

s = shares.c


class Kept(Struct, frozen=True, kw_only=True):
    """One account's share at one source. `state`: wanted, given_up, refused, pending, accepted, suspended or removed.

    What is wanted has been tried `tries` times, and is tried again at `retry_at`; None is at the next look.
    """

    user_id: int
    instance: str
    person: str  # how the source knows them, for people
    subject: str | None
    remote_id: str | None
    libraries: tuple[str, ...]
    state: str
    detail: str
    updated_at: datetime
    tries: int = 0
    retry_at: datetime | None = None


FIELDS = Kept.__struct_fields__
COLUMNS = tuple(s[name] for name in FIELDS)


def _kept(rows: Any) -> list[Kept]:
    return [Kept(**row._mapping) for row in rows]


def everything(conn: Connection) -> list[Kept]:
    """All shares."""
    return _kept(conn.execute(select(*COLUMNS).order_by(s.user_id, s.instance)))


def of_instance(conn: Connection, instance: str) -> list[Kept]:
    """The shares at one source."""
    return _kept(conn.execute(select(*COLUMNS).where(s.instance == instance)))


def of_user(conn: Connection, user_id: int) -> list[Kept]:
    """One account's shares."""
    return _kept(conn.execute(select(*COLUMNS).where(s.user_id == user_id).order_by(s.instance)))


def get(conn: Connection, user_id: int, instance: str) -> Kept | None:
    """One account's share at one source."""
    found = _kept(conn.execute(select(*COLUMNS).where(s.user_id == user_id, s.instance == instance)))
    return found[0] if found else None


def put(conn: Connection, kept: Kept) -> None:
    """Keep a share in place of what was known of it."""
    values = {name: getattr(kept, name) for name in FIELDS}
    mine = (s.user_id == kept.user_id) & (s.instance == kept.instance)
    if conn.execute(update(shares).where(mine).values(**values).returning(s.user_id)).first() is None:
        conn.execute(insert(shares).values(**values))


def replace(conn: Connection, before: Kept, after: Kept) -> bool:
    """Keep a share in place of what was read of it; False, and nothing is kept, when that is not so any more."""
    mine = (s.user_id == before.user_id) & (s.instance == before.instance) & (s.updated_at == before.updated_at)
    values = {name: getattr(after, name) for name in FIELDS}
    return conn.execute(update(shares).where(mine).values(**values).returning(s.user_id)).first() is not None


def given_up(conn: Connection) -> int:
    """How many shares were tried until they were given up."""
    return conn.execute(select(func.count()).select_from(shares).where(s.state == "given_up")).scalar_one()


def hurry(conn: Connection, instance: str) -> None:
    """Try at the next look what is wanted of a source: it is back."""
    conn.execute(update(shares).where(s.instance == instance, s.state == "wanted").values(retry_at=None))


def drop(conn: Connection, user_id: int, instance: str) -> None:
    """Forget a share."""
    conn.execute(delete(shares).where(s.user_id == user_id, s.instance == instance))
