"""What was sent to whom over which channel, and how it ended."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from .tables import deliveries

d = deliveries.c


class Delivery(Struct, frozen=True, kw_only=True):
    """One message to one person over one channel. `state` is queued, delivered, refused or dropped."""

    notification_id: str
    instance: str
    recipient: str
    title: str
    state: str
    detail: str
    at: datetime


def put(conn: Connection, delivery: Delivery) -> None:
    """Add a delivery, or note how it goes."""
    mine = (
        d.notification_id == delivery.notification_id,
        d.instance == delivery.instance,
        d.recipient == delivery.recipient,
    )
    values = {"state": delivery.state, "detail": delivery.detail, "at": delivery.at}
    if conn.execute(update(deliveries).where(*mine).values(**values).returning(d.id)).first() is None:
        conn.execute(
            insert(deliveries).values(
                notification_id=delivery.notification_id,
                instance=delivery.instance,
                recipient=delivery.recipient,
                title=delivery.title,
                **values,
            )
        )


def drop(conn: Connection, delivery: Delivery) -> None:
    """Note that a message was not sent after all, in place of what the log says of it, be it under another name."""
    mine = (d.notification_id == delivery.notification_id, d.instance == delivery.instance)
    conn.execute(delete(deliveries).where(*mine))
    put(conn, delivery)


def note(conn: Connection, notification_id: str, state: str, detail: str, now: datetime) -> None:
    """Note how all deliveries of one message go."""
    mine = d.notification_id == notification_id
    conn.execute(update(deliveries).where(mine).values(state=state, detail=detail, at=now))


def newest(conn: Connection, limit: int = 100, state: str = "") -> list[Delivery]:
    """The newest deliveries, of one state if it is given."""
    columns = (d.notification_id, d.instance, d.recipient, d.title, d.state, d.detail, d.at)
    query = select(*columns).order_by(d.id.desc()).limit(limit)
    rows = conn.execute(query.where(d.state == state) if state else query)
    return [Delivery(**row._mapping) for row in rows]
