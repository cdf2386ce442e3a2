"""Sonarr's searches and the commands that ask for them, refreshes, rescans and renames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.commands import Spec
from vaderflix_arr.simulator.http import Reply, Request, Router, Row
from vaderflix_arr.simulator.store import stamp

from .monitoring import apply_options, create_episodes
from .series import aired

if TYPE_CHECKING:
    from vaderflix_arr.simulator.releases import Offer

    from . import SonarrSimulator


class Searches:
    """The commands of Sonarr."""

    def __init__(self, sim: SonarrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve the interactive search."""
        router.add("GET", "/api/v3/release", self._search)

    def specs(self) -> Iterable[Spec]:
        """Sonarr's commands."""
        ids: Row = {"seriesIds": []}
        missing: Row = {"monitored": True, **ids, "qualityProfileIds": [], "seriesType": [], "seriesTags": []}
        return (
            Spec(name="SeriesSearch", work=self._series_search),
            Spec(name="SeasonSearch", work=self._series_search),
            Spec(name="EpisodeSearch", work=self._episode_search, body={"episodeIds": []}),
            Spec(name="MissingEpisodeSearch", work=self._missing_search, body=missing),
            Spec(name="RefreshSeries", work=self._refresh, body={**ids, "isNewSeries": False}, long=True, task=False),
            Spec(name="RescanSeries", work=self._rescan, disk=True),
            Spec(name="RenameFiles", work=self._rename_files, disk=True),
            Spec(name="RenameSeries", work=self._rename_files, body=ids, disk=True),
        )

    async def _find(self, episodes: list[Row], source: str) -> int:
        taken = 0
        for owner in sorted({row["seriesId"] for row in episodes}):
            row = self.sim.store.get("series", owner)
            if row is None:
                continue
            own = [each for each in episodes if each["seriesId"] == owner]
            for each in own:
                each["lastSearchTime"] = stamp()
            self.sim.store.touch()
            taken += await self.sim.finder.automatic(row, self.sim.library.wanted(row, own), source)
        return taken

    async def _series_search(self, body: Row) -> str:
        rows = [row for row in self.sim.store.where("episodes", seriesId=body.get("seriesId")) if self.sim.watched(row)]
        if body["name"] == "SeasonSearch":
            rows = [row for row in rows if row["seasonNumber"] == body.get("seasonNumber")]
        taken = await self._find([row for row in rows if aired(row)], "UserInvokedSearch")
        return f"{body['name'].removesuffix('Search')} search completed. {taken} reports downloaded."

    async def _episode_search(self, body: Row) -> str:
        rows = [row for row in self.sim.store.rows("episodes") if row["id"] in body["episodeIds"]]
        return f"Episode search completed. {await self._find(rows, 'UserInvokedSearch')} reports downloaded."

    async def _missing_search(self, body: Row) -> str:
        owners = set(body["seriesIds"]) | ({body["seriesId"]} if body.get("seriesId") else set())
        rows = [row for row in self.sim.missing_episodes() if self.sim.watched(row) == body["monitored"]]
        rows = [row for row in rows if not owners or row["seriesId"] in owners]
        source = "UserInvokedSearch" if body["trigger"] == "manual" else "Search"
        return f"Completed missing search. {await self._find(rows, source)} reports downloaded."

    async def search_rows(self, request: Request) -> list[Row]:
        """What an interactive search finds, in v3's words."""
        part = self.sim.store.get("episodes", request.number("episodeId"))
        if part is not None:
            parts = [part]
        else:
            parts = self.sim.store.where(
                "episodes", seriesId=request.number("seriesId"), seasonNumber=request.number("seasonNumber")
            )
        row = self.sim.store.get("series", parts[0]["seriesId"]) if parts else None
        if row is None:
            return []
        offers = await self.sim.finder.search(row, self.sim.library.wanted(row, parts))
        return [self._release(row, offer) for offer in offers]

    async def _search(self, request: Request) -> Reply:
        return Reply(body=await self.search_rows(request))

    def _release(self, row: Row, offer: Offer) -> Row:
        title = self.sim.title_of(row)
        parts = [part for part in self.sim.store.rows("episodes") if part["id"] in offer.episodes]
        numbers = [part["episodeNumber"] for part in parts]
        absolute = [part["absolute"] for part in parts]
        info = [
            {
                "id": part["id"],
                "seasonNumber": part["seasonNumber"],
                "episodeNumber": part["episodeNumber"],
                "absoluteEpisodeNumber": part["absolute"],
                "title": part["title"],
            }
            for part in parts
        ]
        shown = {**self.sim.finder.resource(offer), "fullSeason": offer.pack, "seasonNumber": offer.season}
        shown |= {"languageWeight": 0, "seriesTitle": title.title if title else ""}
        shown |= {"episodeNumbers": [] if offer.pack else numbers, "absoluteEpisodeNumbers": []}
        shown |= {"mappedSeasonNumber": offer.season, "mappedEpisodeNumbers": numbers}
        shown |= {"mappedAbsoluteEpisodeNumbers": absolute, "mappedSeriesId": row["id"], "mappedEpisodeInfo": info}
        shown |= {"tvdbId": 0, "tvRageId": 0, "episodeRequested": True, "indexerFlags": 0, "isDaily": False}
        return {**shown, "isAbsoluteNumbering": False, "isPossibleSpecialEpisode": False, "special": False}

    # other commands

    async def _refresh(self, body: Row) -> str:
        wanted = body["seriesIds"]
        for row in [row for row in self.sim.store.rows("series") if row["id"] in wanted or not wanted]:
            create_episodes(self.sim, row)
            row["refreshed"] = True
            await self.sim.library.rescan(row)
            options = row.pop("addOptions", None)
            if options is not None:
                apply_options(self.sim, row, options)
            self.sim.store.touch()
            self.sim.tell(row)
            if options and options["searchForMissingEpisodes"]:
                self.sim.commands.push("MissingEpisodeSearch", {"seriesId": row["id"]})
        return "Completed"

    async def _rescan(self, body: Row) -> str:
        for row in list(self.sim.store.rows("series")):
            if body.get("seriesId") in (None, row["id"]):
                await self.sim.library.rescan(row)
                self.sim.tell(row)
        return ""

    async def _rename_files(self, body: Row) -> str:
        wanted = body.get("seriesIds") or [body.get("seriesId")]
        rows = [row for row in self.sim.store.rows("series") if row["id"] in wanted]
        renamed = sum([await self.sim.library.rename(row, body.get("files") or []) for row in rows])
        return f"{renamed} selected episode files renamed"
