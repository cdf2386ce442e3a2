"""How films get into Radarr's library: what a search wants, the import, rename and rescan."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.downloads import video_in
from vaderflix_arr.simulator.http import Reply, Request, Router, Row
from vaderflix_arr.simulator.names import file_row, scene_name, scene_of
from vaderflix_arr.simulator.quality import ENGLISH
from vaderflix_arr.simulator.releases import Wanted, place
from vaderflix_arr.simulator.store import stamp

from .movies import file_of, file_resource, folder, hook_file, hook_movie, hook_remote, movie

if TYPE_CHECKING:
    from . import RadarrSimulator


class Library:
    """Files of films, and the routes about them."""

    def __init__(self, sim: RadarrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve them."""
        router.add("GET", "/api/v3/moviefile", self._files)
        router.add("DELETE", "/api/v3/moviefile/{id}", self._delete_file)
        router.add("GET", "/api/v3/moviefile/{id}", self._file)
        router.add("GET", "/api/v3/rename", self._renames)

    def wanted(self, row: Row) -> list[Wanted]:
        """The releases that the indexer has of a film."""
        title = self.sim.title_of(row)
        if title is None:
            return []
        stem = f"{scene_name(title.title)}.{title.year}"
        return [
            Wanted(name=f"{stem}.1080p.WEB.H264-LAB", seeders=12),
            Wanted(name=f"{stem}.720p.WEB.H264-LAB", seeders=5),
        ]

    # import

    async def bring(self, grab: Row, source: Path) -> None:
        """Import a finished file: into the film's folder, under the release's name."""
        sim = self.sim
        row = sim.store.get("movies", grab["itemId"])
        if row is None:
            return
        target = Path(row["path"]) / f"{grab['name']}{source.suffix}"
        await asyncio.to_thread(_into, source, target)
        old = file_of(sim, row["id"])
        if old is not None:
            await self.forget(row, old, "Upgrade", unlink=old["path"] != str(target))
        size = (await asyncio.to_thread(target.stat)).st_size
        file = file_row(target, scene_of(grab), grab["group"], grab["quality"], stamp(), size)
        file |= {"movieId": row["id"], "relativePath": target.name, "originalFilePath": source.name}
        sim.store.add("files", file)
        data = {
            "fileId": str(file["id"]),
            "droppedPath": str(source),
            "importedPath": str(target),
            "downloadClient": "qBittorrent",
            "downloadClientName": sim.client_name,
            "releaseGroup": grab["group"],
            "customFormatScore": "0",
            "size": str(size),
            "indexerFlags": "0",
        }
        about = {"sourceTitle": grab["name"], "languages": grab["languages"], "quality": grab["quality"]}
        about["downloadId"] = grab["downloadId"]
        sim.history.write("downloadFolderImported", [{"movieId": row["id"]}], about, data)
        body: Row = {"movie": hook_movie(sim, row), "remoteMovie": hook_remote(sim, row)}
        body |= {"movieFile": hook_file(file, str(source)), "isUpgrade": old is not None}
        body |= sim.hook_client(grab["downloadId"])
        if old is not None:
            body["deletedFiles"] = [hook_file(old)]
        body |= sim.hook_formats()
        release = {"releaseTitle": grab["name"], "indexer": "lab", "size": grab["size"], "indexerFlags": []}
        flag = "onUpgrade" if old is not None else "onDownload"
        sim.fire(flag, "Download", {**body, "release": release}, row["tags"])
        sim.hub.send("moviefile", "updated", file_resource(sim, file))
        sim.tell(row, "movie", "wanted/missing", "wanted/cutoff")
        sim.hub.sync("queue", "queue/details")
        await sim.scan(target.parent)

    async def forget(self, row: Row, file: Row, reason: str, *, unlink: bool = True) -> None:
        """Take a file out of the library. `reason` is Upgrade, Manual or MissingFromDisk."""
        sim = self.sim
        sim.store.remove("files", lambda other: other["id"] == file["id"])
        if unlink:
            await asyncio.to_thread(Path(file["path"]).unlink, True)
        about = {"sourceTitle": file["path"], "languages": [ENGLISH], "quality": file["quality"]}
        data = {"reason": reason, "releaseGroup": file["releaseGroup"], "size": str(file["size"])}
        sim.history.write("movieFileDeleted", [{"movieId": row["id"]}], about, {**data, "indexerFlags": "0"})
        word = reason[:1].lower() + reason[1:]
        body = {"movie": hook_movie(sim, row), "movieFile": hook_file(file), "deleteReason": word}
        flag = "onMovieFileDeleteForUpgrade" if reason == "Upgrade" else "onMovieFileDelete"
        sim.fire(flag, "MovieFileDelete", body, row["tags"])
        sim.hub.send("moviefile", "deleted", {"id": file["id"]})

    async def rescan(self, row: Row) -> None:
        """Find a file that lies in the film's folder, and miss one that is gone."""
        file = file_of(self.sim, row["id"])
        if file is not None and not await asyncio.to_thread(Path(file["path"]).exists):
            await self.forget(row, file, "MissingFromDisk", unlink=False)
            self.sim.tell(row, "movie")
            return
        found = await asyncio.to_thread(video_in, Path(row["path"]))
        if file is None and found is not None:
            parsed = self.sim.qualities.parse(found.stem)
            size = (await asyncio.to_thread(found.stat)).st_size
            fresh = file_row(found, "", parsed.group, parsed.quality.model(), stamp(), size)
            fresh |= {"movieId": row["id"], "relativePath": found.name, "originalFilePath": found.name}
            self.sim.store.add("files", fresh)
            self.sim.tell(row, "movie")

    async def adopt(self) -> None:
        """Take in the films whose folder lies in the root folder and that the library does not know."""
        for title in self.sim.titles:
            path = self.sim.root / folder(title)
            if self.sim.store.where("movies", slug=title.slug) or not await asyncio.to_thread(video_in, path):
                continue
            row: Row = {"slug": title.slug, "tmdbId": title.ids.tmdb, "path": str(path)}
            row |= {"rootFolderPath": str(self.sim.root), "qualityProfileId": 4, "monitored": True}
            row |= {"minimumAvailability": "released", "tags": [], "added": stamp(), "refreshed": True}
            await self.rescan(self.sim.store.add("movies", row))

    # files

    async def _files(self, request: Request) -> Reply:
        movies = request.numbers("movieId")
        rows = [file for file in self.sim.store.rows("files") if file["movieId"] in movies]
        return Reply(body=[file_resource(self.sim, file) for file in rows])

    def _found(self, request: Request) -> Row:
        file = self.sim.store.get("files", request.params["id"])
        if file is None:
            raise self.sim.missing("moviefile")
        return file

    async def _file(self, request: Request) -> Reply:
        return Reply(body=file_resource(self.sim, self._found(request)))

    async def _delete_file(self, request: Request) -> Reply:
        file = self._found(request)
        row = self.sim.store.get("movies", file["movieId"])
        assert row is not None
        await self.forget(row, file, "Manual")
        self.sim.tell(row, "movie")
        return Reply(content_type=None)

    # rename

    def _new_name(self, row: Row, file: Row) -> str:
        title = self.sim.title_of(row)
        assert title is not None
        return f"{folder(title)} {file['quality']['quality']['name']}{Path(file['path']).suffix}"

    def renames(self, row: Row) -> list[Row]:
        """What a rename would change; nothing while renaming is off in the settings."""
        file = file_of(self.sim, row["id"])
        if file is None or not self.sim.config_extra["naming"]["renameMovies"]:
            return []
        new = self._new_name(row, file)
        if new == file["relativePath"]:
            return []
        paths = {"existingPath": file["relativePath"], "newPath": new}
        return [{"movieId": row["id"], "movieFileId": file["id"], **paths}]

    async def _renames(self, request: Request) -> Reply:
        rows = [self.sim.store.get("movies", ident) for ident in request.numbers("movieId")]
        return Reply(body=[change for row in rows if row for change in self.renames(row)])

    async def rename(self, row: Row) -> int:
        """Rename the file of a film; returns how many were."""
        changes = self.renames(row)
        file = file_of(self.sim, row["id"])
        if not changes or file is None:
            return 0
        old = hook_file(file)
        source, target = Path(file["path"]), Path(file["path"]).with_name(changes[0]["newPath"])
        await asyncio.to_thread(source.rename, target)
        file |= {"path": str(target), "relativePath": target.name}
        self.sim.store.touch()
        about = {"sourceTitle": str(source), "languages": [ENGLISH], "quality": file["quality"]}
        data = {"sourcePath": str(source), "sourceRelativePath": source.name, "path": str(target)}
        data |= {"relativePath": target.name, "releaseGroup": file["releaseGroup"], "size": str(file["size"])}
        self.sim.history.write("movieFileRenamed", [{"movieId": row["id"]}], about, {**data, "indexerFlags": "0"})
        before = {"previousRelativePath": old["relativePath"], "previousPath": old["path"]}
        body = {"movie": hook_movie(self.sim, row), "renamedMovieFiles": [{**before, **hook_file(file)}]}
        self.sim.fire("onRename", "Rename", body, row["tags"])
        self.sim.tell(row, "movie")
        await self.sim.scan(target.parent)
        return 1

    def shown(self, row: Row) -> Row:
        """A film as pages of what is wanted show it."""
        return movie(self.sim, row, rooted=False, others=False)


def _into(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    place(source, target)
