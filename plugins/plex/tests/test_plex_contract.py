"""The contracts that every media source and health check holds to, over the simulated server."""

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import httpx

from vaderflix_core.api import ExternalIds, MediaKind
from vaderflix_core.testing import HealthCheckContract, MediaSourceContract
from vaderflix_plex.simulator import TOKEN, PlexSimulator


@lru_cache(maxsize=1)
def transport():
    folder = Path(tempfile.mkdtemp(prefix="vaderflix-plex-"))
    return httpx.ASGITransport(PlexSimulator(folder, folder / "media").app)


class Simulated:
    """A well-behaved server."""

    plugin = "plex"
    settings: ClassVar = {"url": "http://plex.test:32400", "token": TOKEN}

    def service(self, request):
        return transport().handle_async_request(request)


class TestPlexFilms(Simulated, MediaSourceContract):
    ids = ExternalIds(imdb="tt0013442")
    key = "7"


class TestPlexSeries(Simulated, MediaSourceContract):
    kind = MediaKind.SERIES
    ids = ExternalIds(tvdb=9000201)
    key = "15"


class TestPlexHealth(Simulated, HealthCheckContract):
    pass
