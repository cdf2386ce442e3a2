"""How the products speak to qBittorrent's Web API (4.5 to 5.x): log in, category, add, list, delete."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import httpx

from vaderflix_core.testing import Release

from .http import Row


class ClientError(Exception):
    """The download client did not do what it should. `reason` is "down", "auth" or "refused"."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TorrentClient(Protocol):
    """What a simulator needs of a download client; tests put their own in its place."""

    async def test(self) -> None:
        """Reach it and log in; ClientError says why not."""

    async def torrents(self, category: str) -> list[Row]:
        """All torrents of a category as torrents/info lists them."""

    async def add(self, release: Release, category: str) -> None:
        """Add a release; ClientError when it is refused, e.g. because it is there already."""

    async def delete(self, infohash: str) -> None:
        """Remove a torrent and its files."""

    async def close(self) -> None:
        """Let go of connections."""


class QBittorrent:
    """A client of one qBittorrent. `address` is host:port for messages."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.username, self.password = username, password
        self.address = url.split("://", 1)[-1].rstrip("/")
        self._http = httpx.AsyncClient(base_url=url.rstrip("/"), timeout=20, trust_env=False)
        self._login = asyncio.Lock()
        self._inside = False

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def test(self) -> None:
        """Log in afresh."""
        self._inside = False
        await self._call("GET", "app/webapiVersion")

    async def torrents(self, category: str) -> list[Row]:
        """All torrents of a category."""
        answer = await self._call("GET", "torrents/info", params={"category": category})
        try:
            rows: list[Row] = answer.json()
        except ValueError as error:
            raise ClientError("refused", "qBittorrent answered with something that is no JSON") from error
        return rows

    async def add(self, release: Release, category: str) -> None:
        """Add the .torrent file; the category is made if it is not there."""
        await self._call("POST", "torrents/createCategory", data={"category": category, "savePath": ""}, ok=(409,))
        files = {"torrents": (f"{release.name}.torrent", release.torrent, "application/x-bittorrent")}
        data = {"category": category, "paused": "false", "stopped": "false"}
        answer = await self._call("POST", "torrents/add", data=data, files=files, ok=(409, 415))
        if answer.status_code >= 400 or answer.text.strip() == "Fails.":
            raise ClientError("refused", "qBittorrent did not take the torrent")

    async def delete(self, infohash: str) -> None:
        """Remove a torrent and its files."""
        await self._call("POST", "torrents/delete", data={"hashes": infohash.lower(), "deleteFiles": "true"})

    async def _enter(self) -> None:
        async with self._login:
            if self._inside:
                return
            form = {"username": self.username, "password": self.password}
            answer = await self._send("POST", "auth/login", data=form)
            if answer.status_code >= 400 or answer.text.strip() == "Fails.":
                raise ClientError("auth", "Authentication Failure")
            self._inside = True

    async def _call(self, method: str, path: str, ok: tuple[int, ...] = (), **more: Any) -> httpx.Response:
        await self._enter()
        answer = await self._send(method, path, **more)
        if answer.status_code == 403:
            self._inside = False
            await self._enter()
            answer = await self._send(method, path, **more)
        if answer.status_code >= 400 and answer.status_code not in ok:
            raise ClientError("refused", f"qBittorrent answered {answer.status_code}")
        return answer

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self._http.request(method, f"/api/v2/{path}", **more)
        except httpx.HTTPError as error:
            self._inside = False
            raise ClientError("down", f"Connection refused ({self.address})") from error


# qBittorrent's states as the products map them (reference arr-qbt.md, section 5)
_STATES = {
    "downloading": {"downloading", "forcedDL", "moving"},
    "queued": {"metaDL", "forcedMetaDL", "queuedDL", "checkingDL", "checkingUP", "checkingResumeData", "allocating"},
    "paused": {"pausedDL", "stoppedDL"},
    "completed": {"uploading", "stalledUP", "queuedUP", "forcedUP", "pausedUP", "stoppedUP"},
    "warning": {"error", "missingFiles", "stalledDL"},
}


def status_of(torrent: Row) -> tuple[str, str | None]:
    """Status and error message of a torrent as they show it in their queue."""
    state = torrent["state"]
    status = next((name for name, states in _STATES.items() if state in states), "unknown")
    if state == "stalledDL":
        return status, "The download is stalled with no connections"
    if status == "warning":
        return status, "qBittorrent is reporting an error"
    if status == "completed" and torrent.get("content_path") == torrent.get("save_path"):
        return "warning", "Unable to import, the content path is the save path"
    return status, None
