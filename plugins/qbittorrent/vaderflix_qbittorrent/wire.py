"""The parts of qBittorrent's Web API that we read, as it writes them (4.1 to 5.2), and what they mean to us.

Source: recordings of 4.5.2 and 5.1.0, and the daemon's own behaviour as this plugin's tests see it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from vaderflix_core.api import Download, DownloadState

ETA_UNKNOWN = 8_640_000  # a hundred days: qBittorrent's way to say that it cannot tell

STATES: dict[str, DownloadState] = {
    "error": DownloadState.FAILED,
    "missingFiles": DownloadState.FAILED,
    "uploading": DownloadState.COMPLETE,
    "stalledUP": DownloadState.COMPLETE,
    "queuedUP": DownloadState.COMPLETE,
    "forcedUP": DownloadState.COMPLETE,
    "pausedUP": DownloadState.COMPLETE,
    "stoppedUP": DownloadState.COMPLETE,  # 5.0 and later, for pausedUP
    "checkingUP": DownloadState.CHECKING,
    "allocating": DownloadState.QUEUED,  # before 4.5
    "downloading": DownloadState.DOWNLOADING,
    "forcedDL": DownloadState.DOWNLOADING,
    "metaDL": DownloadState.QUEUED,  # it does not know yet what there is to download
    "forcedMetaDL": DownloadState.QUEUED,
    "queuedDL": DownloadState.QUEUED,
    "pausedDL": DownloadState.PAUSED,
    "stoppedDL": DownloadState.PAUSED,  # 5.0 and later, for pausedDL
    "stalledDL": DownloadState.STALLED,
    "checkingDL": DownloadState.CHECKING,
    "checkingResumeData": DownloadState.CHECKING,
    "moving": DownloadState.MOVING,
    "unknown": DownloadState.UNKNOWN,
}

MISSING_FILES = "missingFiles"
ERRORS = {
    "error": "qBittorrent met an error and stopped this torrent; its log says which.",
    MISSING_FILES: "The files of this torrent are no longer where qBittorrent put them. Put them back and recheck.",
}


class Torrent(Struct, frozen=True, kw_only=True):
    """A torrent of `torrents/info` or, without `hash`, of `sync/maindata`. Sizes in bytes, times in Unix seconds.

    While a magnet's metadata is awaited `size` and `amount_left` are 0 and `total_size` is -1.
    """

    hash: str = ""
    name: str = ""
    state: str = "unknown"
    progress: float = 0.0
    dlspeed: int = 0
    upspeed: int = 0
    eta: int = ETA_UNKNOWN
    size: int = 0
    amount_left: int = 0
    category: str = ""
    added_on: int = 0
    infohash_v1: str = ""
    infohash_v2: str = ""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its other names: a hybrid torrent's `hash` is the head of its v2 hash, while others join by the v1 hash."""
        others = (self.infohash_v1.lower(), self.infohash_v2.lower()[:40])
        return tuple(name for name in others if name and name != self.hash)


class ServerState(Struct, frozen=True, kw_only=True):
    """The daemon's own state. `free_space_on_disk` is that of the default save path; `refresh_interval` is in ms."""

    connection_status: str = ""
    free_space_on_disk: int | None = None
    refresh_interval: int = 1500


class MainData(Struct, frozen=True, kw_only=True):
    """An answer of `sync/maindata`: everything when `full_update`, else what changed since the asked `rid`."""

    rid: int
    full_update: bool = False
    torrents: dict[str, dict[str, Any]] = {}
    torrents_removed: tuple[str, ...] = ()
    server_state: dict[str, Any] = {}


class Added(Struct, frozen=True, kw_only=True):
    """What `torrents/add` answers from 5.2 on."""

    added_torrent_ids: tuple[str, ...] = ()


def state_of(torrent: Torrent) -> DownloadState:
    """What a torrent does; a state that we have never heard of is unknown, not an error."""
    return STATES.get(torrent.state, DownloadState.UNKNOWN)


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def download_of(torrent: Torrent) -> Download:
    """A torrent as the core knows downloads."""
    state = state_of(torrent)
    known = 0 <= torrent.eta < ETA_UNKNOWN and state is not DownloadState.COMPLETE
    return Download(
        id=torrent.hash,
        name=torrent.name,
        state=state,
        progress=min(max(torrent.progress, 0.0), 1.0),
        aliases=torrent.aliases,
        size=max(torrent.size, 0),
        left=max(torrent.amount_left, 0),
        down=max(torrent.dlspeed, 0),
        up=max(torrent.upspeed, 0),
        eta_seconds=torrent.eta if known else None,
        category=torrent.category,
        added_at=_moment(torrent.added_on),
        error=ERRORS.get(torrent.state, ""),
    )
