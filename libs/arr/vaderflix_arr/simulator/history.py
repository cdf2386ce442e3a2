"""History and blocklist: what happened, in rows that are never rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .http import Reply, Request, Router, Row, failure, problem
from .store import moment, paged, stamp

if TYPE_CHECKING:
    from .engine import ArrSimulator

KEYS = {"date": lambda row: (row["date"], row["id"]), "sourceTitle": lambda row: row["sourceTitle"]}


def when(request: Request, name: str) -> str:
    """A time argument as a stamp; ProblemDetails when it is none."""
    text = request.one(name)
    try:
        return stamp(moment(text.replace(" ", "+")))
    except ValueError:
        errors = {name: [f"The value '{text}' is not valid."]}
        raise problem(400, "One or more validation errors occurred.", errors) from None


class History:
    """The history of one simulator."""

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve history and blocklist."""
        noun = self.sim.noun
        router.add("GET", "/api/v3/history/since", self._since)
        router.add("GET", f"/api/v3/history/{noun}", self._one)
        router.add("POST", "/api/v3/history/failed/{id}", self._failed)
        router.add("GET", "/api/v3/history", self._page)
        router.add("DELETE", "/api/v3/blocklist/bulk", self._unblock_many)
        router.add("DELETE", "/api/v3/blocklist/{id}", self._unblock)
        router.add("GET", "/api/v3/blocklist/movie", self._blocked_item)
        router.add("GET", "/api/v3/blocklist", self._blocked)

    def write(self, event: str, refs: list[Row], about: Row, data: Row) -> None:
        """One row per reference. `about` gives sourceTitle, languages, quality and perhaps downloadId."""
        for ref in refs:
            row: Row = {
                **{name: value for name, value in ref.items() if name != "seasonNumber"},
                "sourceTitle": about["sourceTitle"],
                "languages": about["languages"],
                "quality": about["quality"],
                "date": stamp(),
                "eventType": event,
                "data": data,
            }
            if about.get("downloadId"):
                row["downloadId"] = about["downloadId"]
            self.sim.store.add("history", row)

    def resource(self, row: Row, request: Request) -> Row:
        """A row as the API shows it."""
        shown = {name: value for name, value in row.items() if name not in ("date", "downloadId", "eventType", "data")}
        ident = shown.pop("id")
        shown |= {"customFormats": [], "customFormatScore": 0}
        shown["qualityCutoffNotMet"] = self.sim.below_cutoff(row["quality"])
        shown["date"] = row["date"]
        if "downloadId" in row:
            shown["downloadId"] = row["downloadId"]
        shown |= {"eventType": row["eventType"], "data": row["data"]}
        return {**self.sim.embed(shown, request), "id": ident}

    def _matching(self, request: Request) -> list[Row]:
        rows = self.sim.store.rows("history")
        events = {self.sim.events.get(number) for number in request.numbers("eventType")}
        if events:
            rows = [row for row in rows if row["eventType"] in events]
        download = request.one("downloadId")
        if download:
            rows = [row for row in rows if row.get("downloadId") == download]
        item = self.sim.item_field
        for name, values in (
            (item, request.numbers(f"{item}s") + request.numbers(item)),
            ("episodeId", request.numbers("episodeId")),
        ):
            if values:
                rows = [row for row in rows if row.get(name) in values]
        return rows

    async def _page(self, request: Request) -> Reply:
        return Reply(body=paged(request, self._matching(request), KEYS, lambda row: self.resource(row, request)))

    async def _since(self, request: Request) -> Reply:
        date = when(request, "date")
        rows = [row for row in self._matching(request) if row["date"] >= date]
        return Reply(body=[self.resource(row, request) for row in rows])

    async def _one(self, request: Request) -> Reply:
        rows = self._matching(request)
        season = request.one("seasonNumber")
        if season:
            wanted = {episode["id"] for episode in self.sim.store.where("episodes", seasonNumber=int(season))}
            rows = [row for row in rows if row.get("episodeId") in wanted]
        newest = sorted(rows, key=KEYS["date"], reverse=True)
        return Reply(body=[self.resource(row, request) for row in newest])

    async def _failed(self, request: Request) -> Reply:
        row = self.sim.store.get("history", request.params["id"])
        grabs = self.sim.store.where("grabs", downloadId=row.get("downloadId")) if row else []
        if row is None or not grabs:
            raise failure(404, f"History with ID {request.params['id']} does not exist", "ModelNotFoundException")
        grabs[0]["state"] = "failed"
        self.sim.queue.fail(grabs[0], "Manually marked as failed")
        self.sim.search_again(grabs[0])
        self.sim.downloads.soon()
        return Reply(body={})

    def _block_row(self, row: Row) -> Row:
        shown = {**self.sim.blocklist_head(row), "sourceTitle": row["sourceTitle"], "languages": row["languages"]}
        shown |= {"quality": row["quality"], "customFormats": [], "date": row["date"], "protocol": row["protocol"]}
        shown |= {"indexer": row["indexer"], "message": row["message"]}
        item = self.sim.store.get(self.sim.table, row["itemId"])
        if item is not None:
            shown[self.sim.noun] = self.sim.brief(item)
        return {**shown, "id": row["id"]}

    async def _blocked(self, request: Request) -> Reply:
        item = self.sim.item_field
        wanted = request.numbers(f"{item}s")
        rows = [row for row in self.sim.store.rows("blocklist") if not wanted or row["itemId"] in wanted]
        return Reply(body=paged(request, rows, KEYS, self._block_row))

    async def _blocked_item(self, request: Request) -> Reply:
        rows = self.sim.store.where("blocklist", itemId=request.number("movieId"))
        return Reply(body=[self._block_row(row) for row in rows])

    async def _unblock(self, request: Request) -> Reply:
        self.sim.store.remove("blocklist", lambda row: row["id"] == request.params["id"])
        return Reply(body={})

    async def _unblock_many(self, request: Request) -> Reply:
        gone = set(request.json({"ids": list}).get("ids", []))
        self.sim.store.remove("blocklist", lambda row: row["id"] in gone)
        return Reply(body={})
