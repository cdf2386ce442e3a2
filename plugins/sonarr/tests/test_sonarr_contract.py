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
    plugin = "sonarr"
    settings: dict[str, Any] = {  # noqa: RUF012 - as the contract declares it
        "url": "http://sonarr.test",
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
            "series-season-1-complete",
        ):
            made.play(recording(DATA / f"{file}.json"))
        series = recording(DATA / "series-season-1-complete.json")["response"]
        made.on("GET", f"{API}/series/lookup", [series])
        made.on("GET", f"{API}/series", [series])
        made.on("PUT", f"{API}/series/2", series, status=202)
        made.on("PUT", f"{API}/episode/monitor", [], status=202)
        made.on("GET", f"{API}/episode", recording(DATA / "episodes.json")["response"])
        made.on("GET", f"{API}/history/series", recording(DATA / "history-series-season.json")["response"])
        made.on("GET", f"{API}/queue", {"totalRecords": 0, "records": []})
        made.on("GET", f"{API}/command", [])
        made.on("POST", f"{API}/command", {"id": 1}, status=201)
        made.on("GET", f"{API}/diskspace", [])
        return made.handle_async_request(request)


class TestSonarrRequests(Recorded, RequesterContract):
    kind = MediaKind.SERIES
    ids = ExternalIds(tvdb=910001)
    title = "Harbour Lights"
    remote_id = "2"


class TestSonarrHealth(Recorded, HealthCheckContract):
    pass
