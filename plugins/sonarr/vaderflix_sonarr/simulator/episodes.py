"""Sonarr's episode routes: lists, monitoring, what is wanted, the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.http import Reply, Request, Router, Row, failure
from vaderflix_arr.simulator.store import Key, moment, paged, stamp

from .series import aired, episode

if TYPE_CHECKING:
    from . import SonarrSimulator

WANTED: dict[str, Key] = {
    "episodes.airDateUtc": lambda row: row["airDateUtc"],
    "episodes.lastSearchTime": lambda row: row.get("lastSearchTime", ""),
    "series.sortTitle": lambda row: row["seriesId"],
}


class EpisodeRoutes:
    """Everything about episodes but their files."""

    def __init__(self, sim: SonarrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve it."""
        router.add("PUT", "/api/v3/episode/monitor", self._monitor)
        router.add("GET", "/api/v3/episode", self._list)
        router.add("GET", "/api/v3/episode/{id}", self._one)
        router.add("PUT", "/api/v3/episode/{id}", self._set)
        router.add("GET", "/api/v3/wanted/missing", self._missing)
        router.add("GET", "/api/v3/wanted/cutoff", self._cutoff)
        router.add("GET", "/api/v3/calendar", self._calendar)

    def _shown(self, row: Row, request: Request) -> Row:
        asked = set(request.query.get("includesubresources", []))
        shown = episode(self.sim, row, with_file=request.flag("includeEpisodeFile") or "episodeFile" in asked)
        if request.flag("includeSeries") or "series" in asked:
            ident = shown.pop("id")
            owner = self.sim.store.get("series", row["seriesId"])
            if owner is not None:
                shown["series"] = self.sim.brief(owner)
            shown["id"] = ident
        return shown

    async def _list(self, request: Request) -> Reply:
        ids, files = request.numbers("episodeIds"), request.numbers("episodeFileId")
        owner = request.number("seriesId")
        if not (ids or files or owner):
            raise failure(400, "seriesId or episodeIds must be provided", "BadRequestException")
        rows = [
            row
            for row in self.sim.store.rows("episodes")
            if row["seriesId"] == owner or row["id"] in ids or row["episodeFileId"] in files
        ]
        if request.one("seasonNumber"):
            rows = [row for row in rows if row["seasonNumber"] == request.number("seasonNumber")]
        return Reply(body=[self._shown(row, request) for row in rows])

    def _row(self, request: Request) -> Row:
        row = self.sim.store.get("episodes", request.params["id"])
        if row is None:
            raise self.sim.missing("episode")
        return row

    async def _one(self, request: Request) -> Reply:
        return Reply(body=episode(self.sim, self._row(request), with_file=True))

    def _flag(self, row: Row, monitored: bool) -> None:
        row["monitored"] = monitored
        self.sim.store.touch()
        self.sim.tell_episode(row)

    async def _set(self, request: Request) -> Reply:
        row = self._row(request)
        self._flag(row, bool(request.json({"monitored": bool}).get("monitored")))
        return Reply(status=202, body=episode(self.sim, row))

    async def _monitor(self, request: Request) -> Reply:
        body = request.json({"episodeIds": list, "monitored": bool})
        rows = [row for row in self.sim.store.rows("episodes") if row["id"] in body.get("episodeIds", [])]
        for row in rows:
            self._flag(row, bool(body.get("monitored")))
        return Reply(status=202, body=[episode(self.sim, row) for row in rows])

    async def _missing(self, request: Request) -> Reply:
        monitored = request.flag("monitored", True)
        rows = [row for row in self.sim.missing_episodes() if self.sim.watched(row) == monitored]
        return Reply(body=paged(request, rows, WANTED, lambda row: self._shown(row, request)))

    async def _cutoff(self, request: Request) -> Reply:
        rows = []
        for row in self.sim.store.rows("episodes"):
            file = self.sim.store.get("files", row["episodeFileId"]) if row["episodeFileId"] else None
            if file is not None and self.sim.below_cutoff(file["quality"]):
                rows.append(row)
        return Reply(body=paged(request, rows, WANTED, lambda row: self._shown(row, request)))

    async def _calendar(self, request: Request) -> Reply:
        now = datetime.now(UTC)
        start = moment(request.one("start") or stamp(now))
        end = moment(request.one("end") or stamp(now + timedelta(days=2)))
        every = request.flag("unmonitored")
        rows = [row for row in self.sim.store.rows("episodes") if row["airDateUtc"]]
        rows = [row for row in rows if start <= moment(row["airDateUtc"]) <= end]
        rows = [row for row in rows if every or self.sim.watched(row)]
        return Reply(body=[self._shown(row, request) for row in sorted(rows, key=lambda row: row["airDateUtc"])])


def missing_now(row: Row) -> bool:
    """Whether an episode has been shown and is not there."""
    return aired(row) and not row["episodeFileId"]
