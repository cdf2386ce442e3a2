"""Sonarr's series routes: list, lookup, add, change, delete."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.http import Reply, Request, Router, Row, complaint, conflict, failure, invalid
from vaderflix_arr.simulator.names import by_id, folder_name, matches
from vaderflix_arr.simulator.store import stamp
from vaderflix_core.testing import Title

from .monitoring import apply_seasons
from .series import fresh, hook_series, plain_statistics, series

if TYPE_CHECKING:
    from . import SonarrSimulator

TYPES: dict[str, type] = {
    "tvdbId": int,
    "qualityProfileId": int,
    "title": str,
    "rootFolderPath": str,
    "path": str,
    "monitored": bool,
    "seasonFolder": bool,
    "seasons": list,
    "tags": list,
    "addOptions": dict,
}


class SeriesRoutes:
    """Everything under /api/v3/series."""

    def __init__(self, sim: SonarrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve it."""
        router.add("GET", "/api/v3/series/lookup", self._lookup)
        router.add("PUT", "/api/v3/series/editor", self._edit)
        router.add("DELETE", "/api/v3/series/editor", self._delete_many)
        router.add("GET", "/api/v3/series", self._list)
        router.add("POST", "/api/v3/series", self._add)
        router.add("PUT", "/api/v3/series", self._update)
        router.add("GET", "/api/v3/series/{id}", self._one)
        router.add("PUT", "/api/v3/series/{id}", self._update)
        router.add("DELETE", "/api/v3/series/{id}", self._delete)
        router.add("GET", "/api/v3/importlistexclusion", self._exclusions)
        router.add("DELETE", "/api/v3/importlistexclusion/{id}", self._include)

    async def _list(self, request: Request) -> Reply:
        rows = self.sim.store.rows("series")
        if request.one("tvdbId"):
            rows = [row for row in rows if row["tvdbId"] == request.number("tvdbId")]
        return Reply(body=[series(self.sim, row) for row in rows])

    async def _one(self, request: Request) -> Reply:
        row = self.sim.store.get("series", request.params["id"])
        if row is None:
            raise self.sim.missing("series")
        return Reply(body=series(self.sim, row))

    def _shown(self, title: Title) -> Row:
        stored = self.sim.store.where("series", slug=title.slug)
        if not stored:
            return fresh(self.sim, title)
        row = {**series(self.sim, stored[0], new=True), "folder": folder_name(title.title)}
        ident = row.pop("id")
        return {
            **row,
            "remotePoster": row["images"][0]["remoteUrl"],
            "statistics": plain_statistics(title),
            "id": ident,
        }

    async def _lookup(self, request: Request) -> Reply:
        await asyncio.sleep(self.sim.metadata_seconds)
        term = request.one("term").strip()
        if not term:
            text = "Search for '' failed. Invalid response received from SkyHook."
            raise failure(503, text, "NzbDrone.Core.MetadataSource.SkyHook.SkyHookException")
        found = [title for title in self.sim.titles if by_id(title, term) or matches(title, term)]
        return Reply(body=[self._shown(title) for title in found])

    # add

    def _complaints(self, body: Row) -> list[Row]:
        rows = self.sim.profile_complaints(body.get("qualityProfileId") or 0)
        rows += self.sim.place_complaints(body)
        if not body.get("title"):
            rows.append(complaint("Title", "'Title' must not be empty.", None, "NotEmptyValidator"))
        tvdb = body.get("tvdbId") or 0
        if tvdb <= 0:
            more = {"comparisonValue": 0, "comparisonProperty": ""}
            text = "'Tvdb Id' must be greater than '0'."
            rows.append(complaint("TvdbId", text, tvdb, "GreaterThanValidator", **more))
        elif self.sim.store.where("series", tvdbId=tvdb):
            rows.append(complaint("TvdbId", "This series has already been added", tvdb, "SeriesExistsValidator"))
        return rows

    async def _add(self, request: Request) -> Reply:
        body = request.json(TYPES)
        wrong = self._complaints(body)
        if wrong:
            raise invalid(wrong)
        await asyncio.sleep(self.sim.metadata_seconds)
        tvdb = body["tvdbId"]
        title = next((title for title in self.sim.titles if title.ids.tvdb == tvdb), None)
        if title is None:
            raise invalid([complaint("TvdbId", "A series with this ID was not found. Path: ", tvdb)])
        if self.sim.store.where("series", tvdbId=tvdb):
            raise conflict("Series.TitleSlug")
        path = body.get("path") or f"{body['rootFolderPath'].rstrip('/')}/{folder_name(title.title)}"
        options = body.get("addOptions") or {}
        given = body.get("seasons") or [{"seasonNumber": s.number, "monitored": s.number > 0} for s in title.seasons]
        none = options.get("monitor") == "none"
        seasons = [
            {"seasonNumber": s["seasonNumber"], "monitored": bool(s.get("monitored")) and not none} for s in given
        ]
        row: Row = {
            "slug": title.slug,
            "tvdbId": tvdb,
            "path": path,
            "rootFolderPath": str(Path(path).parent),
            "qualityProfileId": body["qualityProfileId"],
            "seasonFolder": body.get("seasonFolder", True),
            "monitored": body.get("monitored", True) and not none,
            "monitorNewItems": body.get("monitorNewItems", "all"),
            "seriesType": body.get("seriesType", "standard"),
            "tags": list(body.get("tags") or []),
            "added": stamp(),
            "seasons": seasons,
            "refreshed": False,
            "addOptions": {
                "searchForMissingEpisodes": bool(options.get("searchForMissingEpisodes")),
                "searchForCutoffUnmetEpisodes": bool(options.get("searchForCutoffUnmetEpisodes")),
                "ignoreEpisodesWithFiles": bool(options.get("ignoreEpisodesWithFiles")),
                "ignoreEpisodesWithoutFiles": bool(options.get("ignoreEpisodesWithoutFiles")),
                "monitor": options.get("monitor", "unknown"),
            },
        }
        self.sim.store.add("series", row)
        shown = series(self.sim, row, new=True)
        self.sim.fire("onSeriesAdd", "SeriesAdd", {"series": hook_series(self.sim, row)}, row["tags"])
        self.sim.tell(row)

        async def first_refresh() -> None:
            self.sim.commands.push("RefreshSeries", {"seriesIds": [row["id"]], "isNewSeries": True})

        self.sim.later(self.sim.refresh_delay_seconds, first_refresh)
        return Reply(status=201, body=shown, headers={"Location": f"{self.sim.url}/api/v3/series/{row['id']}"})

    # change

    def _apply(self, row: Row, body: Row) -> None:
        names = ("monitored", "qualityProfileId", "path", "tags", "seasonFolder", "monitorNewItems", "seriesType")
        for name in names:
            if body.get(name) is not None:
                row[name] = body[name]
        row["rootFolderPath"] = str(Path(row["path"]).parent)
        apply_seasons(self.sim, row, body.get("seasons") or [])
        self.sim.store.touch()
        self.sim.tell(row)

    async def _update(self, request: Request) -> Reply:
        body = request.json(TYPES)
        row = self.sim.store.get("series", request.params.get("id") or int(body.get("id") or 0))
        if row is None:
            raise self.sim.missing("series")
        wrong = self.sim.profile_complaints(body.get("qualityProfileId") or 0)
        if wrong:
            raise invalid(wrong)
        self._apply(row, body)
        headers = {"Location": f"{self.sim.url}/api/v3/series/{row['id']}"}
        return Reply(status=202, body=series(self.sim, row), headers=headers)

    async def _edit(self, request: Request) -> Reply:
        body = request.json()
        rows = [row for row in self.sim.store.rows("series") if row["id"] in body.get("seriesIds", [])]
        for row in rows:
            self._apply(row, {**body, "tags": self.sim.edited_tags(row["tags"], body)})
        return Reply(status=202, body=[self.sim.brief(row) for row in rows])

    # delete

    async def _delete(self, request: Request) -> Reply:
        row = self.sim.store.get("series", request.params["id"])
        if row is None:
            text = "Expected query to return 1 rows but returned 0"
            raise failure(500, text, "System.ApplicationException")
        await self._remove(row, request.flag("deleteFiles"), request.flag("addImportListExclusion"))
        return Reply(content_type=None)

    async def _delete_many(self, request: Request) -> Reply:
        body = request.json()
        for row in [row for row in self.sim.store.rows("series") if row["id"] in body.get("seriesIds", [])]:
            await self._remove(row, bool(body.get("deleteFiles")), bool(body.get("addImportListExclusion")))
        return Reply(body={})

    async def _remove(self, row: Row, files: bool, exclude: bool) -> None:
        title = self.sim.title_of(row)
        gone = {"series": hook_series(self.sim, row), "deletedFiles": files}
        self.sim.store.remove("series", lambda other: other["id"] == row["id"])
        self.sim.store.remove("episodes", lambda other: other["seriesId"] == row["id"])
        self.sim.store.remove("files", lambda other: other["seriesId"] == row["id"])
        if exclude and title is not None and not self.sim.store.where("exclusions", tvdbId=row["tvdbId"]):
            self.sim.store.add("exclusions", {"tvdbId": row["tvdbId"], "title": title.title})
        if files:
            await asyncio.to_thread(shutil.rmtree, row["path"], True)
        self.sim.fire("onSeriesDelete", "SeriesDelete", gone, row["tags"])
        self.sim.hub.send("series", "deleted", {"id": row["id"]})

    async def _exclusions(self, request: Request) -> Reply:
        return Reply(body=self.sim.store.rows("exclusions"))

    async def _include(self, request: Request) -> Reply:
        self.sim.store.remove("exclusions", lambda row: row["id"] == request.params["id"])
        return Reply(content_type=None)
