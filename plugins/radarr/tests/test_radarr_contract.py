"""The kit's contracts, over recorded answers."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import httpx

from vaderflix_arr.replay import Replay, recording
from vaderflix_core.api import ExternalIds, MediaKind
from vaderflix_core.testing import HealthCheckContract, RequesterContract

DATA = Path(__file__).parent / "data"
API = "/api/v3"


class Recorded:
    plugin = "radarr"
    settings: dict[str, Any] = {  # noqa: RUF012 - as the contract declares it
        "url": "http://radarr.test",
        "api_key": "0123456789abcdef0123456789abcdef",
        "quality_profile": "HD-1080p",
    }

    def service(self, request: httpx.Request) -> Awaitable[httpx.Response]:
        made = Replay()
        for file in (
            "system-status",
            "qualityprofile",
            "rootfolder",
            "tag-one",
            "health-download-client-down",
            "movie-with-file",
        ):
            made.play(recording(DATA / f"{file}.json"))
        movie = recording(DATA / "movie-with-file.json")["response"]
        made.on("GET", f"{API}/movie/lookup", [movie])
        made.on("GET", f"{API}/movie", [movie])
        made.on("GET", f"{API}/history/movie", recording(DATA / "history-movie.json")["response"])
        made.on("GET", f"{API}/queue", {"totalRecords": 0, "records": []})
        made.on("GET", f"{API}/command", recording(DATA / "command-movies-search-lifecycle.json"))
        made.on("GET", f"{API}/diskspace", [])
        return made.handle_async_request(request)


class TestRadarrRequests(Recorded, RequesterContract):
    kind = MediaKind.MOVIE
    ids = ExternalIds(tmdb=10331)
    title = "Night of the Living Dead"
    remote_id = "2"


class TestRadarrHealth(Recorded, HealthCheckContract):
    pass
