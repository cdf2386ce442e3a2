"""Sonarr's own facts: its qualities, its configuration pages, the numbers of its events."""

from __future__ import annotations

from vaderflix_arr.simulator.http import Row
from vaderflix_arr.simulator.quality import Qualities, Quality

# id, name, source, resolution, weight
_ROWS = (
    (0, "Unknown", "unknown", 0, 1),
    (1, "SDTV", "television", 480, 2),
    (12, "WEBRip-480p", "webRip", 480, 3),
    (8, "WEBDL-480p", "web", 480, 3),
    (2, "DVD", "dvd", 480, 4),
    (13, "Bluray-480p", "bluray", 480, 5),
    (22, "Bluray-576p", "bluray", 576, 6),
    (4, "HDTV-720p", "television", 720, 7),
    (9, "HDTV-1080p", "television", 1080, 8),
    (10, "Raw-HD", "televisionRaw", 1080, 9),
    (14, "WEBRip-720p", "webRip", 720, 10),
    (5, "WEBDL-720p", "web", 720, 10),
    (6, "Bluray-720p", "bluray", 720, 11),
    (15, "WEBRip-1080p", "webRip", 1080, 12),
    (3, "WEBDL-1080p", "web", 1080, 12),
    (7, "Bluray-1080p", "bluray", 1080, 13),
    (20, "Bluray-1080p Remux", "blurayRaw", 1080, 14),
    (16, "HDTV-2160p", "television", 2160, 15),
    (17, "WEBRip-2160p", "webRip", 2160, 16),
    (18, "WEBDL-2160p", "web", 2160, 16),
    (19, "Bluray-2160p", "bluray", 2160, 17),
    (21, "Bluray-2160p Remux", "blurayRaw", 2160, 18),
)

EVENTS = {
    1: "grabbed",
    2: "seriesFolderImported",
    3: "downloadFolderImported",
    4: "downloadFailed",
    5: "episodeFileDeleted",
    6: "episodeFileRenamed",
    7: "downloadIgnored",
}

FLAGS = (
    *("Grab", "Download", "Upgrade", "ImportComplete", "Rename", "SeriesAdd", "SeriesDelete", "EpisodeFileDelete"),
    *("EpisodeFileDeleteForUpgrade", "HealthIssue", "HealthRestored", "ApplicationUpdate"),
    "ManualInteractionRequired",
)

TAG_LISTS = (
    *("delayProfileIds", "importListIds", "notificationIds", "restrictionIds", "excludedReleaseProfileIds"),
    *("indexerIds", "downloadClientIds", "autoTagIds"),
)


def qualities() -> Qualities:
    """Sonarr's qualities and profiles."""
    names = ("id", "name", "source", "resolution", "weight")
    rows = tuple(Quality(**dict(zip(names, row, strict=True))) for row in _ROWS)  # type: ignore[arg-type]
    return Qualities(rows, sized=True, language=False)


def configuration() -> dict[str, Row]:
    """What only Sonarr's configuration pages say."""
    media = {
        "autoUnmonitorPreviouslyDownloadedEpisodes": False,
        "createEmptySeriesFolders": False,
        "episodeTitleRequired": "always",
        "userRejectedExtensions": "",
        "seasonPackUpgrade": "all",
        "seasonPackUpgradeThreshold": 100,
    }
    episode = "{Series Title} - S{season:00}E{episode:00} - {Episode Title} {Quality Full}"
    naming = {
        "renameEpisodes": False,
        "replaceIllegalCharacters": True,
        "colonReplacementFormat": 4,
        "customColonReplacementFormat": "",
        "multiEpisodeStyle": 5,
        "standardEpisodeFormat": episode,
        "dailyEpisodeFormat": "{Series Title} - {Air-Date} - {Episode Title} {Quality Full}",
        "animeEpisodeFormat": episode,
        "seriesFolderFormat": "{Series Title}",
        "seasonFolderFormat": "Season {season:00}",
        "specialsFolderFormat": "Specials",
    }
    return {"downloadclient": {}, "mediamanagement": media, "naming": naming}
