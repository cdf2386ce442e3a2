"""Films: found, added once, joined where they are."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from vaderflix_arr.replay import RECORDED_AT, Replay, instance, played, recording
from vaderflix_core.api import (
    BadAnswer,
    ExternalIds,
    MediaKind,
    MediaRequest,
    Quality,
    Rejected,
    Secret,
    Ticket,
    Tracked,
    Unavailable,
)
from vaderflix_radarr.requester import Radarr
from vaderflix_radarr.settings import RadarrSettings

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
API = "/api/v3"
GENERAL = MediaRequest(id=1, kind=MediaKind.MOVIE, ids=ExternalIds(tmdb=961), title="The General", year=1926)
STORED = {"id": 9, "tmdbId": 961, "title": "The General", "monitored": True, "isAvailable": True, "hasFile": False}


def answer(file: str) -> Any:
    return recording(DATA / f"{file}.json")["response"]


def radarr(replay: Replay, **settings: Any) -> Radarr:
    given = {"quality_profile": "HD-1080p", "root_folder": "/data/media/movies", **settings}
    return Radarr(instance(RadarrSettings(url="http://radarr.test", api_key=Secret("key"), **given), replay))


def world(stored: list[dict[str, Any]], add: httpx.Response | None = None) -> Replay:
    """A Radarr with its lists, an empty queue, and these films."""
    made = Replay()
    for file in ("qualityprofile", "rootfolder", "tag-one"):
        made.play(recording(DATA / f"{file}.json"))
    made.on("GET", f"{API}/movie", lambda r: httpx.Response(200, json=list(stored)))
    made.on("GET", f"{API}/queue", {"totalRecords": 0, "records": []})
    made.on("GET", f"{API}/health", [])
    made.on("GET", f"{API}/command", [])
    made.on("POST", f"{API}/command", {"id": 1, "name": "x"}, status=201)
    for movie in stored:
        made.on("GET", f"{API}/movie/{movie['id']}", movie)
        made.on("PUT", f"{API}/movie/{movie['id']}", movie, status=202)

    def post(request: httpx.Request) -> httpx.Response:
        if add is not None:
            return add
        stored.append({**STORED, "addOptions": {"searchForMovie": True}})
        return httpx.Response(201, json=stored[-1])

    made.on("POST", f"{API}/movie", post)
    return made


async def test_a_search_gives_titles_with_ids_pictures_and_release_state() -> None:
    made = Replay()
    made.on("GET", f"{API}/movie/lookup", recording(DATA / "movie-lookup-alien.json"))
    found = await radarr(made).search("  /alien ", MediaKind.MOVIE)
    assert made.calls == [("GET", f"{API}/movie/lookup?term=alien")]
    first = found[0]
    assert (first.title, first.ids.tmdb, first.rating, first.tracked, first.released) == ("Alien", 348, 8.5, None, True)
    assert (first.poster or "").startswith("/MediaCoverProxy/")
    assert all("http" not in (c.poster or "") for c in found)


async def test_an_empty_query_or_another_kind_is_not_asked() -> None:
    made = Replay()
    assert await radarr(made).search("  ", MediaKind.MOVIE) == []
    assert await radarr(made).search("alien", MediaKind.SERIES) == []
    assert await radarr(made).lookup(MediaKind.SERIES, ExternalIds(tmdb=1)) is None
    assert made.calls == []


async def test_a_film_of_the_library_says_that_it_is_managed_and_has_a_file() -> None:
    made = Replay()
    made.on("GET", f"{API}/movie/lookup", [answer("movie-with-file")])
    made.on("GET", f"{API}/movie", [answer("movie-with-file")])
    found = await radarr(made).lookup(MediaKind.MOVIE, ExternalIds(imdb="tt0063350"))
    assert found is not None
    assert found.tracked == Tracked(remote_id="2", monitored=True, has_file=True)
    assert found.poster == "/MediaCover/2/poster.jpg?lastWrite=639309914830278008"


async def test_a_lookup_that_answers_another_film_is_no_answer() -> None:
    made = Replay()
    made.on("GET", f"{API}/movie/lookup", answer("lookup-tmdb-id"))
    assert await radarr(made).lookup(MediaKind.MOVIE, ExternalIds(tmdb=10331)) is not None
    assert await radarr(made).lookup(MediaKind.MOVIE, ExternalIds(tmdb=1)) is None


async def test_requests_for_other_copies_are_declined_with_the_reason_and_without_a_call() -> None:
    in_4k = msgspec.structs.replace(GENERAL, quality=Quality.FOUR_K)
    for given, request, gets in (("standard", in_4k, "standard"), ("4k", GENERAL, "4K")):
        made = Replay()
        verdict = await radarr(made, quality=given).consider(request)
        assert (verdict.accepts, verdict.reason) == (False, f"Test gets {gets} copies only.")
        assert made.calls == []
    made = world([])
    made.on("GET", f"{API}/movie/lookup", [{"tmdbId": 961, "title": "The General"}])
    assert (await radarr(made, quality="4k").consider(in_4k)).accepts


async def test_considering_changes_nothing_and_says_why_not() -> None:
    made = world([])
    made.on("GET", f"{API}/system/status", {"appName": "Radarr", "version": "6.0.4"})
    made.on("GET", f"{API}/movie/lookup", [{"tmdbId": 961, "title": "The General"}])
    assert (await radarr(made).consider(GENERAL)).accepts
    refused = await radarr(made, quality_profile="8K").consider(GENERAL)
    assert not refused.accepts
    assert "8K" in refused.reason
    made.on("GET", f"{API}/movie/lookup", [])
    assert not (await radarr(made).consider(GENERAL)).accepts
    assert {method for method, _ in made.calls} == {"GET"}


async def test_an_add_that_is_answered_with_nothing_is_no_ticket() -> None:
    made = world([])
    made.on("POST", f"{API}/movie", {})
    made.on("GET", f"{API}/movie", [])
    with pytest.raises(BadAnswer):
        await radarr(made).submit(GENERAL, "k")


async def test_knowing_no_film_is_a_no_only_of_a_radarr_that_says_who_it_is() -> None:
    made = world([])
    made.on("GET", f"{API}/movie/lookup", [])
    made.on("GET", f"{API}/system/status", {})
    with pytest.raises(BadAnswer):
        await radarr(made).consider(GENERAL)


async def test_a_film_is_added_with_the_settings_and_its_search_left_to_radarr() -> None:
    made = world([])
    ticket = await radarr(made, tags=("requested-by-lab",), minimum_availability="inCinemas").submit(GENERAL, "k")
    assert ticket == Ticket(remote_id="9", detail="Added.")
    assert made.sent("POST", f"{API}/movie") == [
        {
            "title": "The General",
            "tmdbId": 961,
            "qualityProfileId": 4,
            "rootFolderPath": "/data/media/movies",
            "minimumAvailability": "inCinemas",
            "monitored": True,
            "tags": [1],
            "addOptions": {"searchForMovie": True, "monitor": "movieOnly"},
        }
    ]
    assert made.sent("POST", f"{API}/command") == []


async def test_the_same_request_twice_adds_once() -> None:
    made = world([])
    provider = radarr(made)
    first = await provider.submit(GENERAL, "k")
    made.on("GET", f"{API}/movie/9", STORED)
    second = await provider.submit(GENERAL, "k")
    assert (first.remote_id, second.remote_id, second.adopted) == ("9", "9", True)
    assert len(made.sent("POST", f"{API}/movie")) == 1
    assert made.sent("POST", f"{API}/command") == []


async def test_two_requests_for_one_title_at_once_wait_for_each_other() -> None:
    made = world([])
    provider = radarr(made)
    tickets = await asyncio.gather(*(provider.submit(GENERAL, str(n)) for n in range(8)))
    assert {t.remote_id for t in tickets} == {"9"}
    assert len(made.sent("POST", f"{API}/movie")) == 1


async def test_eight_processes_adding_at_once_all_get_the_one_title() -> None:
    stored: list[dict[str, Any]] = []
    made = world(stored)
    answers = [played(exchange) for exchange in recording(DATA / "add-eight-at-once.json")]
    all_looked = asyncio.Barrier(8)

    async def find(request: httpx.Request) -> httpx.Response:
        if not stored:
            await all_looked.wait()  # none of the eight sees the title before all have looked
            return httpx.Response(200, json=[])
        return httpx.Response(200, json=list(stored))

    def post(request: httpx.Request) -> httpx.Response:
        stored[:] = [{**STORED, "addOptions": {"searchForMovie": True}}]
        return answers.pop()

    made.on("GET", f"{API}/movie", find)
    made.on("POST", f"{API}/movie", post)
    tickets = await asyncio.gather(*(radarr(made).submit(GENERAL, "k") for _ in range(8)))
    assert len(made.sent("POST", f"{API}/movie")) == 8
    assert {t.remote_id for t in tickets} == {"9"}
    assert [t.adopted for t in tickets].count(False) == 1


@pytest.mark.parametrize("status", [400, 409])
async def test_a_refused_add_is_adopted_when_the_title_is_there(status: int) -> None:
    stored: list[dict[str, Any]] = []
    made = world(stored)
    made.on("GET", f"{API}/movie/9", STORED)

    def post(request: httpx.Request) -> httpx.Response:
        stored.append(dict(STORED))
        return httpx.Response(status, json={"message": "constraint failed"})

    made.on("POST", f"{API}/movie", post)
    assert (await radarr(made).submit(GENERAL, "k")).adopted


async def test_an_add_whose_answer_was_lost_is_adopted() -> None:
    stored: list[dict[str, Any]] = []
    made = world(stored)

    def post(request: httpx.Request) -> httpx.Response:
        stored.append(dict(STORED))
        raise httpx.ReadError("reset", request=request)

    made.on("POST", f"{API}/movie", post)
    assert (await radarr(made).submit(GENERAL, "k")).remote_id == "9"


async def test_an_add_that_never_arrived_is_tried_again_later() -> None:
    made = world([])

    def post(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    made.on("POST", f"{API}/movie", post)
    with pytest.raises(Unavailable):
        await radarr(made).submit(GENERAL, "k")


async def test_a_proxys_404_does_not_end_a_request() -> None:
    made = world([])
    made.on("GET", f"{API}/movie", httpx.Response(404, text="404 page not found"))
    with pytest.raises(Unavailable):
        await radarr(made).submit(GENERAL, "k")


async def test_a_conflict_without_the_title_is_tried_again_later() -> None:
    with pytest.raises(Unavailable):
        await radarr(world([], httpx.Response(409, json={"message": "constraint failed"}))).submit(GENERAL, "k")


async def test_a_refusal_names_the_setting_to_mend() -> None:
    made = world([], played(recording(DATA / "add-error-bad-profile.json")))
    with pytest.raises(Rejected, match="Quality Profile does not exist") as refused:
        await radarr(made).submit(GENERAL, "k")
    assert (refused.value.field, refused.value.status) == ("quality_profile", 400)


async def test_a_title_the_metadata_does_not_know_is_rejected_in_its_words() -> None:
    made = world([], played(recording(DATA / "add-error-unknown-tmdb.json")))
    with pytest.raises(Rejected, match="A movie with this ID was not found"):
        await radarr(made).submit(GENERAL, "k")


async def test_joining_a_film_monitors_tags_and_searches_it_keeping_what_it_has() -> None:
    made = world([{**STORED, "monitored": False, "tags": [7], "path": "/x", "unknown": {"a": 1}}])
    ticket = await radarr(made, tags=("requested-by-lab",)).submit(GENERAL, "k")
    assert ticket.adopted
    assert made.sent("PUT", f"{API}/movie/9") == [
        {**STORED, "monitored": True, "tags": [1, 7], "path": "/x", "unknown": {"a": 1}}
    ]
    assert made.sent("POST", f"{API}/command") == [{"name": "MoviesSearch", "movieIds": [9]}]


@pytest.mark.parametrize(
    "state",
    [
        {"hasFile": True},
        {"isAvailable": False},  # a search command would take a CAM of it
        {"addOptions": {"searchForMovie": True}},
        {"lastSearchTime": (RECORDED_AT - timedelta(minutes=1)).isoformat()},
    ],
)
async def test_joining_does_not_search_what_has_a_file_is_not_out_or_is_being_searched(state: dict[str, Any]) -> None:
    made = world([{**STORED, **state}])
    assert (await radarr(made).submit(GENERAL, "k")).adopted
    assert made.sent("POST", f"{API}/command") == []


async def test_joining_does_not_search_while_a_download_runs_or_when_searching_is_off() -> None:
    made = world([dict(STORED)])
    made.on("GET", f"{API}/queue", {"totalRecords": 1, "records": [{"id": 1, "movieId": 9}]})
    await radarr(made).submit(GENERAL, "k")
    await radarr(world([dict(STORED)]), search_on_add=False).submit(GENERAL, "k")
    assert made.sent("POST", f"{API}/command") == []


async def test_a_film_known_by_its_imdb_number_alone_is_found_first() -> None:
    made = world([])
    made.on("GET", f"{API}/movie/lookup", [{"tmdbId": 961, "imdbId": "tt0017925", "title": "The General"}])
    request = msgspec.structs.replace(GENERAL, ids=ExternalIds(imdb="tt0017925"))
    assert (await radarr(made).submit(request, "k")).remote_id == "9"


async def test_a_series_is_not_radarrs() -> None:
    series = msgspec.structs.replace(GENERAL, kind=MediaKind.SERIES)
    with pytest.raises(Rejected):
        await radarr(Replay()).submit(series, "k")
    assert not (await radarr(Replay()).consider(series)).accepts
