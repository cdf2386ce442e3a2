"""Runs what plugins do by themselves: their periodic jobs, and their listeners for events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from ..api.events import Event
from ..api.hookspecs import Job
from ..bus import Bus
from .guard import Guard
from .records import InstanceRecord
from .supervisor import Supervisor

LOOK_EVERY = 1.0
JOB_SECONDS = 300.0
MOST_RUNNING = 200  # listeners at work; of more events than they can take, the newest are not handed over

log = structlog.get_logger("vaderflix.plugins.work")


class PluginWork:
    """Does the jobs and calls the listeners of all running instances, through the guard. `now` is a steady clock."""

    def __init__(
        self,
        supervisor: Supervisor,
        guard: Guard,
        bus: Bus,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._supervisor = supervisor
        self._guard = guard
        self._bus = bus
        self._now = now
        self._sleep = sleep
        self._due: dict[int, tuple[Job, float]] = {}
        self._busy: set[int] = set()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work for ever; cancel to stop."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._jobs())
                group.create_task(self._listen())
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _jobs(self) -> None:
        while True:
            self.start_due()
            await self._sleep(LOOK_EVERY)

    def start_due(self) -> None:
        """Begin every job that is due: at once when its instance has started, then after each `every` seconds.

        A job that still runs when it is due again is left to end.
        """
        now = self._now()
        known, self._due = self._due, {}
        for record, job in self._supervisor.jobs():
            _, due = known.get(id(job), (job, now))
            if now >= due and id(job) not in self._busy:
                due = now + job.every
                self._busy.add(id(job))
                self._begin(self._do(record, job))
            self._due[id(job)] = (job, due)

    async def _do(self, record: InstanceRecord, job: Job) -> None:
        try:
            await self._guard.run(
                record.config.id, record.config.name, f"job {job.name}", job.run, timeout=max(job.every, JOB_SECONDS)
            )
        finally:
            self._busy.discard(id(job))

    async def _listen(self) -> None:
        async with self._bus.subscribe() as events:
            async for event in events:
                self.hand_over(event)

    def hand_over(self, event: Event) -> None:
        """Call every listener that asked for this kind of event, each in a task of its own."""
        for number, (record, listener) in enumerate(self._supervisor.listeners(), 1):
            if not isinstance(event, listener.event):
                continue
            if len(self._running) >= MOST_RUNNING:
                log.warning("an event was not handed over", instance=record.config.id, kind=type(event).__name__)
                continue
            # the number keeps a slow listener from using up the places of its neighbour
            what = f"listener {number} for {listener.event.__name__}"
            call = self._guard.run(record.config.id, record.config.name, what, partial(listener.run, event))
            self._begin(_ended(call))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _ended(call: Awaitable[object]) -> None:
    """Wait for a guarded call; the guard has logged what went wrong."""
    await call
