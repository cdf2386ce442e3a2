"""dramatiq between the outbox and the runner. A message is a job's id and nothing more: losing one costs latency.

Embedded, the broker lives in this process and its worker hands each id to the event loop. Scaled, ids travel through
Redis to whichever worker is free.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

import dramatiq
import structlog
from dramatiq.brokers.stub import StubBroker

from ..store import jobs as store
from ..store.database import Database
from .runner import Runner

log = structlog.get_logger("jobs")

QUEUE = "jobs"
WORKER_THREADS = 4
IDLE_SECONDS = 5.0


def _broker(redis_url: str | None) -> dramatiq.Broker:
    # no middleware: retries, budgets and time limits are the runner's, which can end a job that waits
    if redis_url is None:
        return StubBroker(middleware=[])
    from dramatiq.brokers.redis import RedisBroker  # only where there is a Redis

    broker: dramatiq.Broker = RedisBroker(url=redis_url, middleware=[])  # type: ignore[no-untyped-call]
    return broker


class Jobs:
    """The outbox at work. `wake()` after a transaction that enqueued; all else happens by itself.

    `relays` processes read the outbox; `works` processes run jobs. One embedded process does both.
    """

    def __init__(
        self,
        db: Database,
        runner: Runner,
        clock: Callable[[], datetime],
        *,
        redis_url: str | None = None,
        relays: bool = True,
        works: bool = True,
        elsewhere: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self.runner = runner
        self._clock = clock
        self._embedded = redis_url is None
        self._relays = relays
        self._works = works
        self._elsewhere = elsewhere
        self._broker = _broker(redis_url)
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: dramatiq.Worker | None = None
        self._relay_task: asyncio.Task[None] | None = None
        self._actor: dramatiq.Actor[[int], None] = dramatiq.Actor(
            self._perform,
            broker=self._broker,
            actor_name="run_job",
            queue_name=QUEUE,
            priority=0,
            options={},
        )

    def _perform(self, job_id: int) -> None:
        """In a worker thread: run the job on the event loop and wait for it."""
        if self._loop is None:
            return
        asyncio.run_coroutine_threadsafe(self.runner.run(job_id), self._loop).result()

    async def start(self) -> None:
        """Begin to relay and to work, as this process is meant to."""
        self._loop = asyncio.get_running_loop()
        if self._works:
            if self._embedded:
                orphans = await self._db.write(store.requeue_orphans)
                if orphans:
                    log.info("jobs taken up again", count=orphans)
            self._worker = dramatiq.Worker(self._broker, worker_threads=WORKER_THREADS, worker_timeout=50)
            self._worker.start()
        if self._relays:
            self._relay_task = asyncio.create_task(self._relay())

    def wake(self) -> None:
        """Have the outbox looked at now, here or where it is read. Safe on the event loop only."""
        if self._relays:
            self._woken.set()
        else:
            self._elsewhere()

    async def _relay(self) -> None:
        while True:
            self._woken.clear()
            wait = IDLE_SECONDS
            try:
                for job_id in await self._db.write(lambda conn: store.relay(conn, self._clock())):
                    self._actor.send(job_id)
                due = await self._db.read(store.next_due)
                if due is not None:
                    wait = min(max((due - self._clock()).total_seconds(), 0.05), IDLE_SECONDS)
            except Exception as error:  # noqa: BLE001 - a database or Redis that is away must not end the relay
                log.warning("the outbox could not be read", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    async def given_up(self) -> list[tuple[int, str, str, datetime]]:
        """Jobs whose budget is used up: id, kind, error, since."""
        return await self._db.read(store.dead)

    async def revive(self, job_id: int) -> bool:
        """Give a job another budget; False when it is not one that was given up."""
        now = self._clock()
        revived = await self._db.write(lambda conn: store.revive(conn, job_id, now))
        self.wake()
        return revived

    async def stop(self) -> None:
        """Stop taking jobs, let the running ones end, close the broker; safe to call twice."""
        if self._relay_task is not None:
            self._relay_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._relay_task
            self._relay_task = None
        if self._worker is not None:
            worker, self._worker = self._worker, None
            await asyncio.to_thread(worker.stop, 5_000)
            await asyncio.to_thread(self._broker.close)
