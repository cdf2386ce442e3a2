"""Radarr's movie routes: list, lookup, add, change, delete."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.http import Reply, Request, Router, Row, complaint, conflict, failure, invalid
from vaderflix_arr.simulator.names import by_id, matches
from vaderflix_arr.simulator.store import stamp
from vaderflix_core.testing import Title

from .movies import folder, fresh, full, hook_movie, movie

if TYPE_CHECKING:
    from . import RadarrSimulator

TYPES: dict[str, type] = {
    "tmdbId": int,
    "qualityProfileId": int,
    "year": int,
    "title": str,
    "rootFolderPath": str,
    "path": str,
    "monitored": bool,
    "tags": list,
    "addOptions": dict,
}


class MovieRoutes:
    """Everything under /api/v3/movie."""

    def __init__(self, sim: RadarrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve it."""
        router.add("GET", "/api/v3/movie/lookup", self._lookup)
        router.add("GET", "/api/v3/movie/lookup/tmdb", self._lookup_tmdb)
        router.add("GET", "/api/v3/movie/lookup/imdb", self._lookup_imdb)
        router.add("PUT", "/api/v3/movie/editor", self._edit)
        router.add("DELETE", "/api/v3/movie/editor", self._delete_many)
        router.add("GET", "/api/v3/movie", self._list)
        router.add("POST", "/api/v3/movie", self._add)
        router.add("PUT", "/api/v3/movie", self._update)
        router.add("GET", "/api/v3/movie/{id}", self._one)
        router.add("PUT", "/api/v3/movie/{id}", self._update)
        router.add("DELETE", "/api/v3/movie/{id}", self._delete)
        router.add("GET", "/api/v3/exclusions", self._exclusions)
        router.add("DELETE", "/api/v3/exclusions/{id}", self._include)

    async def _list(self, request: Request) -> Reply:
        rows = self.sim.store.rows("movies")
        if request.one("tmdbId"):
            rows = [row for row in rows if row["tmdbId"] == request.number("tmdbId")]
        return Reply(body=[full(self.sim, row) for row in rows])

    def _row(self, request: Request, ident: int = 0) -> Row:
        row = self.sim.store.get("movies", ident or request.params["id"])
        if row is None:
            raise self.sim.missing("movie")
        return row

    async def _one(self, request: Request) -> Reply:
        return Reply(body=full(self.sim, self._row(request)))

    # lookup

    def _shown(self, title: Title) -> Row:
        stored = self.sim.store.where("movies", slug=title.slug)
        if not stored:
            row = fresh(self.sim, title, lookup=True)
        else:
            row = full(self.sim, stored[0])
            ident = row.pop("id")
            row |= {"remotePoster": row["images"][0]["remoteUrl"], "folder": folder(title), "id": ident}
        if self.sim.store.where("exclusions", tmdbId=title.ids.tmdb):
            row["isExcluded"] = True
        return row

    async def _lookup(self, request: Request) -> Reply:
        await asyncio.sleep(self.sim.metadata_seconds)
        term = request.one("term").strip()
        if not term:
            text = "Search for '' failed. Invalid response received from RadarrAPI."
            raise failure(503, text, "NzbDrone.Core.MetadataSource.SkyHook.SkyHookException")
        found = [title for title in self.sim.titles if by_id(title, term) or matches(title, term)]
        return Reply(body=[self._shown(title) for title in found])

    def _known(self, field: str, value: object) -> Title:
        for title in self.sim.titles:
            if getattr(title.ids, field) == value:
                return title
        text = f"Movie with {field}Id {value} was not found, it may have been removed from TMDb."
        raise failure(500, text, "NzbDrone.Core.Exceptions.MovieNotFoundException")

    async def _lookup_tmdb(self, request: Request) -> Reply:
        return Reply(body=fresh(self.sim, self._known("tmdb", request.number("tmdbId")), lookup=False))

    async def _lookup_imdb(self, request: Request) -> Reply:
        return Reply(body=fresh(self.sim, self._known("imdb", request.one("imdbId")), lookup=False))

    # add

    def _complaints(self, body: Row) -> list[Row]:
        rows = self.sim.profile_complaints(body.get("qualityProfileId") or 0)
        rows += self.sim.place_complaints(body)
        tmdb = body.get("tmdbId") or 0
        if not body.get("title") and tmdb <= 0:
            rows.append(complaint("Title", "'Title' must not be empty.", None, "NotEmptyValidator"))
        if not tmdb:
            rows.append(complaint("TmdbId", "'Tmdb Id' must not be empty.", 0, "NotEmptyValidator"))
        elif self.sim.store.where("movies", tmdbId=tmdb):
            rows.append(complaint("TmdbId", "This movie has already been added", tmdb, "MovieExistsValidator"))
        return rows

    async def _add(self, request: Request) -> Reply:
        body = request.json(TYPES)
        wrong = self._complaints(body)
        if wrong:
            raise invalid(wrong)
        await asyncio.sleep(self.sim.metadata_seconds)
        tmdb = body["tmdbId"]
        title = next((title for title in self.sim.titles if title.ids.tmdb == tmdb), None)
        if title is None:
            raise invalid([complaint("TmdbId", "A movie with this ID was not found. Path: ", tmdb)])
        path = body.get("path") or f"{body['rootFolderPath'].rstrip('/')}/{folder(title)}"
        if self.sim.store.where("movies", tmdbId=tmdb):
            raise conflict("Movies.MovieMetadataId")
        options = body.get("addOptions") or {}
        row: Row = {
            "slug": title.slug,
            "tmdbId": tmdb,
            "path": path,
            "rootFolderPath": str(Path(path).parent),
            "qualityProfileId": body["qualityProfileId"],
            "monitored": body.get("monitored", True) and options.get("monitor") != "none",
            "minimumAvailability": body.get("minimumAvailability", "released"),
            "tags": list(body.get("tags") or []),
            "added": stamp(),
            "refreshed": False,
            "addOptions": {
                "searchForMovie": bool(options.get("searchForMovie")),
                "addMethod": options.get("addMethod", "manual"),
                "ignoreEpisodesWithFiles": False,
                "ignoreEpisodesWithoutFiles": False,
                "monitor": options.get("monitor", "movieOnly"),
            },
        }
        self.sim.store.add("movies", row)
        shown = movie(self.sim, row)
        added = {"movie": hook_movie(self.sim, row), "addMethod": row["addOptions"]["addMethod"]}
        self.sim.fire("onMovieAdded", "MovieAdded", added, row["tags"])
        self.sim.tell(row, "movie")

        async def first_refresh() -> None:
            self.sim.commands.push("RefreshMovie", {"movieIds": [row["id"]], "isNewMovie": True})

        self.sim.later(self.sim.refresh_delay_seconds, first_refresh)
        return Reply(status=201, body=shown, headers={"Location": f"{self.sim.url}/api/v3/movie/{row['id']}"})

    # change

    def _apply(self, row: Row, body: Row) -> None:
        for name in ("monitored", "qualityProfileId", "minimumAvailability", "path", "tags"):
            if body.get(name) is not None:
                row[name] = body[name]
        row["rootFolderPath"] = str(Path(row["path"]).parent)
        self.sim.store.touch()
        self.sim.tell(row, "movie")

    async def _update(self, request: Request) -> Reply:
        body = request.json(TYPES)
        row = self._row(request, request.params.get("id") or int(body.get("id") or 0) or -1)
        wrong = self.sim.profile_complaints(body.get("qualityProfileId") or 0)
        if wrong:
            raise invalid(wrong)
        self._apply(row, body)
        headers = {"Location": f"{self.sim.url}/api/v3/movie/{row['id']}"}
        return Reply(status=202, body=movie(self.sim, row), headers=headers)

    async def _edit(self, request: Request) -> Reply:
        body = request.json()
        rows = [row for row in self.sim.store.rows("movies") if row["id"] in body.get("movieIds", [])]
        for row in rows:
            self._apply(row, {**body, "tags": self.sim.edited_tags(row["tags"], body)})
        return Reply(status=202, body=[movie(self.sim, row, counted=False, rooted=False) for row in rows])

    # delete

    async def _delete(self, request: Request) -> Reply:
        ident = request.params["id"]
        row = self.sim.store.get("movies", ident)
        if row is None:
            text = f"Movie with ID {ident} does not exist"
            raise failure(404, text, "NzbDrone.Core.Datastore.ModelNotFoundException")
        await self._remove(row, request.flag("deleteFiles"), request.flag("addImportExclusion"))
        return Reply(content_type=None)

    async def _delete_many(self, request: Request) -> Reply:
        body = request.json()
        for row in [row for row in self.sim.store.rows("movies") if row["id"] in body.get("movieIds", [])]:
            await self._remove(row, bool(body.get("deleteFiles")), bool(body.get("addImportExclusion")))
        return Reply(body={})

    async def _remove(self, row: Row, files: bool, exclude: bool) -> None:
        title = self.sim.title_of(row)
        gone = {"movie": hook_movie(self.sim, row), "deletedFiles": files, "movieFolderSize": 0}
        self.sim.store.remove("movies", lambda other: other["id"] == row["id"])
        self.sim.store.remove("files", lambda file: file["movieId"] == row["id"])
        if exclude and title is not None and not self.sim.store.where("exclusions", tmdbId=row["tmdbId"]):
            about = {"tmdbId": row["tmdbId"], "movieTitle": title.title, "movieYear": title.year}
            self.sim.store.add("exclusions", about)
        if files:
            await asyncio.to_thread(shutil.rmtree, row["path"], True)
        self.sim.fire("onMovieDelete", "MovieDelete", gone, row["tags"])
        self.sim.hub.send("movie", "deleted", {"id": row["id"]})

    async def _exclusions(self, request: Request) -> Reply:
        return Reply(body=self.sim.store.rows("exclusions"))

    async def _include(self, request: Request) -> Reply:
        self.sim.store.remove("exclusions", lambda row: row["id"] == request.params["id"])
        return Reply(content_type=None)
