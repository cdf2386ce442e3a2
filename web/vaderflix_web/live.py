"""Streams to open pages: server-sent events with a heartbeat, ended at shutdown and once their session has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

from anyio import CancelScope
from litestar import Request
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from vaderflix_core.bus import Subscription

from .auth import still_here

HEARTBEAT = 15.0  # seconds; proxies close what is silent for longer
LONGEST = 600.0  # the browser comes back by itself
LOOK = 2.0  # seconds between two looks at who is there; with what `Sessions` remembers, an end is felt within five
HEADERS = {"Cache-Control": "no-store"}

Event = tuple[str, str]


def event_stream(request: Request[Any, Any, Any], events: AsyncIterator[Event]) -> ServerSentEvent:
    """An answer that hands on (event, data) as they come, for as long as the person may hear them."""
    return ServerSentEvent(_beating(request, events), headers=HEADERS)


async def _beating(
    request: Request[Any, Any, Any], events: AsyncIterator[Event]
) -> AsyncIterator[ServerSentEventMessage]:
    ends, look, beat = monotonic() + LONGEST, monotonic() + LOOK, monotonic() + HEARTBEAT
    upcoming: asyncio.Future[Event] | None = None
    yield ServerSentEventMessage(comment="here", data=None)
    try:
        while monotonic() < ends:
            if monotonic() >= look:
                if not await still_here(request):
                    return
                look = monotonic() + LOOK
            if upcoming is None:
                upcoming = asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({upcoming}, timeout=max(look - monotonic(), 0))
            if not done:
                if monotonic() >= beat:
                    yield ServerSentEventMessage(comment="beat", data=None)
                    beat = monotonic() + HEARTBEAT
                continue
            try:
                name, data = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = None
            yield ServerSentEventMessage(event=name, data=data or " ")  # an empty data line is not an event
    finally:
        # the client may be gone: what follows must run although this task is being cancelled
        with CancelScope(shield=True):
            if upcoming is not None:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()


class Changes:
    """Remembers what a page shows, so that only parts that differ are sent."""

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}

    def of(self, parts: dict[str, str]) -> list[Event]:
        """The parts that differ from what was sent last."""
        fresh = [(name, html) for name, html in parts.items() if self._sent.get(name) != html]
        self._sent.update(parts)
        return fresh


async def batches(subscription: Subscription, pause: float = 0.3) -> AsyncIterator[list[object]]:
    """An empty batch at once, then the bus's events in batches: many changes in a moment are one new picture."""
    yield []
    while (first := await subscription.next()) is not None:
        batch: list[object] = [first]
        ends = monotonic() + pause
        while (left := ends - monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    event = await subscription.next()
            except TimeoutError:
                break
            if event is None:
                return
            batch.append(event)
        yield batch
