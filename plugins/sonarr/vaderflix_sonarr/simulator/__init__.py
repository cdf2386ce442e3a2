"""A simulated Sonarr: its v3 API (and v5 on request), and episodes that find their way into the library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vaderflix_arr.simulator.commands import Spec
from vaderflix_arr.simulator.engine import ArrSimulator
from vaderflix_arr.simulator.http import Refused, Reply, Request, Router, Row, problem
from vaderflix_arr.simulator.quality import Qualities
from vaderflix_arr.simulator.store import NEVER
from vaderflix_core.api import SimulatorSpec
from vaderflix_core.api.models import MediaKind

from . import table as facts
from .episodes import EpisodeRoutes, missing_now
from .fifth import FifthRoutes
from .library import Library
from .routes import SeriesRoutes
from .searches import Searches
from .series import episode, hook_episode, hook_series, series

if TYPE_CHECKING:
    from vaderflix_arr.simulator.releases import Offer


class SonarrSimulator(ArrSimulator):
    """Sonarr 4, or 5 with `dialect="5"`. `season_pack` lets searches find packs; see ArrSimulator for the others."""

    app_name = "Sonarr"
    slug = "sonarr"
    noun = "series"
    table = "series"
    kind = MediaKind.SERIES
    category = "tv-sonarr"
    part = "tv"
    events = facts.EVENTS
    tag_lists = facts.TAG_LISTS
    blocked_state = "importBlocked"
    mismatch_text = "Series title mismatch; automatic import is not possible."
    unknown_has_formats = True
    type_exclusive = False
    root_total = True
    cover_kinds: ClassVar[tuple[str, ...]] = ("poster", "fanart", "banner")
    version = "4.0.19.2979"
    season_pack = False

    def __init__(self, folder: Path, media: Path, *, dialect: str = "4", **more: Any) -> None:
        super().__init__(folder, media, **more)
        self.dialect = dialect

    @property
    def dialect(self) -> str:
        """The major version it answers as: "4" or "5"."""
        return "5" if self.five else "4"

    @dialect.setter
    def dialect(self, value: str) -> None:
        self.five = self.lenient = value == "5"
        self.version = "5.0.0.1044" if self.five else type(self).version
        self.hub.version = self.version
        self.hub.versions = (3, 5) if self.five else (None,)

    def configuration(self) -> dict[str, Row]:
        """What only Sonarr's configuration pages say."""
        return facts.configuration()

    def quality_table(self) -> Qualities:
        """Sonarr's qualities."""
        return facts.qualities()

    def missing(self, what: str) -> Refused:
        """Sonarr 5 answers an unknown command with nothing, and the rest as JSON."""
        if not self.five:
            return super().missing(what)
        return Refused(Reply(status=404, content_type=None)) if what == "command" else problem(404, "Not Found")

    def routes(self, router: Router) -> None:
        """Serve series, episodes and files."""
        self.library, self.fifth, self.searches = Library(self), FifthRoutes(self), Searches(self)
        for part in (SeriesRoutes(self), EpisodeRoutes(self), self.library, self.fifth, self.searches):
            part.routes(router)

    def specs(self) -> Iterable[Spec]:
        """Sonarr's commands."""
        return self.searches.specs()

    def command_body(self, body: Row) -> Row:
        """RefreshSeries takes one id or many, and keeps many."""
        if body.get("name") == "RefreshSeries" and "seriesId" in body:
            return {**{k: v for k, v in body.items() if k != "seriesId"}, "seriesIds": [body["seriesId"]]}
        return body

    def test_payload(self) -> Row:
        """The test event names a series that does not exist."""
        about: Row = {"id": 1, "title": "Test Title", "path": "C:\\testpath", "tvdbId": 1234, "tvMazeId": 0}
        about |= {"tmdbId": 0, "type": "standard", "year": 0, "tags": ["test-tag"]}
        part = {"id": 123, "episodeNumber": 1, "seasonNumber": 1, "title": "Test title", "seriesId": 0, "tvdbId": 0}
        return {"series": about, "episodes": [part]}

    def notification_flags(self) -> tuple[str, ...]:
        """Sonarr's events."""
        return facts.FLAGS

    async def adopt_library(self) -> None:
        """Take in the series that lie in the root folder."""
        await self.library.adopt()

    # telling and showing

    def tell(self, row: Row) -> None:
        """Announce a changed series."""
        if self.store.get("series", row["id"]) is not None:
            self.hub.send("series", "updated", series(self, row))

    def tell_episode(self, row: Row, *, grabbed: bool = False) -> None:
        """Announce a changed episode."""
        shown = {**episode(self, row), **({"grabbed": True} if grabbed else {})}
        for name in ("wanted/cutoff", "wanted/missing", "episode"):
            self.hub.send(name, "updated", shown)

    def brief(self, item: Row) -> Row:
        """A series inside another resource."""
        return series(self, item, counted=False, covers=False)

    def embed(self, row: Row, request: Request) -> Row:
        """With the series and the episode, when they were asked for."""
        shown = dict(row)
        owner = self.store.get("series", row.get("seriesId", 0))
        part = self.store.get("episodes", row.get("episodeId", 0))
        if part is not None and request.flag("includeEpisode"):
            shown["episode"] = episode(self, part)
        if owner is not None and request.flag("includeSeries"):
            shown["series"] = self.brief(owner)
        return shown

    def watched(self, row: Row) -> bool:
        """Whether an episode is monitored, and its series too."""
        owner = self.store.get("series", row["seriesId"])
        return bool(row["monitored"] and owner and owner["monitored"])

    def missing_episodes(self) -> list[Row]:
        """Episodes that have been shown and are not there."""
        return [row for row in self.store.rows("episodes") if missing_now(row)]

    def held_episodes(self, row: Row) -> list[Row]:
        """The episodes of a series that are there."""
        return [each for each in self.store.where("episodes", seriesId=row["id"]) if each["episodeFileId"]]

    # grabs

    def _parts(self, grab: Row) -> list[Row]:
        return [row for row in self.store.rows("episodes") if row["id"] in grab["episodeIds"]]

    def queue_parts(self, grab: Row | None) -> list[tuple[Row, Row]]:
        """One row per episode, each with the whole download's size."""
        if grab is None:
            return [({}, {"episodeHasFile": False})]
        return [
            (
                {"seriesId": each["seriesId"], "episodeId": each["id"], "seasonNumber": each["seasonNumber"]},
                {"episodeHasFile": bool(each["episodeFileId"])},
            )
            for each in self._parts(grab)
        ]

    def queue_rows(self) -> list[Row]:
        """The rows of both dialects."""
        return [*super().queue_rows(), *self.fifth.rows()]

    def blocklist_head(self, row: Row) -> Row:
        """Names series and episodes."""
        return {"seriesId": row["itemId"], "episodeIds": row["episodeIds"]}

    def candidate_parts(self, grab: Row | None) -> tuple[Row, Row]:
        """Names series and episodes of a file that may be imported by hand."""
        row = self.store.get("series", grab["itemId"]) if grab else None
        if row is None or grab is None:
            return {}, {"releaseType": "unknown"}
        parts = self._parts(grab)
        head: Row = {"series": series(self, row, counted=False)}
        if parts:
            head["seasonNumber"] = parts[0]["seasonNumber"]
        kind = "seasonPack" if grab["pack"] else "singleEpisode"
        return {**head, "episodes": [episode(self, part) for part in parts]}, {"releaseType": kind}

    def grab_echo(self, body: Row) -> Row:
        """POST release answers with the body, filled up with nothing."""
        shown: Row = {"guid": body["guid"], "qualityWeight": 0, "age": 0, "ageHours": 0, "ageMinutes": 0, "size": 0}
        shown |= {"indexerId": body["indexerId"], "fullSeason": False, "sceneSource": False, "seasonNumber": 0}
        shown |= {"languageWeight": 0, "approved": False, "temporarilyRejected": False, "rejected": False}
        shown |= {"tvdbId": 0, "tvRageId": 0, "publishDate": NEVER, "episodeRequested": False}
        shown |= {"downloadAllowed": False, "releaseWeight": 0, "customFormatScore": 0, "protocol": "unknown"}
        shown |= {"indexerFlags": 0, "isDaily": False, "isAbsoluteNumbering": False}
        shown |= {"isPossibleSpecialEpisode": False, "special": False}
        names = ("quality", "languages", "seriesId", "episodeIds", "shouldOverride")
        return {**shown, **{name: body[name] for name in names if name in body}}

    def _write(self, event: str, grab: Row, data: Row) -> None:
        refs = [{"episodeId": part["id"], "seriesId": part["seriesId"]} for part in self._parts(grab)]
        about = {"sourceTitle": grab["name"], "languages": grab["languages"], "quality": grab["quality"]}
        self.history.write(event, refs, {**about, "downloadId": grab["downloadId"]}, data)

    def record_grab(self, grab: Row, source: str) -> None:
        """The grabbed rows of the history."""
        data = {**self.grab_data(grab), "tvdbId": "0", "tvRageId": "0", "imdbId": None, "protocol": "2"}
        data |= {"customFormatScore": "0", "seriesMatchType": "Title", "releaseSource": source, "indexerFlags": "0"}
        data["releaseType"] = "SeasonPack" if grab["pack"] else "SingleEpisode"
        self._write("grabbed", grab, {**data, "torrentInfoHash": grab["downloadId"]})

    def announce_grab(self, grab: Row) -> None:
        """Webhook and live messages of a grab."""
        row = self.store.get("series", grab["itemId"])
        if row is None:
            return
        parts = self._parts(grab)
        body = {"series": hook_series(self, row), "episodes": [hook_episode(part) for part in parts]}
        body |= {"release": self.hook_release(grab), **self.hook_client(grab["downloadId"]), **self.hook_formats()}
        self.fire("onGrab", "Grab", body, row["tags"])
        for part in parts:
            self.tell_episode(part, grabbed=True)

    def record_failure(self, grab: Row, message: str) -> None:
        """The downloadFailed rows of the history."""
        data = {"downloadClient": "qBittorrent", "downloadClientName": self.client_name, "message": message}
        more = {"source": None, "releaseGroup": grab["group"], "size": str(grab["size"]), "indexer": "lab"}
        self._write("downloadFailed", grab, {**data, **more})

    def search_again(self, grab: Row) -> None:
        """Search for the episodes anew."""
        self.commands.push("EpisodeSearch", {"episodeIds": grab["episodeIds"]})

    def mismatch(self, grab: Row) -> str:
        """An override is not matched again at the import."""
        return f"Episode was not found in the grabbed release: {grab['name']}"

    def ask_person(self, grab: Row, torrent: Row) -> None:
        """ManualInteractionRequired, once per download."""
        row = self.store.get("series", grab["itemId"])
        if row is None:
            return
        body: Row = {"series": hook_series(self, row), "episodes": [hook_episode(part) for part in self._parts(grab)]}
        about = {"quality": grab["quality"]["quality"]["name"], "qualityVersion": 1, "title": torrent["name"]}
        body |= {"downloadInfo": {**about, "size": torrent["size"]}, **self.hook_client(grab["downloadId"])}
        body |= {"downloadStatus": "Warning", "downloadStatusMessages": grab["messages"], **self.hook_formats()}
        release = {"releaseTitle": grab["name"], "indexer": "lab", "size": grab["size"], "indexerFlags": []}
        body["release"] = {**release, "releaseType": "seasonPack" if grab["pack"] else "singleEpisode"}
        self.fire("onManualInteractionRequired", "ManualInteractionRequired", body, row["tags"])

    async def import_file(self, grab: Row, source: Path) -> None:
        """Into the library."""
        await self.library.bring(grab, source)

    def rejections(self, offer: Offer) -> list[str]:
        """An episode that is there is not grabbed in the same or a lower quality."""
        weight = self.qualities.parse(offer.release.name).quality.weight
        for ident in offer.episodes:
            part = self.store.get("episodes", ident)
            file = self.store.get("files", part["episodeFileId"]) if part and part["episodeFileId"] else None
            if file is not None and weight <= self.qualities.weight_of(file["quality"]):
                return ["Existing file on disk meets quality cutoff"]
        return []


SPEC = SimulatorSpec(instance="sonarr", name="Sonarr", make=SonarrSimulator)
