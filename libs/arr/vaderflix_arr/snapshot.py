"""The parts of a service that all requests share: queue, health and tasks, read once for all who ask at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from vaderflix_core.api import ServiceError, Unavailable

from .client import ArrClient
from .wire import Command, HealthRow, QueuePage, QueueRecord

FRESH = timedelta(seconds=2)
NUDGE_EVERY = timedelta(seconds=15)
PAGE_SIZE = 1000  # the services' own default is 10 rows
MAX_PAGES = 20


class Snapshot(Struct, frozen=True, kw_only=True):
    """Queue, health and tasks at one time. The queue is complete, or there is no snapshot."""

    at: datetime
    queue: list[QueueRecord]
    health: list[HealthRow]
    commands: list[Command]


class Snapshots:
    """The newest snapshot of one service, at most two seconds old, or newer than the last hint."""

    def __init__(self, client: ArrClient, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._lock = asyncio.Lock()
        self._last: Snapshot | None = None
        self._revision = 0
        self._nudged_at: datetime | None = None

    def forget(self) -> None:
        """Read again for the next who asks: something has changed."""
        self._revision += 1
        self._last = None

    async def read(self) -> Snapshot:
        """The state now. Raises when a part of it cannot be read."""
        async with self._lock:
            if self._last is not None and self._now() - self._last.at < FRESH:
                return self._last
            revision = self._revision
            at = self._now()
            queue, health, commands = await asyncio.gather(
                self.queue(),
                self._client.get("/health", list[HealthRow]),
                self._client.get("/command", list[Command]),
            )
            snapshot = Snapshot(at=at, queue=queue, health=health, commands=commands)
            if revision == self._revision:
                self._last = snapshot
            return snapshot

    async def queue(self) -> list[QueueRecord]:
        """All queue rows of titles the service manages."""
        rows: list[QueueRecord] = []
        for number in range(1, MAX_PAGES + 1):
            page = await self._client.get("/queue", QueuePage, page=number, pageSize=PAGE_SIZE)
            rows += page.records
            if len(rows) >= page.total_records:
                return rows
            if not page.records:
                break
        raise Unavailable("The queue changed while it was read.")

    async def nudge(self) -> None:
        """Have the service look at its downloader now: by itself it does so once a minute. At most every 15 s."""
        now = self._now()
        if self._nudged_at is not None and now - self._nudged_at < NUDGE_EVERY:
            return
        self._nudged_at = now
        try:
            await self._client.command("RefreshMonitoredDownloads")
        except ServiceError:
            return  # the figures we have are right, only older
