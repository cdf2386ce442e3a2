"""Runs jobs: claim, work, and the work's effects together with "done" in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from ..api.errors import ServiceError, Unavailable
from ..store import jobs as store
from ..store.database import Database
from ..store.jobs import Job

log = structlog.get_logger("jobs")

After = Callable[[], None]  # told to the rest of the house once the transaction is kept
Effects = Callable[[Connection], After | None]
Handler = Callable[[Job], Awaitable[Effects | None]]
OnDead = Callable[[Job, str], Effects | None]

RENEW_EVERY = 20.0
LONGEST_RUN = 600.0  # seconds; what takes longer hangs, and is tried again


class Kind:
    """How one kind of job is run: its handler, its budget of attempts, and what to write when that is used up."""

    def __init__(self, handler: Handler, *, attempts: int, longest: timedelta, on_dead: OnDead | None) -> None:
        self.handler = handler
        self.attempts = attempts
        self.longest = longest
        self.on_dead = on_dead


class TryAgain(Exception):
    """Raised by a handler that cannot do its work yet; `after` seconds, or the usual delay."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Runner:
    """Runs the jobs of this process. Outside calls are at least once; what they change here is exactly once."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._kinds: dict[str, Kind] = {}
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"

    def register(
        self,
        kind: str,
        handler: Handler,
        *,
        attempts: int,
        longest: timedelta = timedelta(minutes=10),
        on_dead: OnDead | None = None,
    ) -> None:
        """Say how a kind of job is run: at most `attempts` times, at most `longest` between two."""
        self._kinds[kind] = Kind(handler, attempts=attempts, longest=longest, on_dead=on_dead)

    async def run(self, job_id: int) -> None:
        """Run one job if it is still to be run."""
        now = self._clock()
        job = await self._db.write(lambda conn: store.claim(conn, job_id, self.owner, now))
        if job is None:
            return
        kind = self._kinds.get(job.kind)
        if kind is None:
            error = f"no handler for {job.kind}"
            await self._db.write(lambda conn: store.bury(conn, job, self.owner, error))
            return
        keeper = asyncio.create_task(self._keep(job))
        try:
            async with asyncio.timeout(LONGEST_RUN):
                effects = await kind.handler(job)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler does, its job must end in a known state
            await self._failed(kind, job, error)
        else:
            self._tell(await self._db.write(lambda conn: self._finish(conn, job, effects)))
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    def _finish(self, conn: Connection, job: Job, effects: Effects | None) -> After | None:
        return effects(conn) if store.finish(conn, job, self.owner) and effects is not None else None

    @staticmethod
    def _tell(after: After | None) -> None:
        if after is not None:
            after()

    async def _keep(self, job: Job) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await self._db.write(lambda conn: store.renew(conn, job, self.owner, self._clock()))
            except Exception as error:  # noqa: BLE001 - a database that is away for a moment must not end the job
                log.warning("a claim could not be renewed", job=job.key, error=str(error))

    async def _failed(self, kind: Kind, job: Job, error: Exception) -> None:
        words = str(error) or ("it took too long" if isinstance(error, TimeoutError) else type(error).__name__)
        expected = isinstance(error, TryAgain | ServiceError)
        if not expected:
            log.error("job failed", job=job.key, kind=job.kind, attempt=job.attempts, exc_info=error)
        final = isinstance(error, ServiceError) and not isinstance(error, Unavailable)
        if final or job.attempts >= kind.attempts:
            log.warning("job given up", job=job.key, attempts=job.attempts, error=words)
            effects = kind.on_dead(job, words) if kind.on_dead else None

            def bury(conn: Connection) -> After | None:
                return effects(conn) if store.bury(conn, job, self.owner, words) and effects is not None else None

            self._tell(await self._db.write(bury))
            return
        run_at = self._clock() + timedelta(seconds=self._delay(kind, job, error))
        await self._db.write(lambda conn: store.retry(conn, job, self.owner, run_at=run_at, error=words))

    def _delay(self, kind: Kind, job: Job, error: Exception) -> float:
        asked = getattr(error, "after", None) or getattr(error, "retry_after", None)
        if asked is not None:
            return float(asked)
        usual: float = min(2.0**job.attempts, kind.longest.total_seconds())
        return usual * random.uniform(0.8, 1.2)
