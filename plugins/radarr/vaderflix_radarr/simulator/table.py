"""Radarr's own facts: its qualities, its configuration pages, the numbers of its events."""

from __future__ import annotations

from vaderflix_arr.simulator.http import Row
from vaderflix_arr.simulator.quality import Qualities, Quality

# id, name, source, resolution, weight, modifier
_ROWS = (
    (0, "Unknown", "unknown", 0, 1, "none"),
    (24, "WORKPRINT", "workprint", 0, 2, "none"),
    (25, "CAM", "cam", 0, 3, "none"),
    (26, "TELESYNC", "telesync", 0, 4, "none"),
    (27, "TELECINE", "telecine", 0, 5, "none"),
    (29, "REGIONAL", "dvd", 480, 6, "regional"),
    (28, "DVDSCR", "dvd", 480, 7, "screener"),
    (1, "SDTV", "tv", 480, 8, "none"),
    (2, "DVD", "dvd", 0, 9, "none"),
    (23, "DVD-R", "dvd", 480, 10, "remux"),
    (8, "WEBDL-480p", "webdl", 480, 11, "none"),
    (12, "WEBRip-480p", "webrip", 480, 11, "none"),
    (20, "Bluray-480p", "bluray", 480, 12, "none"),
    (21, "Bluray-576p", "bluray", 576, 13, "none"),
    (4, "HDTV-720p", "tv", 720, 14, "none"),
    (5, "WEBDL-720p", "webdl", 720, 15, "none"),
    (14, "WEBRip-720p", "webrip", 720, 15, "none"),
    (6, "Bluray-720p", "bluray", 720, 16, "none"),
    (9, "HDTV-1080p", "tv", 1080, 17, "none"),
    (3, "WEBDL-1080p", "webdl", 1080, 18, "none"),
    (15, "WEBRip-1080p", "webrip", 1080, 18, "none"),
    (7, "Bluray-1080p", "bluray", 1080, 19, "none"),
    (30, "Remux-1080p", "bluray", 1080, 20, "remux"),
    (16, "HDTV-2160p", "tv", 2160, 21, "none"),
    (18, "WEBDL-2160p", "webdl", 2160, 22, "none"),
    (17, "WEBRip-2160p", "webrip", 2160, 22, "none"),
    (19, "Bluray-2160p", "bluray", 2160, 23, "none"),
    (31, "Remux-2160p", "bluray", 2160, 24, "remux"),
    (22, "BR-DISK", "bluray", 1080, 25, "brdisk"),
    (10, "Raw-HD", "tv", 1080, 26, "rawhd"),
)

EVENTS = {
    1: "grabbed",
    3: "downloadFolderImported",
    4: "downloadFailed",
    6: "movieFileDeleted",
    7: "movieFolderImported",
    8: "movieFileRenamed",
    9: "downloadIgnored",
}

FLAGS = (
    *("Grab", "Download", "Upgrade", "Rename", "MovieAdded", "MovieDelete", "MovieFileDelete"),
    *("MovieFileDeleteForUpgrade", "HealthIssue", "HealthRestored", "ApplicationUpdate", "ManualInteractionRequired"),
)

TAG_LISTS = (
    *("delayProfileIds", "importListIds", "notificationIds", "releaseProfileIds", "indexerIds"),
    *("downloadClientIds", "autoTagIds"),
)


def qualities() -> Qualities:
    """Radarr's qualities and profiles."""
    names = ("id", "name", "source", "resolution", "weight", "modifier")
    rows = tuple(Quality(**dict(zip(names, row, strict=True))) for row in _ROWS)  # type: ignore[arg-type]
    return Qualities(rows, sized=False, language=True)


def configuration() -> dict[str, Row]:
    """What only Radarr's configuration pages say."""
    media = {
        "autoUnmonitorPreviouslyDownloadedMovies": False,
        "createEmptyMovieFolders": False,
        "autoRenameFolders": False,
        "pathsDefaultStatic": False,
    }
    naming = {
        "renameMovies": False,
        "replaceIllegalCharacters": True,
        "colonReplacementFormat": "smart",
        "standardMovieFormat": "{Movie Title} ({Release Year}) {Quality Full}",
        "movieFolderFormat": "{Movie Title} ({Release Year})",
    }
    client = {"checkForFinishedDownloadInterval": 1}
    return {"downloadclient": client, "mediamanagement": media, "naming": naming}
