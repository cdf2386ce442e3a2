"""Work that one process does for all: whoever holds the lease does it, and another takes over when that one is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from .store import leases as store
from .store.database import Database

log = structlog.get_logger("lease")

LENGTH = timedelta(seconds=15)
RENEW_EVERY = 5.0


class Lease:
    """A lease by name. `begin` starts the work when it is won; its tasks are cancelled when it is lost."""

    def __init__(self, db: Database, name: str, owner: str, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._name = name
        self._owner = owner
        self._clock = clock

    async def run(self, begin: Callable[[], Sequence[asyncio.Task[None]]]) -> None:
        """Compete for ever; cancel to stop."""
        tasks: Sequence[asyncio.Task[None]] = ()
        good_until = self._clock()
        try:
            while True:
                now = self._clock()
                try:
                    held = await self._db.write(lambda conn: self._take(conn))
                    good_until = now + LENGTH if held else now
                except Exception as error:  # noqa: BLE001 - without the database nobody can take the lease away either
                    log.warning("the lease could not be renewed", lease=self._name, error=str(error))
                    held = self._clock() < good_until
                if held and not tasks:
                    log.info("lease taken", lease=self._name)
                    tasks = begin()
                elif not held and tasks:
                    log.warning("lease lost", lease=self._name)
                    await _end(tasks)
                    tasks = ()
                await asyncio.sleep(RENEW_EVERY)
        finally:
            await _end(tasks)
            await self._give_back()

    def _take(self, conn: Connection) -> bool:
        now = self._clock()
        return store.take(conn, self._name, self._owner, now, now + LENGTH)

    async def _give_back(self) -> None:
        try:
            await self._db.write(lambda conn: store.give_back(conn, self._name, self._owner))
        except Exception as error:  # noqa: BLE001 - it ends by itself
            log.warning("the lease could not be given back", lease=self._name, error=str(error))


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
