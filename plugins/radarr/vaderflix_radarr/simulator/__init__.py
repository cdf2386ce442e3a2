"""A simulated Radarr: its v3 API, and films that find their way into the library."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from vaderflix_arr.simulator.commands import Spec
from vaderflix_arr.simulator.engine import ArrSimulator
from vaderflix_arr.simulator.http import Reply, Request, Router, Row
from vaderflix_arr.simulator.quality import Qualities
from vaderflix_arr.simulator.store import NEVER, moment, paged, stamp
from vaderflix_core.api import SimulatorSpec
from vaderflix_core.api.models import MediaKind

from . import table as facts
from .library import Library
from .movies import available, dates, file_of, hook_movie, hook_remote, movie
from .routes import MovieRoutes

if TYPE_CHECKING:
    from vaderflix_arr.simulator.releases import Offer

WANTED = {"movieMetadata.sortTitle": lambda row: row["path"].lower(), "movies.lastSearchTime": lambda row: row["added"]}


class RadarrSimulator(ArrSimulator):
    """Radarr 6. See ArrSimulator for the switches."""

    app_name = "Radarr"
    slug = "radarr"
    noun = "movie"
    table = "movies"
    kind = MediaKind.MOVIE
    category = "radarr"
    part = "movie"
    version = "6.0.4.10291"
    events = facts.EVENTS
    tag_lists = facts.TAG_LISTS
    blocked_state = "importPending"
    mismatch_text = "Movie title mismatch, automatic import is not possible. Manual Import required."
    unknown_has_formats = False
    type_exclusive = True
    root_total = False
    cover_kinds: ClassVar[tuple[str, ...]] = ("poster", "fanart")

    def configuration(self) -> dict[str, Row]:
        """What only Radarr's configuration pages say."""
        return facts.configuration()

    def quality_table(self) -> Qualities:
        """Radarr's qualities."""
        return facts.qualities()

    def routes(self, router: Router) -> None:
        """Serve films, files, and what is wanted."""
        self.library = Library(self)
        MovieRoutes(self).routes(router)
        self.library.routes(router)
        router.add("GET", "/api/v3/release", self._search)
        router.add("GET", "/api/v3/wanted/missing", self._missing)
        router.add("GET", "/api/v3/wanted/cutoff", self._cutoff)
        router.add("GET", "/api/v3/calendar", self._calendar)

    def specs(self) -> Iterable[Spec]:
        """Radarr's commands."""
        ids: Row = {"movieIds": []}
        return (
            Spec(name="MoviesSearch", work=self._movies_search, body=ids),
            Spec(name="MissingMoviesSearch", work=self._missing_search),
            Spec(name="RefreshMovie", work=self._refresh, body={**ids, "isNewMovie": False}, long=True, task=False),
            Spec(name="RescanMovie", work=self._rescan, disk=True),
            Spec(name="RenameFiles", work=self._rename_files, disk=True),
            Spec(name="RenameMovie", work=self._rename_files, body=ids, disk=True),
        )

    def test_payload(self) -> Row:
        """The test event names a film that does not exist."""
        about = {"id": 1, "title": "Test Title", "year": 1970, "releaseDate": "1970-01-01"}
        about |= {"folderPath": "C:\\testpath", "tmdbId": 0, "tags": ["test-tag"]}
        remote = {"tmdbId": 1234, "imdbId": "5678", "title": "Test title", "year": 1970}
        release = {"quality": "Test Quality", "qualityVersion": 1, "releaseGroup": "Test Group"}
        release |= {"releaseTitle": "Test Title", "indexer": "Test Indexer", "size": 9999999, "customFormatScore": 0}
        return {"movie": about, "remoteMovie": remote, "release": release}

    def notification_flags(self) -> tuple[str, ...]:
        """Radarr's events."""
        return facts.FLAGS

    async def adopt_library(self) -> None:
        """Take in the films that lie in the root folder."""
        await self.library.adopt()

    def tell(self, row: Row, *names: str) -> None:
        """Announce a changed film."""
        if self.store.get("movies", row["id"]) is None:
            return
        shown = movie(self, row, rooted=False)
        for name in names:
            self.hub.send(name, "updated", shown)

    def brief(self, item: Row) -> Row:
        """A film inside another resource."""
        return movie(self, item, counted=False, rooted=False, covers=False, others=False)

    def embed(self, row: Row, request: Request) -> Row:
        """With the film, when it was asked for."""
        item = self.store.get("movies", row.get("movieId", 0))
        if item is not None and request.flag("includeMovie"):
            return {**row, "movie": self.brief(item)}
        return row

    # grabs

    def queue_parts(self, grab: Row | None) -> list[tuple[Row, Row]]:
        """One row per download."""
        return [({"movieId": grab["itemId"]} if grab else {}, {})]

    def blocklist_head(self, row: Row) -> Row:
        """Names the film."""
        return {"movieId": row["itemId"]}

    def candidate_parts(self, grab: Row | None) -> tuple[Row, Row]:
        """Names the film of a file that may be imported by hand."""
        row = self.store.get("movies", grab["itemId"]) if grab else None
        return ({"movie": self.brief(row)} if row else {}), {}

    def grab_echo(self, body: Row) -> Row:
        """POST release answers with the body, filled up with nothing."""
        shown: Row = {"guid": body["guid"]}
        if "quality" in body:
            shown["quality"] = body["quality"]
        names = ("customFormatScore", "qualityWeight", "age", "ageHours", "ageMinutes", "size")
        shown |= dict.fromkeys(names, 0)
        shown |= {"indexerId": body["indexerId"], "sceneSource": False}
        if "languages" in body:
            shown["languages"] = body["languages"]
        shown |= {"approved": False, "temporarilyRejected": False, "rejected": False, "tmdbId": 0, "imdbId": 0}
        shown |= {"publishDate": NEVER, "movieRequested": False, "downloadAllowed": False, "releaseWeight": 0}
        shown["protocol"] = "unknown"
        return {**shown, **{name: body[name] for name in ("movieId", "shouldOverride") if name in body}}

    def record_grab(self, grab: Row, source: str) -> None:
        """The grabbed row of the history."""
        data = {**self.grab_data(grab), "tmdbId": "0", "imdbId": "0", "protocol": "2", "customFormatScore": "0"}
        data |= {"movieMatchType": "Title", "releaseSource": source, "indexerFlags": "0", "indexerId": "1"}
        data["torrentInfoHash"] = grab["downloadId"]
        about = {"sourceTitle": grab["name"], "languages": grab["languages"], "quality": grab["quality"]}
        about["downloadId"] = grab["downloadId"]
        self.history.write("grabbed", [{"movieId": grab["itemId"]}], about, data)

    def announce_grab(self, grab: Row) -> None:
        """Webhook and live messages of a grab."""
        row = self.store.get("movies", grab["itemId"])
        if row is None:
            return
        body = {
            "movie": hook_movie(self, row),
            "remoteMovie": hook_remote(self, row),
            "release": self.hook_release(grab),
        }
        body |= {**self.hook_client(grab["downloadId"]), **self.hook_formats()}
        self.fire("onGrab", "Grab", body, row["tags"])
        self.tell(row, "wanted/cutoff", "wanted/missing", "movie")

    def record_failure(self, grab: Row, message: str) -> None:
        """The downloadFailed row of the history."""
        data = {"downloadClient": "qBittorrent", "downloadClientName": self.client_name, "message": message}
        data |= {"releaseGroup": grab["group"], "size": str(grab["size"]), "indexer": "lab"}
        about = {"sourceTitle": grab["name"], "languages": grab["languages"], "quality": grab["quality"]}
        about["downloadId"] = grab["downloadId"]
        self.history.write("downloadFailed", [{"movieId": grab["itemId"]}], about, data)

    def search_again(self, grab: Row) -> None:
        """Search for the film anew."""
        self.commands.push("MoviesSearch", {"movieIds": [grab["itemId"]]})

    def mismatch(self, grab: Row) -> str:
        """An override is not matched again at the import."""
        row = self.store.get("movies", grab["itemId"])
        title = self.title_of(row) if row else None
        name = f"{title.title} ({title.year})][{title.ids.imdb}, {title.ids.tmdb}" if title else "Unknown"
        return f"Movie [{name}] was not found in the grabbed release: {grab['name']}"

    def ask_person(self, grab: Row, torrent: Row) -> None:
        """Radarr asks only for what it cannot match; such rows have no grab."""

    async def import_file(self, grab: Row, source: Path) -> None:
        """Into the library."""
        await self.library.bring(grab, source)

    # searches

    async def _find(self, row: Row, source: str) -> int:
        row["lastSearchTime"] = stamp()
        self.store.touch()
        return await self.finder.automatic(row, self.library.wanted(row), source)

    def rejections(self, offer: Offer) -> list[str]:
        """A film that is there is not grabbed in the same or a lower quality."""
        file = file_of(self, offer.item)
        if file is None:
            return []
        quality = self.qualities.parse(offer.release.name).quality
        known = self.qualities.weight_of(file["quality"])
        return [] if quality.weight > known else ["Existing file on disk meets quality cutoff"]

    async def _movies_search(self, body: Row) -> str:
        rows = [row for row in self.store.rows("movies") if row["id"] in body["movieIds"]]
        asked = body["trigger"] == "manual"
        rows = [row for row in rows if asked or (row["monitored"] and available(self, row))]
        taken = sum([await self._find(row, "UserInvokedSearch" if asked else "Search") for row in rows])
        return f"Completed search for {len(rows)} movies. {taken} reports downloaded."

    async def _missing_search(self, body: Row) -> str:
        rows = [row for row in self._wanted(True) if available(self, row)]
        taken = sum([await self._find(row, "UserInvokedSearch") for row in rows])
        return f"Completed missing search for {len(rows)} movies. {taken} reports downloaded."

    async def _search(self, request: Request) -> Reply:
        row = self.store.get("movies", request.number("movieId"))
        if row is None:
            return Reply(body=[])
        offers = await self.finder.search(row, self.library.wanted(row))
        return Reply(body=[self._release(offer) for offer in offers])

    def _release(self, offer: Offer) -> Row:
        row = self.store.get("movies", offer.item)
        title = self.title_of(row) if row else None
        shown = self.finder.resource(offer)
        shown |= {"movieTitles": [title.title if title else ""], "mappedMovieId": offer.item, "tmdbId": 0, "imdbId": 0}
        return {**shown, "movieRequested": True, "edition": "", "indexerFlags": []}

    # other commands

    async def _refresh(self, body: Row) -> str:
        for row in [row for row in self.store.rows("movies") if row["id"] in body["movieIds"] or not body["movieIds"]]:
            row["refreshed"] = True
            options = row.pop("addOptions", None) or {}
            await self.library.rescan(row)
            self.tell(row, "movie")
            if options.get("searchForMovie") and row["monitored"]:
                self.commands.push("MoviesSearch", {"movieIds": [row["id"]]})
        self.store.touch()
        return "Completed"

    async def _rescan(self, body: Row) -> str:
        for row in list(self.store.rows("movies")):
            if body.get("movieId") in (None, row["id"]):
                await self.library.rescan(row)
        return ""

    async def _rename_files(self, body: Row) -> str:
        wanted = body.get("movieIds") or [body.get("movieId")]
        rows = [row for row in self.store.rows("movies") if row["id"] in wanted]
        return f"{sum([await self.library.rename(row) for row in rows])} selected movie files renamed"

    # what is wanted

    def _wanted(self, monitored: bool) -> list[Row]:
        rows = [row for row in self.store.rows("movies") if file_of(self, row["id"]) is None]
        return [row for row in rows if row["monitored"] == monitored]

    async def _missing(self, request: Request) -> Reply:
        rows = [row for row in self._wanted(request.flag("monitored", True)) if available(self, row)]
        return Reply(body=paged(request, rows, WANTED, self.library.shown))

    async def _cutoff(self, request: Request) -> Reply:
        rows = []
        for row in self.store.rows("movies"):
            file = file_of(self, row["id"])
            if file is not None and self.below_cutoff(file["quality"]):
                rows.append(row)
        return Reply(body=paged(request, rows, WANTED, self.library.shown))

    async def _calendar(self, request: Request) -> Reply:
        now = datetime.now(UTC)
        start = moment(request.one("start") or stamp(now))
        end = moment(request.one("end") or stamp(now + timedelta(days=2)))
        every = request.flag("unmonitored")
        rows = []
        for row in self.store.rows("movies"):
            title = self.title_of(row)
            if title and (every or row["monitored"]) and any(start <= date <= end for date in dates(title)):
                rows.append(movie(self, row, rooted=False, covers=False))
        return Reply(body=rows)


SPEC = SimulatorSpec(instance="radarr", name="Radarr", make=RadarrSimulator)
