"""qBittorrent as a downloader: its torrents, what can be done to them, new ones, and a hint when they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from vaderflix_core.api import (
    BadAnswer,
    Download,
    DownloadAction,
    DownloadState,
    Hint,
    HintScope,
    Instance,
    NewDownload,
    NotFound,
    Rejected,
    ServiceInfo,
    Volume,
)

from .client import QbittorrentClient
from .infohash import hashes_of, is_id
from .settings import QbittorrentSettings
from .wire import Added, Torrent, download_of

MOVING_STATES = frozenset({DownloadState.DOWNLOADING, DownloadState.CHECKING, DownloadState.MOVING})
SHORTEST = 1.0  # seconds between looks while something moves, however short the daemon's own interval is
APPEARANCE_LOOKS = 20
APPEARANCE_PAUSE = 0.05  # seconds
QUIET = 5.0  # seconds between looks while nothing does


class Qbittorrent:
    """Fills Downloader, Connectable, Storage and Live."""

    def __init__(self, instance: Instance[QbittorrentSettings]) -> None:
        self._client = instance.shared(QbittorrentClient)
        self._stirred = asyncio.Event()

    async def test(self) -> ServiceInfo:
        """Log in afresh and read the versions."""
        version, api = await self._client.versions()
        return ServiceInfo(product="qBittorrent", version=version, detail=f"Web API {api}")

    async def downloads(self) -> list[Download]:
        """All torrents; figures may be one refresh interval of the daemon (1.5 s by default) old."""
        return [download_of(torrent) for torrent in (await self._client.sync()).torrents]

    async def act(self, download_id: str, action: DownloadAction) -> None:
        """Do one thing to one torrent, named by its id or an alias. Raises `NotFound`."""
        torrent = await self._find(download_id.lower())
        if torrent is None:
            raise NotFound("qBittorrent has no such torrent.")
        client, chosen = self._client, torrent.hash
        if action is DownloadAction.PAUSE:
            await client.renamed("torrents/pause", "torrents/stop", hashes=chosen)
        elif action is DownloadAction.RESUME:
            await client.renamed("torrents/resume", "torrents/start", hashes=chosen)
        elif action is DownloadAction.RECHECK:
            await client.command("torrents/recheck", hashes=chosen)
        elif action is DownloadAction.FIRST:
            await client.command("torrents/topPrio", hashes=chosen)
        else:
            with_files = action is DownloadAction.DELETE_WITH_FILES
            await client.command("torrents/delete", hashes=chosen, deleteFiles=str(with_files).lower())
        self._stirred.set()

    async def _find(self, *names: str) -> Torrent | None:
        """The torrent of one of these ids or aliases."""
        if not names or not all(map(is_id, names)):
            raise Rejected("This is not the id of a torrent.")
        # the list of torrents is up to date at once, the synchronised one only after a refresh interval
        for torrent in await self._client.torrents(*names):
            if torrent.hash.lower() in names and is_id(torrent.hash):
                return torrent
        for torrent in (await self._client.sync()).torrents:
            if is_id(torrent.hash) and not {torrent.hash, *torrent.aliases}.isdisjoint(names):
                return torrent
        return None

    async def add(self, download: NewDownload) -> str:
        """Start a torrent, or find it; gives its infohash, also for a magnet whose content is not known yet.

        Raises `Rejected` for what is no torrent, and when qBittorrent does not take it.
        """
        names = hashes_of(download)
        there = await self._find(*names)
        if there is not None:
            return there.hash
        form = {"category": download.category} if download.category else {}
        if download.save_path:
            form |= {"savepath": download.save_path, "autoTMM": "false"}
        try:
            if download.torrent is not None:
                file = ("download.torrent", download.torrent, "application/x-bittorrent")
                response = await self._client.call("POST", "torrents/add", data=form, files={"torrents": file})
            else:
                response = await self._client.call("POST", "torrents/add", data={**form, "urls": download.magnet})
        except Rejected as error:
            refusal = error.message
        else:
            self._stirred.set()
            said = response.text.strip()
            if said == "Ok.":
                return await self._appeared(names)
            if said != "Fails.":
                added = self._client.decode(response, Added).added_torrent_ids
                known = len(added) == 1 and is_id(added[0].lower())
                return added[0].lower() if known else await self._appeared(names)
            refusal = "qBittorrent did not take this torrent. Its log may say why."
        # somebody else may have added it in the meantime: then all is well
        there = await self._find(*names)
        if there is None:
            raise Rejected(refusal)
        return there.hash

    async def _appeared(self, names: tuple[str, ...]) -> str:
        """The id of a torrent that was just taken: qBittorrent says yes a moment before it is in the list."""
        for _ in range(APPEARANCE_LOOKS):
            for torrent in await self._client.torrents(*names):
                return torrent.hash.lower()
            await asyncio.sleep(APPEARANCE_PAUSE)
        return names[0]

    async def volumes(self) -> list[Volume]:
        """The disk of the default save path; qBittorrent tells its free space only."""
        path = (await self._client.call("GET", "app/defaultSavePath")).text.strip()
        free = (await self._client.sync()).server.free_space_on_disk
        if free is None or not path or "\0" in path or "<" in path:
            raise BadAnswer("qBittorrent does not say how much space is free.")
        return [Volume(path=path, free=max(free, 0), label="Downloads")]

    async def hints(self) -> AsyncIterator[Hint]:
        """Says that the downloads changed: looked at every refresh interval while one moves, else every 5 s."""
        seen = await self._look()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause(seen)):
                    await self._stirred.wait()
            # before the look: what we do while it is under way must be looked at again
            self._stirred.clear()
            now = await self._look()
            if now != seen:
                seen = now
                yield Hint(scope=HintScope.DOWNLOADS)

    async def _look(self) -> tuple[float, frozenset[tuple[object, ...]]]:
        """The daemon's interval in seconds, and of each torrent what a person could see change."""
        snapshot = await self._client.sync()
        downloads = map(download_of, snapshot.torrents)
        visible = frozenset((d.id, d.name, d.state, d.progress, d.down, d.category, d.size) for d in downloads)
        return snapshot.server.refresh_interval / 1000, visible

    def _pause(self, seen: tuple[float, frozenset[tuple[object, ...]]]) -> float:
        interval, visible = seen
        if any(part[2] in MOVING_STATES for part in visible):
            return max(interval, SHORTEST)
        return QUIET
