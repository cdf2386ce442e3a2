"""The outbox: jobs are rows, written in the transaction that makes them necessary. Brokers only carry their ids."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, and_, func, insert, or_, select, update

from .tables import jobs

j = jobs.c
RELAY_LEASE = timedelta(seconds=30)
RUN_LEASE = timedelta(seconds=60)
SPREAD = timedelta(seconds=5)


class Job(Struct, frozen=True, kw_only=True):
    """A job that was claimed. `attempts` counts this one; `error` is what the one before ended with."""

    id: int
    key: str
    kind: str
    payload: dict[str, Any]
    attempts: int
    error: str


class Unfinished(Struct, frozen=True, kw_only=True):
    """A job that is not done. `state` is queued, running or dead."""

    id: int
    payload: dict[str, Any]
    state: str
    error: str
    run_at: datetime


def enqueue(
    conn: Connection, *, key: str, kind: str, payload: dict[str, Any], now: datetime, run_at: datetime | None = None
) -> bool:
    """Add a job unless one of this key exists, in whatever state; False when it does."""
    if conn.execute(select(j.id).where(j.key == key)).first() is not None:
        return False
    conn.execute(
        insert(jobs).values(
            key=key,
            kind=kind,
            payload=payload,
            state="queued",
            run_at=run_at or now,
            attempts=0,
            error="",
            created_at=now,
        )
    )
    return True


def relay(conn: Connection, now: datetime, limit: int = 100) -> list[int]:
    """The jobs to hand to the broker now; each is handed out again if nobody has claimed it in `RELAY_LEASE`."""
    due = (
        select(j.id)
        .where(
            j.run_at <= now,
            j.state.in_(("queued", "running")),
            or_(j.lease_until.is_(None), j.lease_until < now),
        )
        .order_by(j.run_at)
        .limit(limit)
    )
    if conn.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    rows = conn.execute(
        update(jobs).where(j.id.in_(due.scalar_subquery())).values(lease_until=now + RELAY_LEASE).returning(j.id)
    )
    return [row.id for row in rows]


def next_due(conn: Connection) -> datetime | None:
    """When the next queued job is to run."""
    return conn.execute(select(func.min(j.run_at)).where(j.state == "queued")).scalar()


def claim(conn: Connection, job_id: int, owner: str, now: datetime) -> Job | None:
    """Take a job to run it; None when it is done, dead, not due or somebody else's."""
    row = conn.execute(
        update(jobs)
        .where(
            j.id == job_id,
            j.run_at <= now,
            or_(j.state == "queued", and_(j.state == "running", j.lease_until < now)),
        )
        .values(state="running", owner=owner, lease_until=now + RUN_LEASE, attempts=j.attempts + 1)
        .returning(j.id, j.key, j.kind, j.payload, j.attempts, j.error)
    ).first()
    return Job(**row._mapping) if row else None


def _mine(job: Job, owner: str) -> Any:
    return and_(j.id == job.id, j.state == "running", j.owner == owner)


def renew(conn: Connection, job: Job, owner: str, now: datetime) -> None:
    """Keep a long job."""
    conn.execute(update(jobs).where(_mine(job, owner)).values(lease_until=now + RUN_LEASE))


def finish(conn: Connection, job: Job, owner: str) -> bool:
    """Mark a job done; False when it was taken from us, and its effects must not be written."""
    done = conn.execute(
        update(jobs).where(_mine(job, owner)).values(state="done", lease_until=None, error="").returning(j.id)
    )
    return done.first() is not None


def retry(conn: Connection, job: Job, owner: str, *, run_at: datetime, error: str) -> None:
    """Queue a failed job again for later."""
    conn.execute(
        update(jobs)
        .where(_mine(job, owner))
        .values(state="queued", run_at=run_at, lease_until=None, owner=None, error=error)
    )


def bury(conn: Connection, job: Job, owner: str, error: str) -> bool:
    """Give a job up: it stays visible to admins with its error."""
    done = conn.execute(
        update(jobs).where(_mine(job, owner)).values(state="dead", lease_until=None, error=error).returning(j.id)
    )
    return done.first() is not None


def requeue_orphans(conn: Connection) -> int:
    """Queue what a process that is gone had taken. Only where one process runs all jobs."""
    rows = conn.execute(
        update(jobs).where(j.state == "running").values(state="queued", owner=None, lease_until=None).returning(j.id)
    ).all()
    conn.execute(update(jobs).where(j.state == "queued").values(lease_until=None))
    return len(rows)


def hurry(conn: Connection, kind: str, now: datetime) -> None:
    """Run waiting jobs of a kind now: the service they waited for is back."""
    conn.execute(update(jobs).where(j.kind == kind, j.state == "queued").values(run_at=now, lease_until=None))


def hasten(conn: Connection, job_ids: Sequence[int], now: datetime) -> None:
    """Run waiting jobs now, a little apart: what they call has only just come back."""
    for job_id in job_ids:
        soon = now + SPREAD * random.random()
        conn.execute(
            update(jobs)
            .where(j.id == job_id, j.state == "queued", j.run_at > soon)
            .values(run_at=soon, lease_until=None)
        )


def id_of(conn: Connection, key: str) -> int | None:
    """The job of a key."""
    found: int | None = conn.execute(select(j.id).where(j.key == key)).scalar()
    return found


def revive(conn: Connection, job_id: int, now: datetime) -> bool:
    """Give a dead job another budget of attempts."""
    row = conn.execute(
        update(jobs)
        .where(j.id == job_id, j.state == "dead")
        .values(state="queued", attempts=0, run_at=now, lease_until=None)
        .returning(j.id)
    ).first()
    return row is not None


def go_on(conn: Connection, job_id: int, now: datetime) -> None:
    """Run a waiting or dead job now, with another budget of attempts."""
    conn.execute(
        update(jobs)
        .where(j.id == job_id, j.state.in_(("queued", "dead")))
        .values(state="queued", attempts=0, run_at=now, lease_until=None)
    )


def leave(conn: Connection, job_id: int) -> None:
    """Have a waiting or dead job not run any more."""
    conn.execute(update(jobs).where(j.id == job_id, j.state.in_(("queued", "dead"))).values(state="done"))


def unfinished(conn: Connection, kind: str) -> list[Unfinished]:
    """The jobs of a kind that are not done, oldest first."""
    columns = [j[name] for name in Unfinished.__struct_fields__]
    query = select(*columns).where(j.kind == kind, j.state != "done").order_by(j.id)
    return [Unfinished(**row._mapping) for row in conn.execute(query)]


def dead(conn: Connection) -> list[tuple[int, str, str, datetime]]:
    """Jobs that were given up: id, kind, error, since."""
    return [
        (row.id, row.kind, row.error, row.created_at)
        for row in conn.execute(select(j.id, j.kind, j.error, j.created_at).where(j.state == "dead").order_by(j.id))
    ]
