"""Removals that no sweep may make by itself: those an admin has to agree to, and those of a removed service."""

from __future__ import annotations

from sqlalchemy import Connection

from ..store import library as store
from ..store import library_sweeps as sweeps
from ..store.database import Database
from .models import PendingRemoval


class Removals:
    """What waits, and what an admin decided."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def pending(self) -> list[PendingRemoval]:
        """Removals that wait for an admin."""

        def read(conn: Connection) -> list[PendingRemoval]:
            found = []
            for state in sweeps.everything(conn):
                if state.pending_marker is None:
                    continue
                gone = store.unseen(conn, state.instance, state.pending_marker)
                if gone:
                    found.append(
                        PendingRemoval(
                            instance=state.instance,
                            count=len(gone),
                            held=store.count_of(conn, state.instance),
                            examples=tuple(held.item.title for held in gone[:5]),
                        )
                    )
            return found

        return await self._db.read(read)

    async def confirm(self, instance: str) -> int:
        """Remove the titles that wait, an admin having agreed; gives how many. What is there after all comes back
        with the next sweep."""

        def write(conn: Connection) -> int:
            state = sweeps.get(conn, instance)
            if state.pending_marker is None:
                return 0
            removed = store.remove(conn, [h.id for h in store.unseen(conn, instance, state.pending_marker)])
            sweeps.pend(conn, instance, None)
            return removed

        return await self._db.write(write)

    async def forget(self, instance: str) -> int:
        """Drop everything of an instance that an admin removed; gives how many titles it had."""

        def write(conn: Connection) -> int:
            sweeps.forget(conn, instance)
            return store.remove_instance(conn, instance)

        return await self._db.write(write)
