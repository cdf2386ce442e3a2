"""A stand-in for qBittorrent: its Web API over torrents that download by themselves, for the demo and for tests.

The bytes of a torrent come from the world's swarm folder, `<media>/../swarm/<infohash>`, where whoever grabs a release
puts them. A torrent nobody shares stays stalled. Figures are live; the daemon's may be one refresh interval old.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from vaderflix_core.api import Peer
from vaderflix_core.testing import Faults, Refusal

from . import calls_add, calls_app, calls_change, calls_read
from .dialects import DIALECTS
from .http import JSON, TEXT, WebApi
from .world import World

__all__ = ["QbittorrentSimulator", "World"]

TICK = 0.2  # seconds between moves while nobody asks
WORDS = {401: b"Unauthorized", 429: b"Too Many Requests", 500: b"Internal Server Error"}
NOTHING: dict[str, bytes] = {
    "sync/maindata": b'{"full_update":true,"rid":1}',
    "sync/torrentPeers": b'{"full_update":true,"peers":{},"rid":1}',
    "torrents/info": b"[]",
    "torrents/files": b"[]",
    "torrents/trackers": b"[]",
    "torrents/tags": b"[]",
    "torrents/categories": b"{}",
    "app/preferences": b"{}",
    "transfer/info": b"{}",
}


class _Wording:
    """qBittorrent's refusals and its empty answers."""

    def refusal(self, status: int) -> Refusal:
        """One line of plain text."""
        return Refusal(status=status, content_type=TEXT, body=WORDS[status])

    def empty(self, method: str, path: str) -> Refusal:
        """A list without entries, a map without keys, a text without words; a login is accepted without a session."""
        name = path.removeprefix("/api/v2/")
        if name == "auth/login":
            return Refusal(status=200, content_type=TEXT, body=b"Ok.")
        if name in NOTHING:
            return Refusal(status=200, content_type=JSON, body=NOTHING[name])
        return Refusal(status=200, content_type=TEXT, body=b"")


class QbittorrentSimulator:
    """One simulated daemon with its files in `folder`.

    `dialect` is "4.5.2", "5.1" or "5.2" and may be changed while it runs, as an update would. `seconds_per_download`
    is how long a torrent takes that is not limited; `faults` are the switches of failure.
    """

    def __init__(self, folder: Path, media: Path) -> None:
        self._dialect = "4.5.2"
        self.credentials = {"username": "admin", "password": "simulated downloads"}
        self.world = World(folder, media.parent / "swarm", DIALECTS[self._dialect])
        routes = {**calls_app.ROUTES, **calls_read.ROUTES, **calls_add.ROUTES, **calls_change.ROUTES}
        self.web = WebApi(self.world, routes, self.credentials)
        self.faults = Faults(self.web, _Wording())
        self.app = self.faults
        self._ticking: asyncio.Task[None] | None = None

    @property
    def dialect(self) -> str:
        """The version it speaks as."""
        return self._dialect

    @dialect.setter
    def dialect(self, name: str) -> None:
        self._dialect = name
        self.world.dialect = DIALECTS[name]

    @property
    def seconds_per_download(self) -> float:
        """How long a torrent takes."""
        return self.world.seconds_per_download

    @seconds_per_download.setter
    def seconds_per_download(self, seconds: float) -> None:
        self.world.seconds_per_download = seconds

    def settings(self, url: str) -> dict[str, Any]:
        """The settings of an instance that speaks to this simulator at `url`."""
        return {"url": url, **self.credentials}

    def expire_sessions(self) -> None:
        """End all sessions, as a restart does."""
        self.web.sessions.clear()

    async def start(self, url: str, peers: list[Peer]) -> None:
        """Let torrents move while nobody asks. It needs no peers: others call it."""
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self.world.advance()
            await asyncio.sleep(TICK)

    async def stop(self) -> None:
        """Stand still, and write down how far everything is."""
        task, self._ticking = self._ticking, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.world.save()
