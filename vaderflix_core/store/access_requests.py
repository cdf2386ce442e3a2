"""Requests for access in the database: strangers who ask to come in."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select, update

from .access_tables import access_requests

r = access_requests.c


class AccessRequest(Struct, frozen=True, kw_only=True):
    """Somebody who asks to come in. `state` is pending, approved or rejected; nothing here is proven."""

    id: int
    name: str
    email: str
    message: str
    ip: str
    state: str
    decided_by: str
    reason: str
    invite_id: int | None
    created_at: datetime
    decided_at: datetime | None


_REQUEST = tuple(r[name] for name in AccessRequest.__struct_fields__)


def add(conn: Connection, *, name: str, email: str, message: str, ip: str, now: datetime) -> int | None:
    """Keep a request; None when this address waits for an answer already."""
    waits = select(r.id).where(func.lower(r.email) == email.lower(), r.state == "pending")
    if conn.execute(waits).first() is not None:
        return None
    values = {"name": name, "email": email, "message": message, "ip": ip, "state": "pending", "created_at": now}
    new_id: int = conn.execute(insert(access_requests).values(**values).returning(r.id)).scalar_one()
    return new_id


def get(conn: Connection, request_id: int) -> AccessRequest | None:
    """One request."""
    row = conn.execute(select(*_REQUEST).where(r.id == request_id)).first()
    return AccessRequest(**row._mapping) if row else None


def newest(conn: Connection, state: str = "", limit: int = 200) -> list[AccessRequest]:
    """Requests, newest first, of one state if it is given."""
    query = select(*_REQUEST).order_by(r.id.desc()).limit(limit)
    return [AccessRequest(**row._mapping) for row in conn.execute(query.where(r.state == state) if state else query)]


def pending(conn: Connection) -> int:
    """How many wait for an answer."""
    return conn.execute(select(func.count()).select_from(access_requests).where(r.state == "pending")).scalar_one()


def decide(
    conn: Connection,
    request_id: int,
    *,
    state: str,
    by: str,
    now: datetime,
    reason: str = "",
    invite: int | None = None,
) -> bool:
    """Answer a pending request; False when somebody else did."""
    values = {"state": state, "decided_by": by, "reason": reason, "decided_at": now, "invite_id": invite}
    done = update(access_requests).where(r.id == request_id, r.state == "pending").values(**values)
    return conn.execute(done.returning(r.id)).first() is not None
