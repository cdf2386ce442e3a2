"""Tracked downloads: the client's torrents joined with what was grabbed, and the way to the import."""

from __future__ import annotations

import asyncio
import time
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .http import Row
from .quality import UNKNOWN_LANGUAGE
from .releases import INDEXER, age_of
from .store import span, stamp
from .torrents import ClientError, status_of

if TYPE_CHECKING:
    from .engine import ArrSimulator

FOREVER = 8640000  # qBittorrent's "no end in sight"
VIDEO = {".mp4", ".mkv", ".avi", ".m4v", ".mov", ".ts", ".webm"}
DONE = ("imported", "failed", "ignored", "gone")


class Downloads:
    """The queue as it was at the last refresh.

    Numbers in it are as old as `refresh_seconds` (60, as the real ones') or the last RefreshMonitoredDownloads; a
    change of state is seen within a tick, so that a demo moves.
    """

    refresh_seconds = 60.0

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim
        self.rows: list[Row] = []
        self.trouble = ""  # why the client cannot be reached; empty when it can
        self._states: dict[str, str] = {}
        self._refreshed = 0.0
        self._counts: Row = {}
        self._lock = asyncio.Lock()

    def soon(self) -> None:
        """Let the next tick refresh the queue: something was grabbed, imported or removed."""
        self._refreshed = 0.0

    async def tick(self) -> None:
        """Look at the client; refresh the queue when a state changed or its time has come."""
        torrents = await self._look()
        states = {torrent["hash"]: self._state_of(torrent) for torrent in torrents}
        if states != self._states or time.monotonic() - self._refreshed >= self.refresh_seconds:
            await self.refresh()

    async def refresh(self) -> None:
        """Read the client, move each download on, and publish the queue."""
        async with self._lock:
            torrents = await self._look()
            self._states = {torrent["hash"]: self._state_of(torrent) for torrent in torrents}
            self._lose({torrent["hash"].upper() for torrent in torrents})
            for torrent in torrents:
                await self._advance(torrent)
            self.rows = [row for torrent in torrents for row in self._rows(torrent)]
            self._refreshed = time.monotonic()
            self.sim.hub.sync("queue", "queue/details")
            counts = self.counts()
            if counts != self._counts:
                self._counts = counts
                self.sim.hub.send("queue/status", "updated", counts)

    async def torrents(self) -> list[Row]:
        """The client's torrents now; empty when it cannot be reached."""
        return await self._look()

    async def _look(self) -> list[Row]:
        client = self.sim.client
        if client is None:
            self.trouble = ""
            return []
        try:
            torrents = await self.sim.reached(client.torrents(self.sim.category))
        except ClientError as error:
            self.trouble = str(error)
            return []
        self.trouble = ""
        return sorted(torrents, key=lambda torrent: (torrent.get("added_on", 0), torrent["hash"]))

    def grab_of(self, torrent: Row) -> Row | None:
        """What was grabbed as this torrent; hybrid torrents are known by either hash."""
        hashes = {str(torrent.get(name) or "").upper()[:40] for name in ("hash", "infohash_v1", "infohash_v2")}
        return next((row for row in self.sim.store.rows("grabs") if row["downloadId"] in hashes), None)

    def _state_of(self, torrent: Row) -> str:
        grab = self.grab_of(torrent)
        return f"{self._status(torrent)[0]}/{grab['state'] if grab else ''}"

    def _status(self, torrent: Row) -> tuple[str, str | None]:
        grab = self.grab_of(torrent)
        if grab is not None and grab["slug"] in self.sim.stalled:
            return "warning", "The download is stalled with no connections"
        return status_of(torrent)

    def _lose(self, present: set[str]) -> None:
        """A torrent that was removed by hand leaves no trace but its grab, by which it is known when it comes back."""
        if self.trouble:
            return
        for grab in self.sim.store.rows("grabs"):
            there = grab["downloadId"] in present
            if grab["state"] == "gone" and there:
                grab["state"] = "downloading"
                self.sim.store.touch()
            elif grab["state"] not in DONE and not there and age_of(grab) > 5:
                grab["state"] = "gone"
                self.sim.store.touch()

    async def _advance(self, torrent: Row) -> None:
        grab = self.grab_of(torrent)
        if grab is None or self._status(torrent)[0] != "completed":
            return
        if grab["state"] == "downloading":
            grab["state"] = "importPending"  # seen by one refresh before the import begins
        elif grab["state"] in ("importPending", "importBlocked"):
            await self._import(grab, torrent)
        self.sim.store.touch()

    async def _import(self, grab: Row, torrent: Row) -> None:
        reason = self.sim.import_blocked.get(grab["slug"])
        source = await asyncio.to_thread(video_in, Path(torrent["content_path"]))
        if reason is None and grab["overridden"]:
            reason = self.sim.mismatch(grab)
        if reason is None and source is None:
            reason = f"No files found are eligible for import in {torrent['content_path']}"
        if reason is not None:
            grab["messages"] = [{"title": torrent["name"], "messages": [reason]}]
            grab["state"] = self.sim.blocked_state
            if not grab["notified"] and grab["state"] == "importBlocked":
                grab["notified"] = True
                self.sim.ask_person(grab, torrent)
            return
        assert source is not None
        await self.finish(grab, source)

    async def finish(self, grab: Row, source: Path) -> None:
        """Import a file for a grab, whatever stood in the way before."""
        grab["state"], grab["messages"] = "importing", []
        await self.sim.import_file(grab, source)
        grab["state"] = "imported"
        self.sim.store.touch()
        self.soon()

    def counts(self) -> Row:
        """GET queue/status."""
        known = [row for row in self.rows if self.sim.item_field in row]
        unknown = [row for row in self.rows if self.sim.item_field not in row]

        def bad(rows: list[Row], level: str) -> bool:
            return any(row["trackedDownloadStatus"] == level for row in rows)

        return {
            "totalCount": len(self.rows),
            "count": len(known),
            "unknownCount": len(unknown),
            "errors": bad(known, "error"),
            "warnings": bad(known, "warning"),
            "unknownErrors": bad(unknown, "error"),
            "unknownWarnings": bad(unknown, "warning"),
        }

    def _rows(self, torrent: Row) -> list[Row]:
        grab = self.grab_of(torrent)
        if grab is not None and grab["state"] in DONE:
            return []
        status, trouble = self._status(torrent)
        finished = status == "completed"
        messages = list(grab["messages"]) if grab else []
        if grab is None and finished:
            messages = [{"title": torrent["name"], "messages": [self.sim.mismatch_text]}]
        row: Row = {
            "languages": grab["languages"] if grab else [UNKNOWN_LANGUAGE],
            "quality": (grab["quality"] if grab else self.sim.qualities.unknown.model()),
            "customFormats": [],
            "customFormatScore": 0,
            "size": torrent["size"],
            "title": torrent["name"],
        }
        if grab is None and not self.sim.unknown_has_formats:
            del row["customFormats"]
        left = 0 if finished else torrent["amount_left"]
        eta = 0 if finished else torrent.get("eta", FOREVER)
        timed = finished or (status == "downloading" and eta < FOREVER)
        if timed:
            row["estimatedCompletionTime"] = stamp(datetime.now(UTC) + timedelta(seconds=eta))
        if grab is not None:
            row["added"] = grab["added"]
        row |= {
            "status": status,
            "trackedDownloadStatus": "warning" if messages else "ok",
            "trackedDownloadState": grab["state"] if grab else "importBlocked" if finished else "downloading",
            "statusMessages": messages,
        }
        if trouble:
            row["errorMessage"] = trouble
        row |= {
            "downloadId": grab["downloadId"] if grab else torrent["hash"].upper(),
            "protocol": "torrent",
            "downloadClient": self.sim.client_name,
            "downloadClientHasPostImportCategory": False,
        }
        if grab is not None:
            row["indexer"] = INDEXER
        if finished:
            row["outputPath"] = torrent["content_path"]
        row["sizeleft"] = left
        if timed:
            row["timeleft"] = span(eta)
        rows = []
        for head, tail in self.sim.queue_parts(grab):
            key = f"{row['downloadClient']}-{row['downloadId']}-{sorted(head.items())}"
            ident = zlib.crc32(key.encode()) & 0x7FFFFFFF
            rows.append({**head, **row, **tail, "id": ident})
        return rows


def video_in(path: Path) -> Path | None:
    """The video that a finished download holds: the largest one in a folder."""
    files = [path] if path.is_file() else list(path.rglob("*")) if path.is_dir() else []
    videos = [file for file in files if file.suffix.lower() in VIDEO and file.is_file()]
    return max(videos, key=lambda file: file.stat().st_size, default=None)
