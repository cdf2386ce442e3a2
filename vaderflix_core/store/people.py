"""Accounts as the people who look after them see them: counts, last admins, and what stays when one goes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from ..requests.models import RequestState
from ..requests.states import OPEN, may_move
from . import requests as request_store
from .access_tables import invites
from .tables import request_events, requests, users
from .users import FORMER

u = users.c


def request_counts(conn: Connection) -> dict[int, int]:
    """How many requests each account has made."""
    query = select(requests.c.user_id, func.count()).group_by(requests.c.user_id)
    return {row.user_id: row[1] for row in conn.execute(query)}


def with_role(conn: Connection, role: str) -> list[int]:
    """The accounts of a role."""
    return list(conn.execute(select(u.id).where(u.role == role)).scalars())


def invited_as(conn: Connection, role: str) -> bool:
    """Whether an invitation that is not revoked or used up gives this role."""
    i = invites.c
    found = select(i.id).where(i.role == role, i.revoked_at.is_(None), i.used < i.uses).limit(1)
    return conn.execute(found).first() is not None


def former(conn: Connection, now: datetime) -> int:
    """The closed account that holds what people asked for before they left; made when it is first needed."""
    known = conn.execute(select(u.id).where(u.username_key == FORMER)).scalar()
    if known is not None:
        return int(known)
    values = {
        "username": FORMER,
        "username_key": FORMER,
        "display_name": "A former member",
        "role": "viewer",
        "disabled": True,
        "granted": (),
        "withheld": (),
        "muted": (),
        "created_at": now,
    }
    new_id: int = conn.execute(insert(users).values(**values).returning(u.id)).scalar_one()
    return new_id


def cancel_open(conn: Connection, user_id: int, actor: str, now: datetime) -> int:
    """Cancel what an account has asked for and is not done; gives how many."""
    count = 0
    for request in request_store.find(conn, owner=user_id, states=OPEN, limit=100_000):
        to = RequestState.CANCELLED
        may = may_move(request.state, to)
        if may and request_store.change(conn, request.id, request.state, state=to, updated_at=now):
            request_store.log(conn, request.id, at=now, type="cancelled", state=to, actor=actor)
            count += 1
    return count


def hand_over(conn: Connection, user_id: int, name: str, now: datetime) -> None:
    """Give an account's requests to the former members, and take its name out of their timelines."""
    heir = former(conn, now)
    mine = select(requests.c.id).where(requests.c.user_id == user_id)
    e = request_events.c
    conn.execute(
        update(request_events)
        .where(e.request_id.in_(mine.scalar_subquery()), e.actor == name)
        .values(actor="A former member")
    )
    conn.execute(update(requests).where(requests.c.user_id == user_id).values(user_id=heir))
