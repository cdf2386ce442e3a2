"""What can be wrong with a qBittorrent that answers: no peers reach it, its disk is full, torrents in trouble."""

from __future__ import annotations

from collections.abc import Sequence

from vaderflix_core.api import HealthReport, Instance, ServiceInfo, Severity

from .client import QbittorrentClient
from .downloader import Qbittorrent
from .inventory import Snapshot
from .settings import QbittorrentSettings
from .wire import ERRORS, MISSING_FILES, Torrent

GB = 1_000_000_000
LOW_SPACE = 10 * GB
NO_SPACE = 1 * GB
NAMED = 3  # torrents named in one message


class QbittorrentHealth:
    """Fills HealthCheck and Connectable."""

    def __init__(self, instance: Instance[QbittorrentSettings]) -> None:
        self._client = instance.shared(QbittorrentClient)
        self._downloader = instance.shared(Qbittorrent)

    async def test(self) -> ServiceInfo:
        """Log in afresh and read the versions."""
        return await self._downloader.test()

    async def check(self) -> list[HealthReport]:
        """All findings now. Raises when qBittorrent cannot be asked."""
        return findings(await self._client.sync())


def findings(snapshot: Snapshot) -> list[HealthReport]:
    """What a snapshot shows to be wrong."""
    found = [*_connection(snapshot.server.connection_status), *_space(snapshot.server.free_space_on_disk)]
    missing = [t for t in snapshot.torrents if t.state == MISSING_FILES]
    errored = [t for t in snapshot.torrents if t.state in ERRORS and t.state != MISSING_FILES]
    if missing:
        text = f"The files of {_named(missing)} are no longer where qBittorrent put them."
        found.append(_report(Severity.WARNING, "torrents_missing_files", text, count=len(missing)))
    if errored:
        text = f"qBittorrent met an error with {_named(errored)} and stopped there. Its log says which."
        found.append(_report(Severity.WARNING, "torrents_errored", text, count=len(errored)))
    return found


def _report(severity: Severity, code: str, message: str, **metrics: float) -> HealthReport:
    return HealthReport(severity=severity, code=code, message=message, metrics=metrics)


def _connection(status: str) -> list[HealthReport]:
    if status == "disconnected":
        text = "qBittorrent has no connection to any peer network. Check its network interface or VPN."
        return [_report(Severity.WARNING, "disconnected", text)]
    if status == "firewalled":
        text = "No peer can reach qBittorrent from outside. Downloads work, but slower. Forward its listening port."
        return [_report(Severity.NOTICE, "firewalled", text)]
    return []


def _space(free: int | None) -> list[HealthReport]:
    if free is None or free >= LOW_SPACE:
        return []
    text = f"The disk that qBittorrent downloads to has {max(free, 0) / GB:.1f} GB left."
    severity = Severity.ERROR if free < NO_SPACE else Severity.WARNING
    return [_report(severity, "disk_low", text, free_bytes=free)]


def _named(torrents: Sequence[Torrent]) -> str:
    names = ", ".join(f"“{torrent.name}”" for torrent in torrents[:NAMED])
    more = len(torrents) - NAMED
    return f"{names} and {more} more" if more > 0 else names
