"""Ask every provider of a role at once; each one's outcome is kept beside the others', never merged away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from .answers import Answer
from .guard import Guard
from .pool import Binding, Pool


class _Flight:
    """One call under way and how many wait for it."""

    def __init__(self, task: asyncio.Task[Answer[Any]]) -> None:
        self.task = task
        self.waiting = 0


class Fanout:
    """Walks the pool. Equal calls that overlap (same provider, method and arguments) are made once."""

    def __init__(self, pool: Pool, guard: Guard) -> None:
        self._pool = pool
        self._guard = guard
        self._flights: dict[Any, _Flight] = {}

    async def one(self, binding: Binding, method: str, *args: Any, timeout: float | None = None) -> Answer[Any]:
        """One provider's answer."""
        return await self._join(binding, method, args, timeout)

    async def all(
        self, role: str | type, method: str, *args: Any, timeout: float | None = None, instance: str | None = None
    ) -> list[Answer[Any]]:
        """Every provider's answer, in the order of the pool. Takes as long as the slowest, `timeout` at most."""
        bindings = self._pool.bindings(role, instance=instance)
        return list(await asyncio.gather(*(self._join(b, method, args, timeout) for b in bindings)))

    async def stream(
        self, role: str | type, method: str, *args: Any, timeout: float | None = None, instance: str | None = None
    ) -> AsyncIterator[tuple[Binding, Answer[Any]]]:
        """Every provider's answer the moment it comes. Calls that nobody waits for any more are cancelled."""
        tasks = {
            asyncio.create_task(self._join(binding, method, args, timeout)): binding
            for binding in self._pool.bindings(role, instance=instance)
        }
        pending = set(tasks)
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield tasks[task], task.result()
        finally:
            for task in pending:
                task.cancel()

    async def _join(self, binding: Binding, method: str, args: tuple[Any, ...], timeout: float | None) -> Answer[Any]:
        """Wait for the one call that serves all who ask the same, making it when there is none."""
        key = (binding, method, args, timeout)
        if not _hashable(key):
            return await self._guard.call(binding, method, *args, timeout=timeout)
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(self._guard.call(binding, method, *args, timeout=timeout))
            flight = self._flights[key] = _Flight(task)
            task.add_done_callback(lambda _: self._flights.pop(key, None))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()


def _hashable(key: Any) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
