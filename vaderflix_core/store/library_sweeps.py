"""How far the mirroring of each media source is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from .library_tables import library_sweeps

s = library_sweeps.c


class SweepState(Struct, frozen=True, kw_only=True):
    """What is known of an instance's sweeps. `marker` is the number of the newest, be it under way or failed.

    `swept_at`: when the last complete sweep began. `changes_at`: what changed before is in the index. `error` says why
    the last sweep was not complete. `pending_marker`: titles not seen since this sweep wait for an admin's word.
    """

    instance: str
    marker: int = 0
    swept_at: datetime | None = None
    changes_at: datetime | None = None
    error: str = ""
    pending_marker: int | None = None


def get(conn: Connection, instance: str) -> SweepState:
    """The state of an instance; that of one never swept when nothing is known."""
    row = conn.execute(select(library_sweeps).where(s.instance == instance)).first()
    if row is None:
        return SweepState(instance=instance)
    return SweepState(
        instance=row.instance,
        marker=row.marker,
        swept_at=_time(row.swept_at),
        changes_at=_time(row.changes_at),
        error=row.error,
        pending_marker=row.pending_marker,
    )


def everything(conn: Connection) -> list[SweepState]:
    """The states of all instances that were ever swept."""
    return [get(conn, instance) for instance in conn.execute(select(s.instance).order_by(s.instance)).scalars().all()]


def begin(conn: Connection, instance: str) -> int:
    """Start a sweep; gives its number."""
    marker = conn.execute(
        update(library_sweeps).where(s.instance == instance).values(marker=s.marker + 1).returning(s.marker)
    ).scalar()
    if marker is None:
        conn.execute(insert(library_sweeps).values(instance=instance, marker=1, error=""))
        return 1
    return int(marker)


def finished(conn: Connection, instance: str, started: datetime, *, complete: bool, error: str = "") -> None:
    """Record a sweep that read every page. `complete`: the source vouched for it, or gave no count to check."""
    at = int(started.timestamp())
    values: dict[str, object] = {"changes_at": at, "error": error}
    if complete:
        values["swept_at"] = at
    conn.execute(update(library_sweeps).where(s.instance == instance).values(values))


def failed(conn: Connection, instance: str, error: str) -> None:
    """Record a sweep that broke off."""
    conn.execute(update(library_sweeps).where(s.instance == instance).values(error=error))


def changes_read(conn: Connection, instance: str, started: datetime) -> None:
    """Record that all changes before `started` are in the index."""
    conn.execute(update(library_sweeps).where(s.instance == instance).values(changes_at=int(started.timestamp())))


def pend(conn: Connection, instance: str, marker: int | None) -> None:
    """Let the titles not seen since a sweep wait for an admin; None ends the waiting."""
    conn.execute(update(library_sweeps).where(s.instance == instance).values(pending_marker=marker))


def forget(conn: Connection, instance: str) -> None:
    """Drop the state of an instance."""
    conn.execute(delete(library_sweeps).where(s.instance == instance))


def all_swept(conn: Connection, instances: Collection[str]) -> bool:
    """Whether each of these instances was swept completely at least once."""
    query = select(s.instance).where(s.instance.in_(instances), s.swept_at.is_not(None))
    return set(conn.execute(query).scalars()) >= set(instances)


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
