"""Events between the parts of one process. Publishing never blocks or fails; a slow listener loses the oldest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from .api.events import Event

QUEUE = 256


class Subscription:
    """The events since it was opened, in order. `dropped` counts those that a full queue pushed out."""

    def __init__(self, kinds: tuple[type[Event], ...]) -> None:
        self.kinds = kinds
        self.dropped = 0
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)

    def offer(self, event: Event | None) -> None:
        """Take an event, or the end (None)."""
        while True:
            try:
                self._queue.put_nowait(event)
                return
            except asyncio.QueueFull:
                self._queue.get_nowait()
                self.dropped += 1

    async def next(self) -> Event | None:
        """The next event; None when the bus was closed."""
        return await self._queue.get()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[Event]:
        while (event := await self.next()) is not None:
            yield event


class Bus:
    """Typed publish and subscribe inside one process, on one event loop."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._closed = False
        self.carry: Callable[[Event], None] | None = None  # takes each event to the other processes, if there are any

    def publish(self, event: Event) -> None:
        """Hand the event to everyone who asked for its kind, in every process. Call it on the event loop."""
        self.deliver(event)
        if self.carry is not None:
            self.carry(event)

    def deliver(self, event: Event) -> None:
        """Hand the event to everyone in this process."""
        for subscription in tuple(self._subscriptions):
            if isinstance(event, subscription.kinds):
                subscription.offer(event)

    @asynccontextmanager
    async def subscribe(self, *kinds: type[Event]) -> AsyncIterator[Subscription]:
        """All events of these kinds (of any, when none is named) while the block lasts."""
        subscription = Subscription(kinds or (Event,))
        self._subscriptions.add(subscription)
        if self._closed:
            subscription.offer(None)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    @property
    def listeners(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)

    def close(self) -> None:
        """End every subscription, so that streams to pages finish and the server can stop."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            subscription.offer(None)
