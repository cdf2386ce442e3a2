"""Live notifications: published once, streamed to everyone who listens, from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from .state import Item, Section

PING = 10.0  # seconds


class Events:
    """The server's notifications as an event stream."""

    def __init__(self) -> None:
        self.as_lists = False  # send what the web socket sends: a container and lists
        self._listeners: set[asyncio.Queue[tuple[str, str, dict[str, Any]] | None]] = set()

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def publish(self, type: str, name: str, payload: dict[str, Any]) -> None:
        """Send one notification to all who listen."""
        for queue in self._listeners:
            queue.put_nowait((type, name, payload))

    def drop(self) -> None:
        """End all streams, as a server does that restarts."""
        for queue in self._listeners:
            queue.put_nowait(None)

    def timeline(self, item: Item, kind: int, state: int) -> None:
        """That an item was made (0), is worked on (1 to 4), is ready (5) or gone (9)."""
        entry: dict[str, Any] = {
            "identifier": "com.plexapp.plugins.library",
            "sectionID": item.section.key,
            "itemID": str(item.key),
            "type": kind,
            "title": item.title,
            "state": state,
            "updatedAt": item.updated_at,
        }
        if item.parent is not None:
            entry |= {"parentItemID": str(item.parent.key), "rootItemID": str(item.show.key)}
        if state == 9:
            entry["metadataState"] = "deleted"
        self.publish("timeline", "TimelineEntry", entry)

    def activity(self, event: str, name: str, section: Section, progress: int) -> None:
        """That a scan began or ended."""
        activity = {
            "uuid": name,
            "type": "library.update.section",
            "cancellable": True,
            "userID": 1,
            "title": f"Scanning {section.title}",
            "subtitle": "",
            "progress": progress,
            "Context": {"librarySectionID": section.key},
        }
        payload = {"event": event, "uuid": name, "Activity": activity}
        self.publish("activity", "ActivityNotification", payload)

    def status(self, title: str) -> None:
        """A message of the server's own."""
        payload = {"title": title, "description": title, "notificationName": "LIBRARY_UPDATE"}
        self.publish("status", "StatusNotification", payload)

    def _frame(self, type: str, name: str, payload: dict[str, Any]) -> bytes:
        data: dict[str, Any] = {name: payload}
        if self.as_lists:
            data = {"NotificationContainer": {"type": type, "size": "1", name: [payload]}}
        return b"event: %s\ndata: %s\n\n" % (type.encode(), msgspec.json.encode(data))

    async def stream(self, types: set[str]) -> AsyncIterator[bytes]:
        """Frames of the chosen types (all when none is chosen), with pings between."""
        queue: asyncio.Queue[tuple[str, str, dict[str, Any]] | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield b"event: ping\ndata: {}\n\n"
            while True:
                try:
                    async with asyncio.timeout(PING):
                        message = await queue.get()
                except TimeoutError:
                    yield b"event: ping\ndata: {}\n\n"
                    continue
                if message is None:
                    return
                if not types or message[0] in types:
                    yield self._frame(*message)
        finally:
            self._listeners.discard(queue)
