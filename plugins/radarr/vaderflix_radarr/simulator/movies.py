"""Movies as Radarr's API and webhooks word them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from vaderflix_arr.simulator.covers import images
from vaderflix_arr.simulator.http import Row
from vaderflix_arr.simulator.names import clean_title, folder_name, sort_title
from vaderflix_arr.simulator.quality import ENGLISH, hook_media_info, media_info
from vaderflix_arr.simulator.store import NEVER, moment, stamp
from vaderflix_core.testing import Title

if TYPE_CHECKING:
    from . import RadarrSimulator


def dates(title: Title) -> tuple[datetime, datetime, datetime]:
    """In cinemas, digital, physical. An unreleased film comes out in months to come."""
    now = datetime.now(UTC)
    cinemas = datetime(title.year, 1, 15, tzinfo=UTC)
    if not title.released and cinemas < now + timedelta(days=60):
        cinemas = (now + timedelta(days=200)).replace(hour=0, minute=0, second=0, microsecond=0)
    return cinemas, cinemas + timedelta(days=30), cinemas + timedelta(days=60)


def available(sim: RadarrSimulator, row: Row) -> bool:
    """Whether a search may take it: what its minimum availability asks for is reached."""
    title = sim.title_of(row)
    if title is None or row["minimumAvailability"] in ("tba", "announced"):
        return title is not None
    cinemas, digital, _ = dates(title)
    return (cinemas if row["minimumAvailability"] == "inCinemas" else digital) <= datetime.now(UTC)


def metadata(title: Title) -> Row:
    """The part of a movie that the metadata service knows, up to the images."""
    cinemas, digital, physical = dates(title)
    status = "released" if title.released else "announced"
    return {
        "title": title.title,
        "originalTitle": title.title,
        "originalLanguage": ENGLISH,
        "secondaryYearSourceId": 0,
        "sortTitle": sort_title(title.title),
        "status": status,
        "overview": title.overview,
        "inCinemas": stamp(cinemas),
        "physicalRelease": stamp(physical),
        "digitalRelease": stamp(digital),
        "releaseDate": stamp(digital),
        "website": "",
        "year": title.year,
        "youTubeTrailerId": "",
        "studio": title.studio,
        "runtime": title.runtime_minutes,
        "cleanTitle": clean_title(title.title),
        **({"imdbId": title.ids.imdb} if title.ids.imdb else {}),
        "tmdbId": title.ids.tmdb,
        "titleSlug": str(title.ids.tmdb),
        **({"certification": title.certification} if title.certification else {}),
        "genres": list(title.genres),
        "keywords": [],
        "ratings": {
            "imdb": {"votes": 2000, "value": title.rating, "type": "user"},
            "tmdb": {"votes": 100, "value": title.rating, "type": "user"},
        },
        "popularity": 12.5,
    }


def alternates(title: Title, ident: int) -> list[Row]:
    """The alternative titles: one, so that the field is not always empty."""
    row: Row = {"sourceType": "tmdb", "movieMetadataId": ident, "title": f"{title.title} ({title.year})"}
    return [{**row, "id": ident} if ident else row]


def fresh(sim: RadarrSimulator, title: Title, *, lookup: bool) -> Row:
    """A movie that is not in the library, as lookups show it."""
    row = metadata(title)
    row |= {"alternateTitles": alternates(title, 0), "images": images(sim, title, None, lookup)}
    row |= {"qualityProfileId": 0, "movieFileId": 0, "monitored": False, "minimumAvailability": "tba"}
    row |= {"isAvailable": title.released, "folderName": "", "tags": [], "added": NEVER}
    if lookup:
        row["remotePoster"] = row["images"][0]["remoteUrl"]
        row["folder"] = folder(title)
    return row


def folder(title: Title) -> str:
    """The name of its folder."""
    return f"{folder_name(title.title)} ({title.year})"


def movie(
    sim: RadarrSimulator,
    row: Row,
    *,
    counted: bool = True,
    rooted: bool = True,
    covers: bool = True,
    others: bool = True,
) -> Row:
    """A library movie. `counted` adds files and statistics, `rooted` the root folder, `covers` local image urls."""
    title = sim.title_of(row)
    assert title is not None
    file = file_of(sim, row["id"])
    shown = metadata(title)
    shown["alternateTitles"] = alternates(title, row["id"]) if others and row["refreshed"] else []
    shown["images"] = images(sim, title, row["id"], covers, row["refreshed"])
    shown |= {"path": row["path"], "qualityProfileId": row["qualityProfileId"]}
    shown |= {"movieFileId": file["id"] if file else 0, "monitored": row["monitored"]}
    shown |= {"minimumAvailability": row["minimumAvailability"], "isAvailable": available(sim, row)}
    shown |= {"folderName": row["path"], "tags": row["tags"], "added": row["added"]}
    for name in ("addOptions", "lastSearchTime"):
        if row.get(name):
            shown[name] = row[name]
    if rooted:
        shown["rootFolderPath"] = row["rootFolderPath"]
    if counted:
        size = file["size"] if file else 0
        shown |= {"sizeOnDisk": size, "hasFile": file is not None}
        groups = [file["releaseGroup"]] if file and file["releaseGroup"] else []
        shown["statistics"] = {"movieFileCount": 1 if file else 0, "sizeOnDisk": size, "releaseGroups": groups}
    return {**shown, "id": row["id"]}


def full(sim: RadarrSimulator, row: Row) -> Row:
    """GET movie/{id}: everything, with its file."""
    shown = movie(sim, row)
    file = file_of(sim, row["id"])
    if file is not None:
        ident = shown.pop("id")
        shown = {**shown, "movieFile": file_resource(sim, file, formats=False), "id": ident}
    return shown


def file_of(sim: RadarrSimulator, movie_id: int) -> Row | None:
    """The file of a movie."""
    return next(iter(sim.store.where("files", movieId=movie_id)), None)


def file_resource(sim: RadarrSimulator, file: Row, *, formats: bool = True) -> Row:
    """GET moviefile/{id}."""
    row: Row = {
        "movieId": file["movieId"],
        "relativePath": file["relativePath"],
        "path": file["path"],
        "size": file["size"],
        "dateAdded": file["dateAdded"],
    }
    if file["sceneName"]:
        row["sceneName"] = file["sceneName"]
    row |= {"releaseGroup": file["releaseGroup"], "edition": "", "languages": [ENGLISH], "quality": file["quality"]}
    if formats:
        row |= {"customFormats": [], "customFormatScore": 0}
    row |= {"indexerFlags": 0, "mediaInfo": media_info(file["codec"]), "originalFilePath": file["originalFilePath"]}
    return {**row, "qualityCutoffNotMet": sim.below_cutoff(file["quality"]), "id": file["id"]}


def hook_movie(sim: RadarrSimulator, row: Row) -> Row:
    """A movie in a webhook."""
    title = sim.title_of(row)
    assert title is not None
    shown: Row = {"id": row["id"], "title": title.title, "year": title.year}
    shown["releaseDate"] = dates(title)[2].strftime("%Y-%m-%d")
    shown |= {"folderPath": row["path"], "tmdbId": title.ids.tmdb}
    if title.ids.imdb:
        shown["imdbId"] = title.ids.imdb
    shown |= {"overview": title.overview, "genres": list(title.genres)}
    shown["images"] = images(sim, title, row["id"], True, row["refreshed"])
    return {**shown, "tags": sim.labels(row["tags"]), "originalLanguage": ENGLISH}


def hook_remote(sim: RadarrSimulator, row: Row) -> Row:
    """What the release was matched with."""
    title = sim.title_of(row)
    assert title is not None
    ids = {"tmdbId": title.ids.tmdb, **({"imdbId": title.ids.imdb} if title.ids.imdb else {})}
    return {**ids, "title": title.title, "year": title.year}


def hook_file(file: Row, source: str | None = None) -> Row:
    """A file in a webhook."""
    row: Row = {"id": file["id"], "relativePath": file["relativePath"], "path": file["path"]}
    row |= {"quality": file["quality"]["quality"]["name"], "qualityVersion": 1, "releaseGroup": file["releaseGroup"]}
    if file["sceneName"]:
        row["sceneName"] = file["sceneName"]
    dated = moment(file["dateAdded"]).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    row |= {"indexerFlags": "0", "size": file["size"], "dateAdded": dated, "languages": [ENGLISH]}
    row["mediaInfo"] = hook_media_info(file["codec"])
    return {**row, "sourcePath": source} if source else row
