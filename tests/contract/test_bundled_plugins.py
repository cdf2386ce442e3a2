"""The bundled plugins under the same contracts that a third party's plugin is held to, over their simulators.

A plugin's own tests go deeper; these hold what the core relies on, the same for all.
"""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import httpx

from vaderflix_core.api import ExternalIds, MediaKind
from vaderflix_core.plugins.loader import load_plugins
from vaderflix_core.testing.contracts import (
    Call,
    DownloaderContract,
    HealthCheckContract,
    MediaSourceContract,
    RequesterContract,
)

URL = "http://simulated.test"


class Simulated:
    """A contract whose service is the plugin's own simulator, a fresh one for each class."""

    plugin: ClassVar[str]
    settings: ClassVar[dict[str, Any]]
    simulator: ClassVar[Any]

    def __init_subclass__(cls) -> None:
        record = load_plugins(disabled=())[cls.plugin]
        folder = Path(tempfile.mkdtemp(prefix="vaderflix-contract-"))
        for name in ("own", "media"):
            (folder / name).mkdir()
        cls.simulator = record.call("simulator").make(folder / "own", folder / "media")
        cls.settings = cls.simulator.settings(URL)
        super().__init_subclass__()

    async def service(self, request: httpx.Request) -> httpx.Response:
        return await httpx.ASGITransport(app=self.simulator.app).handle_async_request(request)


class TestPlex(Simulated, MediaSourceContract):
    plugin = "plex"


class TestPlexHealth(Simulated, HealthCheckContract):
    plugin = "plex"


class TestRadarr(Simulated, RequesterContract):
    plugin = "radarr"
    query = "living dead"
    ids = ExternalIds(tmdb=10331)
    title = "Night of the Living Dead"


class TestRadarrHealth(Simulated, HealthCheckContract):
    plugin = "radarr"


class TestSonarr(Simulated, RequesterContract):
    plugin = "sonarr"
    kind = MediaKind.SERIES
    query = "one step"
    ids = ExternalIds(tvdb=9000201)
    title = "One Step Beyond"


class TestSonarrHealth(Simulated, HealthCheckContract):
    plugin = "sonarr"


class TestQbittorrent(Simulated, DownloaderContract):
    plugin = "qbittorrent"

    def calls(self) -> list[Call]:
        downloads, act, add = super().calls()
        return [add, downloads, act]


class TestQbittorrentHealth(Simulated, HealthCheckContract):
    plugin = "qbittorrent"


class TestDockerHealth(Simulated, HealthCheckContract):
    plugin = "docker_health"
