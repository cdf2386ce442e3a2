"""Mirror media sources into the index. Absence is believed late: see `_conclude` and `_located_without`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from ..api.events import LibraryChanged
from ..api.models import Availability, ExternalIds, LibraryItem, LibraryPage, MediaKind
from ..api.roles import MediaSource
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Binding, Pool
from ..search.models import Held
from ..store import library as store
from ..store import library_sweeps as sweeps
from ..store.database import Database
from ..store.library import Upserted
from ..store.library_search import refresh_statistics
from .models import SyncReport

OVERLAP = timedelta(minutes=10)  # clocks differ, and sources date a change before they show it
SWEEP_EVERY = timedelta(hours=6)
PAGE_TIMEOUT = 60.0
SHARE, AT_LEAST = 0.05, 5  # of a library, how much may vanish without asking; of a small one, how many titles
TOGETHER = 4
FEW = 50  # series in a list of changes that are all read again; a longer list is everything, not what changed
MANY = 500  # changes after which the database looks at its tables anew


class Sync:
    """Keeps the index like its sources. One sync of an instance runs at a time; a second waits for it."""

    def __init__(
        self,
        db: Database,
        pool: Pool,
        guard: Guard,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[LibraryChanged], None],
    ) -> None:
        self._db = db
        self._pool = pool
        self._guard = guard
        self._clock = clock
        self._on_change = on_change
        self._begun: dict[str, datetime] = {}  # when the newest sweep of an instance began here
        self._locks: dict[str, asyncio.Lock] = {}
        self._log = structlog.get_logger("vaderflix.library")

    async def keep_up(self, instance: str) -> SyncReport:
        """Sweep when the last complete sweep is old, or none was yet; read the changes otherwise."""
        state = await self._db.read(lambda conn: sweeps.get(conn, instance))
        newest = max((at for at in (state.swept_at, self._begun.get(instance)) if at is not None), default=None)
        if newest is None or self._clock() - newest >= SWEEP_EVERY:
            return await self.sweep(instance)
        return await self.changes(instance)

    async def sweep(self, instance: str) -> SyncReport:
        """Read everything an instance holds. Titles that it no longer has are removed when the source is sure."""
        async with self._locks.setdefault(instance, asyncio.Lock()):
            binding = self._source(instance)
            if binding is None:
                return SyncReport(instance=instance, complete=False, error="The service is not running.")
            report = await self._sweep(binding)
        self._tell(report)
        return report

    async def changes(self, instance: str) -> SyncReport:
        """Read what changed since last time; everything, when there was no last time. Never removes."""
        state = await self._db.read(lambda conn: sweeps.get(conn, instance))
        if state.changes_at is None:
            return await self.sweep(instance)
        async with self._locks.setdefault(instance, asyncio.Lock()):
            binding = self._source(instance)
            if binding is None:
                return SyncReport(instance=instance, complete=False, error="The service is not running.")
            started, since = self._clock(), state.changes_at - OVERLAP
            answer: Answer[list[LibraryItem]] = await self._guard.call(binding, "changes", since, timeout=PAGE_TIMEOUT)
            if answer.value is None:
                return SyncReport(instance=instance, complete=False, error=answer.error)
            done = await self._upsert(binding, answer.value, state.marker)
            # an episode more changes nothing in what a list says of its series
            series = {item.key for item in answer.value if item.kind is MediaKind.SERIES}
            if len(series) > FEW:
                series = {item.key for item in answer.value if item.key in series and _since(item, since)}
            read = await self._read_series(binding, done.series | series, state.marker)
            await self._db.write(lambda conn: sweeps.changes_read(conn, instance, started))
        report = SyncReport(
            instance=instance,
            complete=True,
            received=len(answer.value),
            added=done.added,
            changed=done.changed or (0 if done.added else read.changed),
        )
        self._tell(report)
        return report

    async def refresh_item(self, instance: str, key: str) -> None:
        """Read one title again; it is removed when the source says twice, in two ways, that it is gone."""
        binding = self._source(instance)
        if binding is None:
            return
        answer: Answer[LibraryItem] = await self._guard.call(binding, "item", key)
        removed, done = 0, Upserted()
        if answer.value is not None:
            done = await self._upsert(binding, [answer.value], await self._marker(instance))
        elif answer.outcome is Outcome.NOT_FOUND:
            held = await self._db.read(lambda conn: store.by_key(conn, instance, key))
            if held is not None and await self._located_without(binding, held):
                removed = await self._remove([held])
        self._tell(_report(instance, done, removed))

    async def refresh_ids(self, kind: MediaKind, ids: ExternalIds) -> None:
        """Ask every source for one title, and take what they hold of it into the index."""
        bindings = self._pool.bindings(MediaSource)
        await asyncio.gather(*(self._refresh_ids(binding, kind, ids) for binding in bindings))

    async def _sweep(self, binding: Binding) -> SyncReport:
        instance, started = binding.instance, self._clock()
        self._begun[instance] = started
        marker = await self._db.write(lambda conn: sweeps.begin(conn, instance))
        keys: set[str] = set()
        totals: set[int | None] = set()
        done, error = Upserted(), ""
        cursor: str | None = None
        asked: set[str | None] = set()
        while not error:
            asked.add(cursor)
            answer: Answer[LibraryPage] = await self._guard.call(binding, "browse", cursor, timeout=PAGE_TIMEOUT)
            if answer.value is None:
                error = answer.error or f"The service did not answer ({answer.outcome})."
                break
            page = answer.value
            done += await self._upsert(binding, page.items, marker)
            keys.update(item.key for item in page.items)
            totals.add(page.total)
            cursor = page.next
            if cursor is None:
                break
            if cursor in asked:
                error = "The service sent the same page twice."
        await self._read_series(binding, done.series, marker)
        report = SyncReport(
            instance=instance, complete=False, received=len(keys), added=done.added, changed=done.changed, error=error
        )
        if error:
            await self._db.write(lambda conn: sweeps.failed(conn, instance, error))
            return report
        return await self._conclude(binding, marker, started, totals, report)

    async def _conclude(
        self, binding: Binding, marker: int, started: datetime, totals: set[int | None], report: SyncReport
    ) -> SyncReport:
        """Every page came. Remove what was not among them only if the source's own count agrees, it is little, and
        the source, asked for each, says that it is not there."""
        instance = binding.instance
        gone = await self._db.read(lambda conn: store.unseen(conn, instance, marker))
        held = await self._db.read(lambda conn: store.count_of(conn, instance))
        total = next(iter(totals)) if len(totals) == 1 else None
        complete, removed, pending, error = True, 0, 0, ""
        if len(totals) > 1:
            complete, error = False, "The library changed while it was read; nothing was removed."
        elif total is not None and report.received < total:
            complete, error = False, f"{report.received} of {total} titles came; nothing was removed."
        elif gone and total is None:
            error = f"{len(gone)} titles did not come, but the service gives no count; nothing was removed."
        elif gone and (not report.received or len(gone) > max(AT_LEAST, SHARE * held)):
            pending = len(gone)
            error = f"{pending} of {held} titles are gone at once; nothing is removed until an admin agrees."
        elif gone:
            removed = await self._remove_verified(binding, gone, marker)

        def write(conn: Connection) -> None:
            sweeps.finished(conn, instance, started, complete=complete, error=error)
            if report.added + report.changed >= MANY:
                refresh_statistics(conn)
            if complete:
                sweeps.pend(conn, instance, marker if pending else None)

        await self._db.write(write)
        return replace(report, complete=complete, total=total, removed=removed, pending=pending, error=error)

    async def _remove_verified(self, binding: Binding, gone: Sequence[Held], marker: int) -> int:
        """A sweep through pages that shift while they are read can miss a title that is there: ask for each."""
        removed: list[Held] = []
        for held in gone:
            answer: Answer[LibraryItem] = await self._guard.call(binding, "item", held.item.key)
            if answer.value is not None:
                await self._upsert(binding, [answer.value], marker)
            elif answer.outcome is Outcome.NOT_FOUND:
                removed.append(held)
        return await self._remove(removed)

    async def _located_without(self, binding: Binding, held: Held) -> bool:
        """Whether the source, asked for the title by its ids, answers without the copy that it could not find."""
        if not any(held.item.ids.pairs()):
            return False
        answer: Answer[Availability] = await self._guard.call(binding, "locate", held.item.kind, held.item.ids)
        return answer.value is not None and held.item.key not in {item.key for item in answer.value.items}

    async def _refresh_ids(self, binding: Binding, kind: MediaKind, ids: ExternalIds) -> None:
        answer: Answer[Availability] = await self._guard.call(binding, "locate", kind, ids)
        if answer.value is None:
            return
        items = list(answer.value.items)
        if len(items) == 1 and not items[0].seasons:
            items = [replace(items[0], seasons=answer.value.seasons)]
        done = await self._upsert(binding, items, await self._marker(binding.instance))
        present = {item.key for item in items}
        removed: list[Held] = []
        for held in await self._db.read(lambda conn: store.find(conn, kind, ids)):
            if held.instance == binding.instance and held.item.key not in present:
                asked: Answer[LibraryItem] = await self._guard.call(binding, "item", held.item.key)
                if asked.outcome is Outcome.NOT_FOUND:
                    removed.append(held)
        self._tell(_report(binding.instance, done, await self._remove(removed)))

    async def _read_series(self, binding: Binding, keys: Iterable[str], marker: int) -> Upserted:
        """Read series in full: pages and lists of changes need not hold their seasons."""
        at_once = asyncio.Semaphore(TOGETHER)

        async def read(key: str) -> LibraryItem | None:
            async with at_once:
                answer: Answer[LibraryItem] = await self._guard.call(binding, "item", key)
                return answer.value

        items = await asyncio.gather(*(read(key) for key in sorted(keys)))
        return await self._upsert(binding, [item for item in items if item is not None], marker)

    async def _upsert(self, binding: Binding, items: Sequence[LibraryItem], marker: int) -> Upserted:
        if not items:
            return Upserted()
        return await self._db.write(lambda conn: store.upsert(conn, binding.instance, items, marker))

    async def _remove(self, held: Sequence[Held]) -> int:
        if not held:
            return 0
        removed = await self._db.write(lambda conn: store.remove(conn, [each.id for each in held]))
        self._log.info("titles_removed", instance=held[0].instance, titles=[each.item.title for each in held][:20])
        return removed

    async def _marker(self, instance: str) -> int:
        return (await self._db.read(lambda conn: sweeps.get(conn, instance))).marker

    def _source(self, instance: str) -> Binding | None:
        return next(iter(self._pool.bindings(MediaSource, instance=instance)), None)

    def _tell(self, report: SyncReport) -> None:
        if report.added or report.changed or report.removed:
            self._on_change(
                LibraryChanged(
                    at=self._clock(),
                    instance=report.instance,
                    added=report.added,
                    changed=report.changed,
                    removed=report.removed,
                )
            )


def _since(item: LibraryItem, since: datetime) -> bool:
    return any(at is not None and at >= since for at in (item.added_at, item.updated_at))


def _report(instance: str, done: Upserted, removed: int) -> SyncReport:
    return SyncReport(instance=instance, complete=True, added=done.added, changed=done.changed, removed=removed)
