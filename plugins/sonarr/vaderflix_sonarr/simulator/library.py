"""How episodes get into Sonarr's library: what a search wants, the import, rename and rescan."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.downloads import VIDEO
from vaderflix_arr.simulator.http import Reply, Request, Router, Row
from vaderflix_arr.simulator.names import file_row, folder_name, scene_name, scene_of
from vaderflix_arr.simulator.quality import ENGLISH
from vaderflix_arr.simulator.releases import Wanted, place
from vaderflix_arr.simulator.store import stamp

from .monitoring import create_episodes
from .series import aired, file_resource, hook_episode, hook_file, hook_series

if TYPE_CHECKING:
    from . import SonarrSimulator


class Library:
    """Files of episodes, and the routes about them."""

    def __init__(self, sim: SonarrSimulator) -> None:
        self.sim = sim

    def routes(self, router: Router) -> None:
        """Serve them."""
        router.add("GET", "/api/v3/episodefile", self._files)
        router.add("DELETE", "/api/v3/episodefile/bulk", self._delete_files)
        router.add("GET", "/api/v3/episodefile/{id}", self._file)
        router.add("DELETE", "/api/v3/episodefile/{id}", self._delete_file)
        router.add("GET", "/api/v3/rename", self._renames)

    def wanted(self, row: Row, episodes: Iterable[Row]) -> list[Wanted]:
        """The releases that the indexer has of these episodes: one each, and packs when that switch is on."""
        title = self.sim.title_of(row)
        if title is None:
            return []
        stem = scene_name(title.title)
        offers, by_season = [], dict[int, list[int]]()
        for each in episodes:
            if not aired(each):
                continue
            season = each["seasonNumber"]
            by_season.setdefault(season, []).append(each["id"])
            name = f"{stem}.S{season:02}E{each['episodeNumber']:02}"
            for tail, seeders in (("1080p.WEB.H264-LAB", 12), ("720p.WEB.H264-LAB", 5)):
                offers.append(Wanted(name=f"{name}.{tail}", episodes=[each["id"]], season=season, seeders=seeders))
        if self.sim.season_pack:
            for season, ids in by_season.items():
                name = f"{stem}.S{season:02}.1080p.WEB.H264-LAB"
                if len(ids) > 1:
                    offers.append(Wanted(name=name, episodes=ids, season=season, pack=True))
        return offers

    # import

    def _place_of(self, row: Row, each: Row, suffix: str) -> Path:
        title = self.sim.title_of(row)
        assert title is not None
        number, season = each["episodeNumber"], each["seasonNumber"]
        name = folder_name(f"{title.title} - S{season:02}E{number:02} - {each['title']}") + suffix
        return Path(row["path"]) / (f"Season {season:02}" if row["seasonFolder"] else "") / name

    async def bring(self, grab: Row, source: Path) -> None:
        """Import a finished file for every episode that it was grabbed for."""
        sim = self.sim
        row = sim.store.get("series", grab["itemId"])
        if row is None:
            return
        episodes = [e for e in sim.store.rows("episodes") if e["id"] in grab["episodeIds"]]
        files = []
        for each in episodes:
            files.append(await self._bring_one(grab, source, row, each))
        body: Row = {"series": hook_series(sim, row), "episodes": [hook_episode(e) for e in episodes]}
        body |= {"episodeFiles": [hook_file(file) for file in files], **sim.hook_client(grab["downloadId"])}
        body |= {"release": self._hook_release(grab), "fileCount": len(files), "sourcePath": str(source)}
        target = str(Path(files[0]["path"]).parent) if files else row["path"]
        sim.fire("onImportComplete", "Download", {**body, "destinationPath": target}, row["tags"])
        sim.tell(row)
        sim.hub.sync("queue", "queue/details")
        await sim.scan(Path(target))

    async def _bring_one(self, grab: Row, source: Path, row: Row, each: Row) -> Row:
        sim = self.sim
        target = self._place_of(row, each, source.suffix)
        await asyncio.to_thread(_into, source, target)
        old = sim.store.get("files", each["episodeFileId"]) if each["episodeFileId"] else None
        if old is not None:
            await self.forget(row, old, "Upgrade", unlink=old["path"] != str(target))
        size = (await asyncio.to_thread(target.stat)).st_size
        kind = "seasonPack" if grab["pack"] else "singleEpisode"
        file = file_row(target, scene_of(grab), grab["group"], grab["quality"], stamp(), size)
        file |= {"seriesId": row["id"], "seasonNumber": each["seasonNumber"], "releaseType": kind}
        file["relativePath"] = str(target.relative_to(row["path"]))
        sim.store.add("files", file)
        each["episodeFileId"] = file["id"]
        about = {"sourceTitle": grab["name"], "languages": grab["languages"], "quality": grab["quality"]}
        about["downloadId"] = grab["downloadId"]
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
            "releaseType": _pascal(kind),
        }
        sim.history.write("downloadFolderImported", [_ref(each)], about, data)
        body: Row = {"series": hook_series(sim, row), "episodes": [hook_episode(each)]}
        body |= {"episodeFile": hook_file(file, str(source)), "isUpgrade": old is not None}
        body |= sim.hook_client(grab["downloadId"])
        if old is not None:
            body["deletedFiles"] = [hook_file(old)]
        body |= {**sim.hook_formats(), "release": self._hook_release(grab)}
        sim.fire("onUpgrade" if old is not None else "onDownload", "Download", body, row["tags"])
        sim.hub.send("episodefile", "updated", file_resource(sim, file))
        sim.tell_episode(each)
        return file

    @staticmethod
    def _hook_release(grab: Row) -> Row:
        kind = "seasonPack" if grab["pack"] else "singleEpisode"
        row: Row = {"releaseTitle": grab["name"], "indexer": "lab", "size": grab["size"], "indexerFlags": []}
        return {**row, "releaseType": kind}

    async def forget(self, row: Row, file: Row, reason: str, *, unlink: bool = True) -> None:
        """Take a file out of the library. `reason` is Upgrade, Manual or MissingFromDisk."""
        sim = self.sim
        episodes = sim.store.where("episodes", episodeFileId=file["id"])
        sim.store.remove("files", lambda other: other["id"] == file["id"])
        for each in episodes:
            each["episodeFileId"] = 0
            sim.tell_episode(each)
        if unlink:
            await asyncio.to_thread(Path(file["path"]).unlink, True)
        about = {"sourceTitle": file["path"], "languages": [ENGLISH], "quality": file["quality"]}
        data = {"reason": reason, "releaseGroup": file["releaseGroup"], "size": str(file["size"]), "indexerFlags": "0"}
        data["releaseType"] = _pascal(file["releaseType"])
        sim.history.write("episodeFileDeleted", [_ref(each) for each in episodes], about, data)
        body = {"series": hook_series(sim, row), "episodes": [hook_episode(e) for e in episodes]}
        body |= {"episodeFile": hook_file(file), "deleteReason": reason[:1].lower() + reason[1:]}
        flag = "onEpisodeFileDeleteForUpgrade" if reason == "Upgrade" else "onEpisodeFileDelete"
        sim.fire(flag, "EpisodeFileDelete", body, row["tags"])
        sim.hub.send("episodefile", "deleted", {"id": file["id"]})

    async def rescan(self, row: Row) -> None:
        """Find files that lie in the series' folder, and miss those that are gone."""
        for file in self.sim.store.where("files", seriesId=row["id"]):
            if not await asyncio.to_thread(Path(file["path"]).exists):
                await self.forget(row, file, "MissingFromDisk", unlink=False)
        known = {file["path"] for file in self.sim.store.where("files", seriesId=row["id"])}
        for path in await asyncio.to_thread(videos, Path(row["path"])):
            found = re.search(r"S(\d+)E(\d+)", path.name, re.IGNORECASE)
            if str(path) in known or not found:
                continue
            where = {"seriesId": row["id"], "seasonNumber": int(found[1]), "episodeNumber": int(found[2])}
            each = next(iter(self.sim.store.where("episodes", **where)), None)
            if each is None or each["episodeFileId"]:
                continue
            parsed = self.sim.qualities.parse(path.stem)
            size = (await asyncio.to_thread(path.stat)).st_size
            file = file_row(path, "", parsed.group, parsed.quality.model(), stamp(), size)
            file |= {"seriesId": row["id"], "seasonNumber": each["seasonNumber"], "releaseType": "singleEpisode"}
            file["relativePath"] = str(path.relative_to(row["path"]))
            each["episodeFileId"] = self.sim.store.add("files", file)["id"]
            self.sim.tell_episode(each)

    async def adopt(self) -> None:
        """Take in the series whose folder lies in the root folder and that the library does not know."""
        for title in self.sim.titles:
            path = self.sim.root / folder_name(title.title)
            if self.sim.store.where("series", slug=title.slug) or not await asyncio.to_thread(videos, path):
                continue
            row: Row = {"slug": title.slug, "tvdbId": title.ids.tvdb, "path": str(path), "tags": []}
            row |= {"rootFolderPath": str(self.sim.root), "qualityProfileId": 4, "monitored": True}
            row |= {"seasonFolder": True, "monitorNewItems": "all", "seriesType": "standard"}
            row |= {"added": stamp(), "refreshed": True, "seasons": []}
            self.sim.store.add("series", row)
            create_episodes(self.sim, row)
            await self.rescan(row)
            held = {each["seasonNumber"] for each in self.sim.held_episodes(row)}
            for season in row["seasons"]:
                # a household monitors what it collects: seasons that nobody asked for wait for a request
                season["monitored"] = season["seasonNumber"] in held
            for each in self.sim.store.where("episodes", seriesId=row["id"]):
                each["monitored"] = each["seasonNumber"] in held

    # files

    async def _files(self, request: Request) -> Reply:
        ids, owners = request.numbers("episodeFileIds"), request.numbers("seriesId")
        rows = [file for file in self.sim.store.rows("files") if file["id"] in ids or file["seriesId"] in owners]
        return Reply(body=[file_resource(self.sim, file) for file in rows])

    def _found(self, ident: int) -> Row:
        file = self.sim.store.get("files", ident)
        if file is None:
            raise self.sim.missing("episodefile")
        return file

    async def _file(self, request: Request) -> Reply:
        return Reply(body=file_resource(self.sim, self._found(request.params["id"])))

    async def _drop(self, ident: int) -> None:
        file = self._found(ident)
        row = self.sim.store.get("series", file["seriesId"])
        assert row is not None
        await self.forget(row, file, "Manual")
        self.sim.tell(row)

    async def _delete_file(self, request: Request) -> Reply:
        await self._drop(request.params["id"])
        return Reply(content_type=None)

    async def _delete_files(self, request: Request) -> Reply:
        for ident in request.json({"episodeFileIds": list}).get("episodeFileIds", []):
            await self._drop(ident)
        return Reply(body={})

    # rename

    def renames(self, row: Row, season: int | None = None) -> list[Row]:
        """What a rename would change; nothing while renaming is off in the settings."""
        if not self.sim.config_extra["naming"]["renameEpisodes"]:
            return []
        changes = []
        for file in self.sim.store.where("files", seriesId=row["id"]):
            episodes = self.sim.store.where("episodes", episodeFileId=file["id"])
            if not episodes or (season is not None and file["seasonNumber"] != season):
                continue
            path = self._place_of(row, episodes[0], Path(file["path"]).suffix)
            new = path.with_stem(f"{path.stem} {file['quality']['quality']['name']}")
            if str(new) == file["path"]:
                continue
            change: Row = {"seriesId": row["id"], "seasonNumber": file["seasonNumber"]}
            change |= {"episodeNumbers": [e["episodeNumber"] for e in episodes], "episodeFileId": file["id"]}
            change |= {"existingPath": file["relativePath"], "newPath": str(new.relative_to(row["path"]))}
            changes.append({**change, "id": file["id"]})
        return changes

    async def _renames(self, request: Request) -> Reply:
        row = self.sim.store.get("series", request.number("seriesId"))
        season = request.number("seasonNumber") if request.one("seasonNumber") else None
        return Reply(body=self.renames(row, season) if row else [])

    async def rename(self, row: Row, files: list[int]) -> int:
        """Rename these files of a series; returns how many were."""
        renamed = []
        for change in self.renames(row):
            file = self.sim.store.get("files", change["episodeFileId"])
            if file is None or (files and file["id"] not in files):
                continue
            source, target = Path(file["path"]), Path(row["path"]) / change["newPath"]
            await asyncio.to_thread(source.rename, target)
            before = {"previousRelativePath": file["relativePath"], "previousPath": str(source)}
            file |= {"path": str(target), "relativePath": change["newPath"]}
            renamed.append({**before, **hook_file(file)})
            about = {"sourceTitle": str(source), "languages": [ENGLISH], "quality": file["quality"]}
            data = {"sourcePath": str(source), "sourceRelativePath": before["previousRelativePath"]}
            data |= {"path": str(target), "relativePath": change["newPath"], "releaseGroup": file["releaseGroup"]}
            data |= {"size": str(file["size"]), "indexerFlags": "0", "releaseType": _pascal(file["releaseType"])}
            refs = [_ref(each) for each in self.sim.store.where("episodes", episodeFileId=file["id"])]
            self.sim.history.write("episodeFileRenamed", refs, about, data)
        if renamed:
            self.sim.store.touch()
            body = {"series": hook_series(self.sim, row), "renamedEpisodeFiles": renamed}
            self.sim.fire("onRename", "Rename", body, row["tags"])
            self.sim.tell(row)
        return len(renamed)


def videos(folder: Path) -> list[Path]:
    """All videos below a folder."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEO and not p.name.startswith("."))


def _ref(each: Row) -> Row:
    return {"episodeId": each["id"], "seriesId": each["seriesId"]}


def _pascal(word: str) -> str:
    return word[:1].upper() + word[1:]


def _into(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    place(source, target)
