"""The library as the rest of the product sees it: searched in milliseconds, kept like its sources in the background."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection

from ..api.events import LibraryChanged
from ..api.models import ExternalIds, MediaKind
from ..api.roles import MediaSource
from ..plugins.guard import Guard
from ..plugins.pool import Pool
from ..search.matching import Match, parse
from ..search.models import Held
from ..store import library as store
from ..store import library_sweeps as sweeps
from ..store.database import Database
from .models import PendingRemoval, SyncReport
from .removals import Removals
from .sync import Sync


class Library:
    """The index of all titles that media sources hold. Reading it never calls a source.

    `expected` gives the ids of the instances that should be media sources, running or not; without it those that run
    count. While one of them has never been read in full, nobody can say that a title is absent.
    """

    def __init__(
        self,
        db: Database,
        pool: Pool,
        guard: Guard,
        clock: Callable[[], datetime],
        *,
        on_change: Callable[[LibraryChanged], None] = lambda event: None,
        expected: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self._db = db
        self._pool = pool
        self._expected = expected
        self._clock = clock
        self._on_change = on_change
        self._removals = Removals(db)
        self._sync = Sync(db, pool, guard, clock=clock, on_change=on_change)

    async def search(self, query: str, *, limit: int = 20, kind: MediaKind | None = None) -> list[Held]:
        """Titles that match what was typed so far, best first; none for a blank query."""
        return [held for held, _ in await self.ranked(query, limit=limit, kind=kind)]

    async def ranked(self, query: str, *, limit: int = 20, kind: MediaKind | None = None) -> list[tuple[Held, Match]]:
        """The same, with how well each matches."""
        parsed = parse(query)
        if parsed.blank:
            return []
        return await self._db.read(lambda conn: store.search(conn, parsed, kind, limit))

    async def find(self, kind: MediaKind, ids: ExternalIds) -> list[Held]:
        """All copies of a title, joined by any shared id."""
        return await self.find_any([(kind, ids)])

    async def find_any(self, titles: Iterable[tuple[MediaKind, ExternalIds]]) -> list[Held]:
        """All copies of any of these titles, each once."""
        wanted = list(titles)
        return await self._db.read(lambda conn: store.find_any(conn, wanted)) if wanted else []

    async def get(self, item_id: int) -> Held | None:
        """One item by our own id."""
        return await self._db.read(lambda conn: store.get(conn, item_id))

    async def by_key(self, instance: str, key: str) -> Held | None:
        """One item by its source's key."""
        return await self._db.read(lambda conn: store.by_key(conn, instance, key))

    async def recent(self, limit: int = 20) -> list[Held]:
        """The newest titles, newest first."""
        return await self._db.read(lambda conn: store.recent(conn, limit))

    async def browse(self, kind: MediaKind, offset: int = 0, limit: int = 50) -> tuple[list[Held], int]:
        """A page of one kind in alphabetical order, and how many there are in all."""
        return await self._db.read(lambda conn: store.browse(conn, kind, offset, limit))

    async def count(self) -> dict[MediaKind, int]:
        """How many titles of each kind there are, copies counted."""
        return await self._db.read(store.count)

    async def complete(self) -> bool:
        """Whether every media source was read in full at least once, so that what is not here is absent."""
        running = {binding.instance for binding in self._pool.bindings(MediaSource)}
        instances = running | set(self._expected() if self._expected else ())

        def read(conn: Connection) -> bool:
            return sweeps.all_swept(conn, instances)

        return not instances or await self._db.read(read)

    async def sweeps(self) -> list[sweeps.SweepState]:
        """How far the mirroring of each source is, for admins."""
        return await self._db.read(sweeps.everything)

    async def sweep(self, instance: str) -> SyncReport:
        """Read everything an instance holds. Titles that it no longer has are removed when the source is sure."""
        return await self._sync.sweep(instance)

    async def sync_changes(self, instance: str) -> SyncReport:
        """Read what changed since last time (everything, the first time). Never removes."""
        return await self._sync.changes(instance)

    async def keep_up(self, instance: str) -> SyncReport:
        """Bring an instance's titles up to date: its changes, and from time to time everything, because only that
        shows what is gone."""
        return await self._sync.keep_up(instance)

    async def refresh_item(self, instance: str, key: str) -> None:
        """Read one title again, after a hint."""
        await self._sync.refresh_item(instance, key)

    async def refresh_ids(self, kind: MediaKind, ids: ExternalIds) -> None:
        """Ask every source for one title, after an import."""
        await self._sync.refresh_ids(kind, ids)

    async def pending_removals(self) -> list[PendingRemoval]:
        """Removals too large to believe without an admin."""
        return await self._removals.pending()

    async def confirm_removals(self, instance: str) -> int:
        """An admin agrees to a pending removal; gives how many titles were removed."""
        return self._told(instance, await self._removals.confirm(instance))

    async def forget(self, instance: str) -> int:
        """Drop everything of an instance that an admin removed; gives how many titles it had."""
        return self._told(instance, await self._removals.forget(instance))

    async def rebuild_search(self) -> int:
        """Make the search index anew from the items; gives how many there are."""
        return await self._db.write(store.rebuild_search)

    def _told(self, instance: str, removed: int) -> int:
        if removed:
            self._on_change(LibraryChanged(at=self._clock(), instance=instance, removed=removed))
        return removed
