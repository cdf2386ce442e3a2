"""The queue's routes: pages, details of one title, counts, and removal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .http import Reply, Request, Router, Row, not_found_message
from .store import Key, paged, stamp
from .torrents import ClientError

if TYPE_CHECKING:
    from .engine import ArrSimulator


def _time_key(row: Row) -> tuple[bool, str]:
    return ("timeleft" not in row, row.get("timeleft", ""))


KEYS: dict[str, Key] = {
    "timeleft": _time_key,
    "estimatedCompletionTime": lambda row: row.get("estimatedCompletionTime", ""),
    "title": lambda row: row["title"].lower(),
    "size": lambda row: row["size"],
    "added": lambda row: row.get("added", ""),
    "status": lambda row: row["status"],
    "progress": lambda row: 1 - row["sizeleft"] / row["size"] if row["size"] else 0,
}


class QueueRoutes:
    """GET and DELETE under /api/v3/queue."""

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve the queue."""
        router.add("GET", "/api/v3/queue/status", self._status)
        router.add("GET", "/api/v3/queue/details", self._details)
        router.add("DELETE", "/api/v3/queue/bulk", self._remove_many)
        router.add("DELETE", "/api/v3/queue/{id}", self._remove)
        router.add("GET", "/api/v3/queue", self._page)

    def visible(self, request: Request, unknown: bool) -> list[Row]:
        """The rows that a request asks for."""
        item = self.sim.item_field
        rows = [row for row in self.sim.downloads.rows if unknown or item in row]
        wanted = set(request.numbers(f"{item}s")) | set(request.numbers(item))
        if wanted:
            rows = [row for row in rows if row.get(item) in wanted]
        episodes = set(request.numbers("episodeIds"))
        if episodes:
            rows = [row for row in rows if row.get("episodeId") in episodes]
        statuses = request.query.get("status", [])
        return [row for row in rows if not statuses or row["status"] in statuses]

    async def _page(self, request: Request) -> Reply:
        rows = self.visible(request, request.flag(f"includeUnknown{self.sim.noun.capitalize()}Items"))
        return Reply(body=paged(request, rows, KEYS, lambda row: self.sim.embed(row, request)))

    async def _details(self, request: Request) -> Reply:
        return Reply(body=[self.sim.embed(row, request) for row in self.visible(request, True)])

    async def _status(self, request: Request) -> Reply:
        return Reply(body=self.sim.downloads.counts())

    def _row(self, ident: int) -> Row:
        row = next((row for row in self.sim.queue_rows() if row["id"] == ident), None)
        if row is None:
            raise not_found_message()
        return row

    async def _remove(self, request: Request) -> Reply:
        await self._drop([self._row(request.params["id"])], request)
        return Reply(content_type=None)

    async def _remove_many(self, request: Request) -> Reply:
        rows = [self._row(ident) for ident in request.json({"ids": list}).get("ids", [])]
        await self._drop(rows, request)
        return Reply(body={})

    async def _drop(self, rows: list[Row], request: Request) -> None:
        client = self.sim.client
        for download in {row["downloadId"] for row in rows}:
            grab = next(iter(self.sim.store.where("grabs", downloadId=download)), None)
            blocklist = request.flag("blocklist")
            if grab is not None:
                grab["state"] = "failed" if blocklist else "ignored"
                if blocklist:
                    self.fail(grab, "Manually marked as failed")
            if request.flag("removeFromClient", True) and client is not None:
                try:
                    await self.sim.reached(client.delete(download))
                except ClientError:
                    pass  # the row goes all the same, as in the real ones
            if blocklist and grab is not None and not request.flag("skipRedownload"):
                self.sim.search_again(grab)
        self.sim.store.touch()
        gone = {row["downloadId"] for row in rows}
        self.sim.downloads.rows = [row for row in self.sim.downloads.rows if row["downloadId"] not in gone]
        self.sim.downloads.soon()
        self.sim.hub.sync("queue", "queue/details")
        await asyncio.sleep(0)

    def fail(self, grab: Row, message: str) -> None:
        """Write a failed download into history and blocklist."""
        self.sim.record_failure(grab, message)
        row: Row = {
            "itemId": grab["itemId"],
            "episodeIds": grab["episodeIds"],
            "sourceTitle": grab["name"],
            "languages": grab["languages"],
            "quality": grab["quality"],
            "date": stamp(),
            "protocol": "torrent",
            "indexer": "lab",
            "message": message,
        }
        self.sim.store.add("blocklist", row)
