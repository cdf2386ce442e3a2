"""Series, seasons and episodes as Sonarr's API and webhooks word them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.covers import images
from vaderflix_arr.simulator.http import Row
from vaderflix_arr.simulator.names import clean_title, folder_name, sort_title
from vaderflix_arr.simulator.quality import ENGLISH, hook_media_info, media_info
from vaderflix_arr.simulator.store import NEVER, moment, stamp
from vaderflix_core.testing import Title

if TYPE_CHECKING:
    from . import SonarrSimulator


def aired(episode: Row) -> bool:
    """Whether an episode has been shown."""
    return bool(episode.get("airDateUtc")) and moment(episode["airDateUtc"]) <= datetime.now(UTC)


def slug_of(title: Title) -> str:
    """The title's slug in Sonarr's own URLs."""
    return title.title.lower().replace(" ", "-")


def metadata(title: Title) -> Row:
    """What the metadata service knows of a series, up to its images and seasons."""
    dates = sorted(e.air_date for s in title.seasons if s.number for e in s.episodes if e.air_date)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    status = "ended"
    if not title.released or not dates or dates[0] > today:
        status = "upcoming"
    elif dates[-1] > today:
        status = "continuing"
    row: Row = {
        "title": title.title,
        "sortTitle": sort_title(title.title),
        "status": status,
        "ended": status == "ended",
        "overview": title.overview,
        "network": title.studio or "Network",
        "airTime": "20:00",
        "originalLanguage": ENGLISH,
        "year": title.year,
        "useSceneNumbering": False,
        "runtime": title.runtime_minutes,
        "tvdbId": title.ids.tvdb or 0,
        "tvRageId": 0,
        "tvMazeId": 0,
        "tmdbId": title.ids.tmdb or 0,
    }
    if dates:
        row |= {"firstAired": f"{dates[0]}T00:00:00Z", "lastAired": f"{dates[-1]}T00:00:00Z"}
    row["cleanTitle"] = clean_title(title.title)
    if title.ids.imdb:
        row["imdbId"] = title.ids.imdb
    row["titleSlug"] = slug_of(title)
    if title.certification:
        row["certification"] = title.certification
    return {**row, "genres": list(title.genres), "ratings": {"votes": 50, "value": title.rating}}


def plain_statistics(title: Title) -> Row:
    """The zeros that lookups and adds show."""
    zeros = dict.fromkeys(("episodeFileCount", "episodeCount", "totalEpisodeCount", "sizeOnDisk"), 0)
    return {"seasonCount": sum(1 for season in title.seasons if season.number), **zeros, "percentOfEpisodes": 0}


def fresh(sim: SonarrSimulator, title: Title) -> Row:
    """A series that is not in the library, as lookups show it."""
    pictures = images(sim, title, None, True)
    row = {**metadata(title), "images": pictures, "remotePoster": pictures[0]["remoteUrl"]}
    row["seasons"] = [{"seasonNumber": s.number, "monitored": s.number > 0} for s in title.seasons]
    row |= {"qualityProfileId": 0, "seasonFolder": False, "monitored": True, "monitorNewItems": "all"}
    row |= {"seriesType": "standard", "folder": folder_name(title.title), "tags": [], "added": NEVER}
    return {**row, "statistics": plain_statistics(title), "languageProfileId": 1}


def statistics(sim: SonarrSimulator, episodes: list[Row], *, fifth: bool = False) -> Row:
    """How complete these episodes are. episodeCount counts what has aired and is monitored, and what is there."""
    files = {e["episodeFileId"] for e in episodes if e["episodeFileId"]}
    rows = [file for file in sim.store.rows("files") if file["id"] in files]
    held = sum(1 for e in episodes if e["episodeFileId"])
    count = sum(1 for e in episodes if e["episodeFileId"] or (e["monitored"] and aired(e)))
    shown: Row = {}
    watched = [e["airDateUtc"] for e in episodes if e["monitored"] and e.get("airDateUtc")]
    now = stamp()
    if any(date > now for date in watched):
        shown["nextAiring"] = min(date for date in watched if date > now)
    if any(date <= now for date in watched):
        shown["previousAiring"] = max(date for date in watched if date <= now)
    shown |= {"episodeFileCount": held, "episodeCount": count, "totalEpisodeCount": len(episodes)}
    if fifth:
        shown["monitoredEpisodeCount"] = sum(1 for e in episodes if e["monitored"])
    shown["sizeOnDisk"] = sum(file["size"] for file in rows)
    shown["releaseGroups"] = sorted({file["releaseGroup"] for file in rows if file["releaseGroup"]})
    if fifth:
        shown["releaseTypes"] = sorted({file["releaseType"] for file in rows})
        shown["episodeFileQualities"] = list(
            {f["quality"]["quality"]["id"]: f["quality"]["quality"] for f in rows}.values()
        )
    return {**shown, "percentOfEpisodes": 100 * held / count if count else 0}


def series(
    sim: SonarrSimulator, row: Row, *, counted: bool = True, covers: bool = True, new: bool = False, fifth: bool = False
) -> Row:
    """A library series. `counted` adds statistics and the root folder; `new` is what the answer to an add shows."""
    title = sim.title_of(row)
    assert title is not None
    episodes = sim.store.where("episodes", seriesId=row["id"])
    shown = metadata(title)
    shown["images"] = images(sim, title, row["id"], covers, row["refreshed"])
    seasons: list[Row] = [dict(season) for season in row["seasons"]]
    whole: Row = plain_statistics(title)
    if counted and not new:
        for season in seasons:
            own = [e for e in episodes if e["seasonNumber"] == season["seasonNumber"]]
            season["statistics"] = statistics(sim, own, fifth=fifth)
        whole = statistics(sim, episodes, fifth=fifth)
        for name in ("nextAiring", "previousAiring"):
            if name in whole:
                shown[name] = whole.pop(name)
        whole = {"seasonCount": sum(1 for season in seasons if season["seasonNumber"]), **whole}
    shown["seasons"] = seasons
    names = ("path", "qualityProfileId", "seasonFolder", "monitored", "monitorNewItems", "seriesType", "tags", "added")
    shown |= {name: row[name] for name in names}
    if row.get("addOptions"):
        shown["addOptions"] = row["addOptions"]
    if counted:
        shown |= {"alternateTitles": [], "rootFolderPath": row["rootFolderPath"], "statistics": whole}
    if fifth:
        shown |= {"malIds": [], "aniListIds": [], "originalCountry": "usa"}
    else:
        shown["languageProfileId"] = 1
    return {**shown, "id": row["id"]}


def episode(sim: SonarrSimulator, row: Row, *, with_file: bool = False) -> Row:
    """An episode."""
    shown = {
        name: row[name] for name in ("seriesId", "tvdbId", "episodeFileId", "seasonNumber", "episodeNumber", "title")
    }
    for name in ("airDate", "airDateUtc", "lastSearchTime"):
        if row.get(name):
            shown[name] = row[name]
    shown["runtime"] = row["runtime"]
    if row.get("finaleType"):
        shown["finaleType"] = row["finaleType"]
    shown["overview"] = f"{row['title']}, episode {row['episodeNumber']} of season {row['seasonNumber']}."
    if with_file and row["episodeFileId"]:
        file = sim.store.get("files", row["episodeFileId"])
        if file is not None:
            shown["episodeFile"] = file_resource(sim, file)
    shown |= {"hasFile": bool(row["episodeFileId"]), "monitored": row["monitored"]}
    if row["seasonNumber"]:
        shown["absoluteEpisodeNumber"] = row["absolute"]
    return {**shown, "unverifiedSceneNumbering": False, "id": row["id"]}


def file_resource(sim: SonarrSimulator, file: Row) -> Row:
    """GET episodefile/{id}."""
    shown = {name: file[name] for name in ("seriesId", "seasonNumber", "relativePath", "path", "size", "dateAdded")}
    if file["sceneName"]:
        shown["sceneName"] = file["sceneName"]
    shown |= {"releaseGroup": file["releaseGroup"], "languages": [ENGLISH], "quality": file["quality"]}
    shown |= {"customFormats": [], "customFormatScore": 0, "indexerFlags": 0, "releaseType": file["releaseType"]}
    shown["mediaInfo"] = media_info(file["codec"])
    return {**shown, "qualityCutoffNotMet": sim.below_cutoff(file["quality"]), "id": file["id"]}


def hook_series(sim: SonarrSimulator, row: Row) -> Row:
    """A series in a webhook."""
    title = sim.title_of(row)
    assert title is not None
    shown: Row = {"id": row["id"], "title": title.title, "titleSlug": slug_of(title), "path": row["path"]}
    shown |= {"tvdbId": title.ids.tvdb, "tvMazeId": 0, "tmdbId": title.ids.tmdb or 0}
    if title.ids.imdb:
        shown["imdbId"] = title.ids.imdb
    shown |= {"malIds": [], "aniListIds": [], "type": row["seriesType"], "year": title.year}
    shown |= {"genres": list(title.genres), "images": images(sim, title, row["id"], True, row["refreshed"])}
    return {**shown, "tags": sim.labels(row["tags"]), "originalLanguage": ENGLISH, "originalCountry": "usa"}


def hook_episode(row: Row) -> Row:
    """An episode in a webhook."""
    shown = {name: row[name] for name in ("id", "episodeNumber", "seasonNumber", "title")}
    shown["overview"] = f"{row['title']}, episode {row['episodeNumber']} of season {row['seasonNumber']}."
    shown |= {name: row[name] for name in ("airDate", "airDateUtc") if row.get(name)}
    shown |= {"seriesId": row["seriesId"], "tvdbId": row["tvdbId"]}
    return {**shown, "finaleType": row["finaleType"]} if row.get("finaleType") else shown


def hook_file(file: Row, source: str | None = None) -> Row:
    """A file in a webhook."""
    row: Row = {"id": file["id"], "relativePath": file["relativePath"], "path": file["path"]}
    row |= {"quality": file["quality"]["quality"]["name"], "qualityVersion": 1, "releaseGroup": file["releaseGroup"]}
    if file["sceneName"]:
        row["sceneName"] = file["sceneName"]
    dated = moment(file["dateAdded"]).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    row |= {"size": file["size"], "dateAdded": dated, "languages": [ENGLISH]}
    row["mediaInfo"] = hook_media_info(file["codec"])
    return {**row, "sourcePath": source} if source else row
