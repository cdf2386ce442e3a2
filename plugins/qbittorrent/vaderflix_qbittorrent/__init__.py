"""qBittorrent for Vader Flix: shows and steers its downloads."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from vaderflix_core.api import (
    API_VERSION,
    Downloader,
    HealthCheck,
    Instance,
    MenuItem,
    PluginInfo,
    SimulatorSpec,
    hookimpl,
)

from .downloader import Qbittorrent
from .health import QbittorrentHealth
from .settings import QbittorrentSettings

ICON = "M10 3v9M6 8.5 10 12.5l4-4M3.5 13v2.5a1.5 1.5 0 0 0 1.5 1.5h10a1.5 1.5 0 0 0 1.5-1.5V13"


@hookimpl
def plugin() -> PluginInfo:
    """Who we are."""
    return PluginInfo(
        name="qBittorrent",
        summary="Shows and steers downloads, and watches their disk.",
        api=API_VERSION,
        settings=QbittorrentSettings,
        icon=ICON,
    )


@hookimpl
def downloaders(instance: Instance[QbittorrentSettings]) -> Iterable[Downloader]:
    """Its torrents."""
    return [instance.shared(Qbittorrent)]


@hookimpl
def health_checks(instance: Instance[QbittorrentSettings]) -> Iterable[HealthCheck]:
    """Its connection, its disk, its torrents in trouble."""
    return [QbittorrentHealth(instance)]


@hookimpl
def menu(instance: Instance[QbittorrentSettings]) -> Iterable[MenuItem]:
    """Its own Web UI."""
    address = httpx.URL(instance.settings.url).copy_with(userinfo=b"")
    return [MenuItem(label=instance.name, url=str(address))]


# Python puts a submodule into its package under its own name: a function `simulator` would be gone once it is imported
@hookimpl(specname="simulator")
def stand_in() -> SimulatorSpec:
    """Its stand-in for the demo and tests."""
    from .simulator import QbittorrentSimulator

    return SimulatorSpec(instance="qbittorrent", name="qBittorrent", make=QbittorrentSimulator)
