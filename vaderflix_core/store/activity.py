"""The activity log: who did what, from where, with what before and after. Only ever appended to.

Each entry's hash covers the entry and the hash of the one before, so that a changed or removed entry breaks the chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, insert, or_, select, text

from .tables import activity

a = activity.c
BEGIN = bytes(32)
LOCK = 8_231_908


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that somebody did. `actor` is a name, `actor_id` an account; both stay when the account goes."""

    at: datetime
    actor_id: int | None
    actor: str
    ip: str
    action: str
    subject: str
    before: dict[str, str]
    after: dict[str, str]
    id: int = 0


class Mark(Struct, frozen=True, kw_only=True):
    """A place in the chain: an entry and its hash, which stands for all that is before it."""

    id: int
    hash: bytes


START = Mark(id=0, hash=BEGIN)
_COLUMNS = tuple(a[name] for name in Entry.__struct_fields__)


def _hash(previous: bytes, entry: Entry) -> bytes:
    plain = msgspec.json.encode(msgspec.structs.replace(entry, id=0), order="deterministic")
    return hashlib.sha256(previous + plain).digest()


def lock(conn: Connection) -> None:
    """Keep others from adding to the log until the transaction ends (SQLite has one writer anyway)."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def append(conn: Connection, entry: Entry) -> None:
    """Add an entry to the end of the chain."""
    lock(conn)  # two writers must not both continue from the same entry
    previous = conn.execute(select(a.hash).order_by(a.id.desc()).limit(1)).scalar() or BEGIN
    values = {name: getattr(entry, name) for name in Entry.__struct_fields__ if name != "id"}
    conn.execute(insert(activity).values(hash=_hash(previous, entry), **values))


def find(
    conn: Connection,
    *,
    actor_id: int | None = None,
    actions: Collection[str] = (),
    group: str = "",
    words: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Entries, newest first; `before` is the id of the last one before the page, `group` the first word of actions."""
    query = select(*_COLUMNS).order_by(a.id.desc()).limit(limit)
    if actor_id is not None:
        query = query.where(a.actor_id == actor_id)
    if actions:
        query = query.where(a.action.in_(actions))
    if group:
        query = query.where(a.action.startswith(f"{group}.", autoescape=True))
    if words:
        hits = (c.icontains(words, autoescape=True) for c in (a.subject, a.actor, a.ip, a.action))
        query = query.where(or_(*hits))
    if until is not None:
        query = query.where(a.at < until)
    if since is not None:
        query = query.where(a.at >= since)
    if before is not None:
        query = query.where(a.id < before)
    return [Entry(**row._mapping) for row in conn.execute(query)]


def known(conn: Connection, *, actor_id: int, action: str) -> list[dict[str, str]]:
    """What different values an account's entries of one action hold."""
    query = select(a.after).where(a.actor_id == actor_id, a.action == action).distinct()
    return list(conn.execute(query).scalars())


def actions(conn: Connection) -> list[str]:
    """The actions that occur, by name."""
    return list(conn.execute(select(a.action).distinct().order_by(a.action)).scalars())


def hash_of(conn: Connection, id: int) -> bytes | None:
    """The hash that an entry has; None when there is no such entry."""
    return conn.execute(select(a.hash).where(a.id == id)).scalar()


def end(conn: Connection) -> Mark:
    """The place of the newest entry."""
    row = conn.execute(select(a.id, a.hash).order_by(a.id.desc()).limit(1)).first()
    return Mark(id=row.id, hash=row.hash) if row is not None else START


def follow(conn: Connection, since: Mark) -> tuple[Mark, int | None]:
    """Walk the chain from a place to its end: gives the end, and the first entry that does not follow, if there is one.

    Where the chain is broken the walk ends, at the last entry that does follow.
    """
    for row in conn.execute(select(*_COLUMNS, a.hash).where(a.id > since.id).order_by(a.id)):
        entry = Entry(**{name: row._mapping[name] for name in Entry.__struct_fields__})
        if _hash(since.hash, entry) != row.hash:
            return since, entry.id
        since = Mark(id=entry.id, hash=row.hash)
    return since, None


def count_after(conn: Connection, id: int) -> int:
    """How many entries are newer than that one."""
    return conn.execute(select(func.count()).select_from(activity).where(a.id > id)).scalar_one()
