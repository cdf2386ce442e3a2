"""What /api/v5 of Sonarr 5 words differently from /api/v3: series, the queue, releases."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.http import Reply, Request, Router, Row
from vaderflix_arr.simulator.queue import KEYS
from vaderflix_arr.simulator.store import paged

from .series import series

if TYPE_CHECKING:
    from . import SonarrSimulator

_ROW = (
    *("status", "trackedDownloadStatus", "trackedDownloadState", "statusMessages", "errorMessage", "downloadId"),
    *("protocol", "downloadClient", "downloadClientHasPostImportCategory", "indexer", "outputPath"),
)
_PARSED = ("quality", "releaseGroup", "releaseHash", "fullSeason", "seasonNumber", "seriesTitle", "episodeNumbers")
_FLAGS = ("absoluteEpisodeNumbers", "isDaily", "isAbsoluteNumbering", "isPossibleSpecialEpisode", "special")
_RELEASE = (
    *("guid", "age", "ageHours", "ageMinutes", "size", "indexerId", "indexer", "title", "tvdbId", "tvRageId"),
    *("publishDate", "downloadUrl", "magnetUrl", "infoHash", "seeders", "leechers", "protocol", "indexerFlags"),
)
_REST = (
    *("qualityWeight", "languages", "mappedSeasonNumber", "mappedEpisodeNumbers", "mappedAbsoluteEpisodeNumbers"),
    *("mappedSeriesId", "mappedEpisodeInfo", "episodeRequested", "downloadAllowed", "releaseWeight", "customFormats"),
    "customFormatScore",
)


class FifthRoutes:
    """The paths whose answers differ; all others are answered as in v3."""

    def __init__(self, sim: SonarrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve them."""
        router.add("GET", "/api/v5/series", self._series)
        router.add("GET", "/api/v5/queue", self._queue)
        router.add("GET", "/api/v5/release", self._releases)

    async def _series(self, request: Request) -> Reply:
        rows = self.sim.store.rows("series")
        if request.one("tvdbId"):
            rows = [row for row in rows if row["tvdbId"] == request.number("tvdbId")]
        return Reply(body=[series(self.sim, row, fifth=True) for row in rows])

    def rows(self) -> list[Row]:
        """One row per download, instead of one per episode."""
        grouped: dict[str, list[Row]] = {}
        for row in self.sim.downloads.rows:
            grouped.setdefault(row["downloadId"], []).append(row)
        return [self._merged(rows) for rows in grouped.values()]

    def _merged(self, rows: list[Row]) -> Row:
        first = rows[0]
        shown: Row = {}
        if "seriesId" in first:
            shown["seriesId"] = first["seriesId"]
            shown["episodeIds"] = [row["episodeId"] for row in rows]
            shown["seasonNumbers"] = sorted({row["seasonNumber"] for row in rows})
        for name in ("languages", "quality", "customFormats", "customFormatScore", "size", "title"):
            shown[name] = first[name]
        shown["sizeLeft"] = first["sizeleft"]
        if "timeleft" in first:
            shown["timeLeft"] = first["timeleft"]
        shown |= {name: first[name] for name in ("estimatedCompletionTime", "added", *_ROW) if name in first}
        shown["episodesWithFilesCount"] = sum(1 for row in rows if row["episodeHasFile"])
        shown["isFullSeason"] = len(rows) > 1
        return {**shown, "id": zlib.crc32(f"v5-{first['downloadId']}".encode()) & 0x7FFFFFFF}

    async def _queue(self, request: Request) -> Reply:
        unknown = request.flag("includeUnknownSeriesItems", True)
        rows = [row for row in self.rows() if unknown or "seriesId" in row]
        keys = {**KEYS, "timeleft": lambda row: ("timeLeft" not in row, row.get("timeLeft", ""))}
        return Reply(body=paged(request, rows, keys))

    async def _releases(self, request: Request) -> Reply:
        found = []
        for row in await self.sim.searches.search_rows(request):
            reasons = [{"message": text, "reason": "unknown", "type": "permanent"} for text in row["rejections"]]
            decision = {name: row[name] for name in ("approved", "temporarilyRejected", "rejected")}
            parsed = {name: row[name] for name in (*_PARSED, *_FLAGS)}
            release = {name: row[name] for name in _RELEASE}
            shown: Row = {"parsedInfo": parsed, "release": release, "decision": {**decision, "rejections": reasons}}
            found.append({**shown, **{name: row[name] for name in _REST}})
        return Reply(body=found)
