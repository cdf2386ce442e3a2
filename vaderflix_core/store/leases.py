"""Who does what only one process may do, and until when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from .tables import leases

c = leases.c


def take(conn: Connection, name: str, owner: str, now: datetime, until: datetime) -> bool:
    """Take or renew a lease; False while somebody else's is good."""
    mine = or_(c.owner == owner, c.until < now)
    done = conn.execute(update(leases).where(c.name == name, mine).values(owner=owner, until=until).returning(c.name))
    if done.first() is not None:
        return True
    if conn.execute(select(c.name).where(c.name == name)).first() is not None:
        return False
    try:
        with conn.begin_nested():
            conn.execute(insert(leases).values(name=name, owner=owner, until=until))
    except IntegrityError:
        return False
    return True


def give_back(conn: Connection, name: str, owner: str) -> None:
    """End a lease that is ours."""
    conn.execute(delete(leases).where(c.name == name, c.owner == owner))
