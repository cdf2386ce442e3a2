"""Incidents: a trouble from the moment it was seen to the moment it was gone."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from .tables import incidents

i = incidents.c
KEPT = timedelta(days=90)


class Incident(Struct, frozen=True, kw_only=True):
    """One trouble of one instance. `closed_at` is None while it lasts."""

    id: int
    instance: str
    code: str
    severity: str
    message: str
    opened_at: datetime
    closed_at: datetime | None


def open_incidents(conn: Connection, instance: str | None = None) -> list[Incident]:
    """Those that last, oldest first."""
    query = select(incidents).where(i.closed_at.is_(None)).order_by(i.opened_at)
    if instance is not None:
        query = query.where(i.instance == instance)
    return [Incident(**row._mapping) for row in conn.execute(query)]


def recent(conn: Connection, since: datetime, limit: int = 50) -> list[Incident]:
    """Those opened since then, newest first."""
    query = select(incidents).where(i.opened_at >= since).order_by(i.opened_at.desc()).limit(limit)
    return [Incident(**row._mapping) for row in conn.execute(query)]


def match(conn: Connection, instance: str, found: dict[str, tuple[str, str]], now: datetime) -> tuple[int, int]:
    """Make the open incidents of an instance those in `found` (code -> severity, message); gives (opened, closed)."""
    known = {incident.code: incident for incident in open_incidents(conn, instance)}
    for code, (severity, message) in found.items():
        if code in known:
            conn.execute(update(incidents).where(i.id == known[code].id).values(severity=severity, message=message))
        else:
            conn.execute(
                insert(incidents).values(
                    instance=instance, code=code, severity=severity, message=message, opened_at=now
                )
            )
    closed = [incident.id for code, incident in known.items() if code not in found]
    if closed:
        conn.execute(update(incidents).where(i.id.in_(closed)).values(closed_at=now))
    opened = len(found.keys() - known.keys())
    if opened:
        conn.execute(delete(incidents).where(i.closed_at < now - KEPT))
    return opened, len(closed)
