"""What all downloaders are doing now: a snapshot in memory, read often while somebody looks and rarely otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from ..access.activity import note
from ..access.models import Permission, User
from ..api.events import DownloadsChanged
from ..api.models import Download, DownloadAction, DownloadState
from ..api.roles import Downloader
from ..bus import Bus
from ..failures import Missing, NotAllowed, SourceFailed
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Pool
from ..store.database import Database

BUSY_EVERY, IDLE_EVERY = 1.5, 20.0
WATCHED_FOR = 30.0  # how long a page that looked keeps the reading fast
MOVING = (DownloadState.DOWNLOADING, DownloadState.QUEUED, DownloadState.CHECKING, DownloadState.MOVING)


class DownloaderReport(Struct, frozen=True, kw_only=True):
    """The last reading of one downloader. On failure `downloads` are the last known ones, `error` says why."""

    instance: str
    name: str
    outcome: Outcome
    error: str
    downloads: tuple[Download, ...]
    read_at: datetime | None


class Figures(Struct, frozen=True, kw_only=True):
    """How a set of downloads moves, taken together: bytes, bytes per second, seconds left."""

    percent: float
    size: int
    left: int
    speed: int
    eta_seconds: int | None
    complete: bool


class Downloads:
    """The downloads of the house."""

    def __init__(self, db: Database, bus: Bus, pool: Pool, guard: Guard, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._bus = bus
        self._pool = pool
        self._guard = guard
        self._clock = clock
        self._reports: dict[str, DownloaderReport] = {}
        self._woken = asyncio.Event()
        self._watched = 0.0

    async def run(self) -> None:
        """Read for ever; cancel to stop."""
        while True:
            self._woken.clear()
            with contextlib.suppress(Exception):
                await self.refresh()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait()):
                    await self._woken.wait()

    def _wait(self) -> float:
        moving = any(d.state in MOVING for r in self._reports.values() for d in r.downloads)
        return BUSY_EVERY if moving or time.monotonic() - self._watched < WATCHED_FOR else IDLE_EVERY

    def watch(self) -> None:
        """Somebody looks: read often for a while."""
        self._watched = time.monotonic()
        self._woken.set()

    def hint(self, instance: str, ref: str | None = None) -> None:
        """A downloader said that something changed."""
        self._woken.set()

    async def refresh(self) -> None:
        """Read every downloader once."""
        bindings = self._pool.bindings(Downloader)
        for gone in set(self._reports) - {b.instance for b in bindings}:
            del self._reports[gone]
        await asyncio.gather(*(self._read(binding) for binding in bindings))

    async def _read(self, binding: Any) -> None:
        answer: Answer[list[Download]] = await self._guard.call(binding, "downloads")
        before = self._reports.get(binding.instance)
        downloads, read_at = (before.downloads, before.read_at) if before else ((), None)
        if answer.outcome is Outcome.OK and answer.value is not None:
            downloads, read_at = tuple(answer.value), self._clock()
        self._reports[binding.instance] = DownloaderReport(
            instance=binding.instance,
            name=binding.name,
            outcome=answer.outcome,
            error=answer.error,
            downloads=downloads,
            read_at=read_at,
        )
        if before is None or before.downloads != downloads or before.outcome is not answer.outcome:
            self._bus.publish(DownloadsChanged(at=self._clock(), instance=binding.instance))

    def reports(self) -> list[DownloaderReport]:
        """The last reading of every downloader, in the order of the pool."""
        order = [b.instance for b in self._pool.bindings(Downloader)]
        return [self._reports[i] for i in order if i in self._reports]

    def figures(self, download_ids: Iterable[str]) -> Figures | None:
        """How these downloads move now; None when no downloader has any of them."""
        wanted = set(download_ids)
        if not wanted:
            return None
        found = [
            d
            for report in self._reports.values()
            for d in report.downloads
            if d.id in wanted or not wanted.isdisjoint(d.aliases)
        ]
        if not found:
            return None
        size, left = sum(d.size for d in found), sum(d.left for d in found)
        etas = [d.eta_seconds for d in found if d.eta_seconds is not None and d.left]
        return Figures(
            percent=100 * (size - left) / size if size else 0.0,
            size=size,
            left=left,
            speed=sum(d.down for d in found),
            eta_seconds=max(etas) if etas else None,
            complete=all(d.state is DownloadState.COMPLETE for d in found),
        )

    async def act(self, actor: User, instance: str, download_id: str, action: DownloadAction) -> None:
        """Do one thing to one download, and note who did. Raises `NotAllowed`, `Missing`, `SourceFailed`."""
        if not actor.may(Permission.MANAGE_DOWNLOADS):
            raise NotAllowed("Your account cannot steer downloads.")
        bindings = self._pool.bindings(Downloader, instance=instance)
        if not bindings:
            raise Missing("There is no such downloader.")
        answer = await self._guard.call(bindings[0], "act", download_id, action)
        if answer.outcome is Outcome.NOT_FOUND:
            raise Missing("The downloader no longer has this download.")
        if answer.outcome is not Outcome.OK:
            raise SourceFailed(f"{answer.name}: {answer.error}")
        now = self._clock()
        subject = next((d.name for r in self.reports() for d in r.downloads if d.id == download_id), download_id)
        after = {"instance": instance, "id": download_id}
        await self._db.write(lambda conn: note(conn, now, actor, f"download.{action}", subject, after=after))
        self.watch()
