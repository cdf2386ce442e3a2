"""How far a film is, asked of Radarr itself."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from vaderflix_arr.replay import RECORDED_AT, Replay, instance, played, recording
from vaderflix_core.api import (
    BadAnswer,
    ExternalIds,
    MediaKind,
    MediaRequest,
    Reason,
    Secret,
    Stage,
    Ticket,
    Unavailable,
)
from vaderflix_radarr.requester import Radarr
from vaderflix_radarr.settings import RadarrSettings

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
API = "/api/v3"
GENERAL = MediaRequest(id=1, kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=961), title="The General")
MOVIE = {"id": 9, "tmdbId": 961, "monitored": True, "isAvailable": True}
TICKET = Ticket(remote_id="9")


class Clock:
    def __init__(self) -> None:
        self.now = RECORDED_AT

    def __call__(self) -> datetime:
        return self.now


def answer(file: str) -> Any:
    return recording(DATA / f"{file}.json")["response"]


def world(
    movie: dict[str, Any] | None, *, queue: Any = (), history: Any = (), health: Any = (), commands: Any = ()
) -> Replay:
    made = Replay()
    made.on("GET", f"{API}/movie/9", movie) if movie else made.on(
        "GET", f"{API}/movie/9", played(recording(DATA / "error-404-unknown-id.json"))
    )
    made.on("GET", f"{API}/queue", {"totalRecords": len(queue), "records": list(queue)})
    made.on("GET", f"{API}/history/movie", list(history))
    made.on("GET", f"{API}/health", list(health))
    made.on("GET", f"{API}/command", list(commands))
    made.on("POST", f"{API}/command", {"id": 1}, status=201)
    return made


def radarr(replay: Replay, clock: Any = None) -> Radarr:
    settings = RadarrSettings(url="http://radarr.test", api_key=Secret("key"))
    return Radarr(instance(settings, replay, clock or Clock()))


async def test_a_film_with_a_file_is_there() -> None:
    made = world({**MOVIE, "hasFile": True})
    assert (await radarr(made).progress(TICKET, GENERAL)).stage is Stage.IMPORTED
    assert made.sent("POST", f"{API}/command") == []


async def test_a_running_download_has_figures_and_radarr_is_asked_to_look_again_politely() -> None:
    row = {**recording(DATA / "queue-frames-download-to-import.json")[2]["queue"]["records"][0], "movieId": 9}
    other = {**row, "movieId": 4, "downloadId": "FF"}
    made = world(MOVIE, queue=[row, other])
    clock = Clock()
    provider = radarr(made, clock)
    found = await provider.progress(TICKET, GENERAL)
    assert (found.stage, found.size, found.download_ids) == (
        Stage.DOWNLOADING, 48364417, ("e4eddcd3227173881d412d03fd27af77582ec69a",),
    )  # fmt: skip
    for _ in range(5):
        await provider.progress(TICKET, GENERAL)
    assert made.sent("POST", f"{API}/command") == [{"name": "RefreshMonitoredDownloads"}]
    clock.now += timedelta(seconds=20)
    await provider.progress(TICKET, GENERAL)
    assert len(made.sent("POST", f"{API}/command")) == 2


async def test_nothing_is_nudged_while_nothing_downloads() -> None:
    made = world(MOVIE)
    assert (await radarr(made).progress(TICKET, GENERAL)).stage is Stage.SEARCHING
    assert made.sent("POST", f"{API}/command") == []


async def test_an_unreleased_film_waits() -> None:
    movie = {**answer("add-unreleased-with-search"), "id": 9, "tmdbId": 961}
    assert (await radarr(world(movie)).progress(TICKET, GENERAL)).reason is Reason.NOT_RELEASED


async def test_a_completed_search_for_this_film_that_found_nothing_says_so() -> None:
    done = {**recording(DATA / "command-movies-search-lifecycle.json")[-1]}
    mine = {**done, "body": {"movieIds": [9]}}
    assert (await radarr(world(MOVIE, commands=[mine])).progress(TICKET, GENERAL)).reason is Reason.NO_RELEASE
    assert (await radarr(world(MOVIE, commands=[done])).progress(TICKET, GENERAL)).reason is None


async def test_a_dead_downloader_empties_the_queue_and_is_named() -> None:
    made = world(
        MOVIE,
        history=answer("history-movie-after-torrent-removed-by-hand"),
        health=answer("health-download-client-down"),
    )
    found = await radarr(made).progress(TICKET, GENERAL)
    assert (found.stage, found.reason) == (Stage.DOWNLOADING, Reason.DOWNLOADER_DOWN)


async def test_a_torrent_removed_by_hand_is_named_once_its_absence_has_lasted() -> None:
    made = world(MOVIE, history=answer("history-movie-after-torrent-removed-by-hand"))
    clock = Clock()
    provider = radarr(made, clock)
    assert (await provider.progress(TICKET, GENERAL)).reason is None
    clock.now += timedelta(minutes=2)
    assert (await provider.progress(TICKET, GENERAL)).reason is Reason.REMOVED_BY_HAND


async def test_absence_while_the_downloader_was_down_does_not_count() -> None:
    made = world(MOVIE, history=answer("history-movie-after-torrent-removed-by-hand"))
    clock = Clock()
    provider = radarr(made, clock)
    await provider.progress(TICKET, GENERAL)
    made.on("GET", f"{API}/health", answer("health-download-client-down"))
    clock.now += timedelta(minutes=2)
    await provider.progress(TICKET, GENERAL)
    made.on("GET", f"{API}/health", [])
    clock.now += timedelta(seconds=5)
    assert (await provider.progress(TICKET, GENERAL)).reason is None


async def test_gone_needs_radarrs_word_twice() -> None:
    made = world(None)
    made.on("GET", f"{API}/movie", [])
    assert (await radarr(made).progress(TICKET, GENERAL)).stage is Stage.GONE


async def test_a_film_added_anew_under_another_number_is_followed() -> None:
    made = world(None)
    made.on("GET", f"{API}/movie", [{**MOVIE, "id": 12, "hasFile": True}])
    assert (await radarr(made).progress(TICKET, GENERAL)).stage is Stage.IMPORTED


async def test_a_number_that_names_another_film_by_now_is_not_believed() -> None:
    made = world({**MOVIE, "tmdbId": 5, "hasFile": True})
    made.on("GET", f"{API}/movie", [])
    assert (await radarr(made).progress(TICKET, GENERAL)).stage is Stage.GONE


async def test_an_answer_that_holds_nothing_is_not_gone() -> None:
    made = world(None)
    made.on("GET", f"{API}/movie/9", {})
    made.on("GET", f"{API}/movie", [])
    with pytest.raises(BadAnswer):
        await radarr(made).progress(TICKET, GENERAL)


@pytest.mark.parametrize(
    "broken",
    [
        httpx.Response(404, text="404 page not found"),
        httpx.Response(404, json={"message": "NotFound"}),
        httpx.Response(502, text="<html>bad gateway</html>"),
    ],
)
async def test_an_error_page_is_not_gone(broken: httpx.Response) -> None:
    made = world(None)
    made.on("GET", f"{API}/movie", broken)
    with pytest.raises(Unavailable):
        await radarr(made).progress(TICKET, GENERAL)


@pytest.mark.parametrize("path", ["/queue", "/history/movie", "/health", "/command"])
async def test_what_cannot_be_read_is_unknown_and_raises(path: str) -> None:
    made = world(MOVIE)
    for status in (500, 404):
        made.on("GET", API + path, httpx.Response(status, json={"message": "database is locked"}))
        with pytest.raises(Unavailable):
            await radarr(made).progress(TICKET, GENERAL)


async def test_a_number_that_names_the_film_in_another_catalogue_only_is_believed() -> None:
    made = world({**MOVIE, "imdbId": "tt0017925", "hasFile": True, "tmdbId": 0})
    assert (await radarr(made).progress(TICKET, GENERAL)).stage is Stage.IMPORTED
