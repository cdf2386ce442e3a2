"""Series: found by any of their ids, added with the asked seasons, extended where they are."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from vaderflix_arr.replay import RECORDED_AT, Replay, instance, played, recording
from vaderflix_core.api import ExternalIds, MediaKind, MediaRequest, Quality, Rejected, Season, Secret, Ticket
from vaderflix_sonarr.requester import Sonarr
from vaderflix_sonarr.settings import SonarrSettings

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
API = "/api/v3"
LIGHTS = ExternalIds(tvdb=910001)


def answer(file: str) -> Any:
    return recording(DATA / f"{file}.json")["response"]


def request(*seasons: int, ids: ExternalIds = LIGHTS) -> MediaRequest:
    return MediaRequest(id=1, kind=MediaKind.SERIES, ids=ids, title="Harbour Lights", seasons=seasons)


def sonarr(replay: Replay, **settings: Any) -> Sonarr:
    given = {"quality_profile": "HD-1080p", "root_folder": "/data/media/tv", **settings}
    return Sonarr(instance(SonarrSettings(url="http://sonarr.test", api_key=Secret("key"), **given), replay))


def world(series: dict[str, Any] | None = None, episodes: list[dict[str, Any]] | None = None) -> Replay:
    """A Sonarr with its lists, an empty queue, and perhaps Harbour Lights."""
    stored = [series] if series else []
    made = Replay()
    for file in ("qualityprofile", "rootfolder", "tag-one"):
        made.play(recording(DATA / f"{file}.json"))
    made.on("GET", f"{API}/series", lambda r: httpx.Response(200, json=list(stored)))
    made.on("GET", f"{API}/series/lookup", answer("lookup-tvdb-id"))
    made.on("GET", f"{API}/series/2", lambda r: httpx.Response(200, json=stored[0]))
    made.on("GET", f"{API}/episode", episodes if episodes is not None else answer("episodes"))
    made.on("PUT", f"{API}/episode/monitor", [], status=202)
    made.on("GET", f"{API}/queue", {"totalRecords": 0, "records": []})
    made.on("GET", f"{API}/health", [])
    made.on("GET", f"{API}/command", [])
    made.on("POST", f"{API}/command", {"id": 1}, status=201)

    def write(call: httpx.Request) -> httpx.Response:
        stored[:] = [{**msgspec.json.decode(call.content), "id": 2}]
        return httpx.Response(201 if call.method == "POST" else 202, json=stored[0])

    made.on("POST", f"{API}/series", write)
    made.on("PUT", f"{API}/series/2", write)
    return made


def searched(made: Replay) -> list[int]:
    commands = made.sent("POST", f"{API}/command")
    assert {c["name"] for c in commands} <= {"SeasonSearch"}
    return [c["seasonNumber"] for c in commands]


async def test_a_search_reads_library_rows_again_since_lookups_count_no_files() -> None:
    made = Replay()
    stored = answer("series-filter-tvdb")[0]
    row = {**stored, "statistics": {"episodeFileCount": 0, "episodeCount": 0}}
    made.on("GET", f"{API}/series/lookup", [row, *recording(DATA / "series-lookup-alien.json")])
    made.on("GET", f"{API}/series/2", stored)
    made.on("GET", f"{API}/series/55", {"title": "Not Found"}, status=404)  # taken out between the two readings
    found = await sonarr(made).search("harbour", MediaKind.SERIES)
    assert found[0].tracked is not None
    assert found[0].tracked.has_file
    assert found[0].seasons[1] == Season(number=1, episodes=4, aired=4, available=4, monitored=True)
    assert found[0].poster == "/MediaCover/2/poster.jpg?lastWrite=639309918014121298"
    assert found[1].tracked is None
    assert len(found) == 10


@pytest.mark.parametrize(
    ("ids", "term"),
    [
        (ExternalIds(tvdb=910001, tmdb=1), "tvdb:910001"),
        (ExternalIds(tmdb=920001), "tmdb:920001"),
        (ExternalIds(imdb="tt9100010"), "imdb:tt9100010"),
    ],
)
async def test_a_series_is_looked_up_by_tvdb_first_then_by_what_there_is(ids: ExternalIds, term: str) -> None:
    made = Replay()
    made.on("GET", f"{API}/series/lookup", answer("lookup-tmdb-id"))
    found = await sonarr(made).lookup(MediaKind.SERIES, ids)
    assert made.requests[0].url.params["term"] == term
    assert found is not None
    assert found.ids == ExternalIds(tvdb=910001, tmdb=920001, imdb="tt9100010")
    assert [s.number for s in found.seasons] == [0, 1, 2, 3]


async def test_a_lookup_that_answers_another_series_is_no_answer() -> None:
    made = Replay()
    made.on("GET", f"{API}/series/lookup", answer("lookup-tmdb-id"))
    assert await sonarr(made).lookup(MediaKind.SERIES, ExternalIds(tmdb=5)) is None


async def test_a_library_series_counts_aired_episodes_of_unmonitored_seasons_too() -> None:
    made = world(answer("series-season-1-complete"))
    made.on("GET", f"{API}/series/lookup", answer("series-filter-tvdb"))
    found = await sonarr(made).lookup(MediaKind.SERIES, LIGHTS)
    assert found is not None
    assert [(s.number, s.episodes, s.aired) for s in found.seasons] == [(0, 2, 2), (1, 4, 4), (2, 6, 6), (3, 3, 0)]


async def test_a_series_is_added_with_every_season_listed_and_only_the_asked_ones_monitored() -> None:
    made = world()
    ticket = await sonarr(made, tags=("requested-by-lab",)).submit(request(1, 3), "k")
    assert ticket == Ticket(remote_id="2", detail="Added.")
    assert made.sent("POST", f"{API}/series") == [
        {
            "title": "Harbour Lights",
            "tvdbId": 910001,
            "qualityProfileId": 4,
            "rootFolderPath": "/data/media/tv",
            "seasonFolder": True,
            "seriesType": "standard",
            "monitored": True,
            "monitorNewItems": "none",
            "tags": [1],
            "seasons": [
                {"seasonNumber": 0, "monitored": False},
                {"seasonNumber": 1, "monitored": True},
                {"seasonNumber": 2, "monitored": False},
                {"seasonNumber": 3, "monitored": True},
            ],
            "addOptions": {"searchForMissingEpisodes": True},
        }
    ]
    assert made.sent("POST", f"{API}/command") == []


async def test_a_whole_series_is_all_but_the_specials_with_what_is_to_come() -> None:
    made = world()
    await sonarr(made).submit(request(), "k")
    body = made.sent("POST", f"{API}/series")[0]
    assert [s["seasonNumber"] for s in body["seasons"] if s["monitored"]] == [1, 2, 3]
    assert body["monitorNewItems"] == "all"


async def test_anime_is_numbered_as_anime() -> None:
    made = world()
    made.on("GET", f"{API}/series/lookup", [{**answer("lookup-tvdb-id")[0], "genres": ["Anime", "Drama"]}])
    await sonarr(made).submit(request(1), "k")
    assert made.sent("POST", f"{API}/series")[0]["seriesType"] == "anime"


async def test_requests_for_other_copies_are_declined_with_the_reason_and_without_a_call() -> None:
    in_4k = msgspec.structs.replace(request(1), quality=Quality.FOUR_K)
    for given, asked, gets in (("standard", in_4k, "standard"), ("4k", request(1), "4K")):
        made = world()
        verdict = await sonarr(made, quality=given).consider(asked)
        assert (verdict.accepts, verdict.reason) == (False, f"Test gets {gets} copies only.")
        assert made.calls == []
    assert (await sonarr(world(), quality="4k").consider(in_4k)).accepts


async def test_a_season_sonarr_does_not_list_is_said() -> None:
    made = world()
    assert "season 9" in (await sonarr(made).submit(request(1, 9), "k")).detail
    with pytest.raises(Rejected, match="does not list season 9"):
        await sonarr(world()).submit(request(9), "k")
    verdict = await sonarr(world()).consider(request(9))
    assert (verdict.accepts, "season 9" in verdict.reason) == (False, True)


async def test_more_seasons_of_a_library_series_are_monitored_completed_and_searched_in_this_order() -> None:
    made = world(answer("series-season-1-complete"), answer("episodes"))
    ticket = await sonarr(made).submit(request(2, 3), "k")
    assert ticket.adopted
    steps = [(method, path.partition("?")[0].removeprefix(API)) for method, path in made.calls]
    order = [
        steps.index(step)
        for step in (
            ("GET", "/series/2"),
            ("PUT", "/series/2"),
            ("GET", "/episode"),
            ("PUT", "/episode/monitor"),
            ("POST", "/command"),
        )
    ]
    assert order == sorted(order)
    sent = made.sent("PUT", f"{API}/series/2")[0]
    assert [s["seasonNumber"] for s in sent["seasons"] if s["monitored"]] == [1, 2, 3]
    assert sent["path"] == "/data/media/tv/Harbour Lights"
    assert made.sent("PUT", f"{API}/episode/monitor") == [
        {"episodeIds": [22, 23, 24, 25, 26, 27, 28, 29, 30], "monitored": True}
    ]
    assert searched(made) == [2]  # nothing of season 3 has aired


async def test_seasons_that_are_monitored_and_complete_change_nothing() -> None:
    series = answer("series-season-1-complete")
    made = world(series, answer("episodes-season-1-with-files"))
    assert (await sonarr(made).submit(request(1), "k")).adopted
    assert {method for method, _ in made.calls} == {"GET"}


async def test_the_same_request_again_searches_no_season_twice() -> None:
    series = answer("series-season-1-complete")
    lately = (RECORDED_AT - timedelta(minutes=2)).isoformat()
    episodes = [{**e, "monitored": True, "lastSearchTime": lately} for e in answer("episodes")]
    made = world(series, episodes)
    await sonarr(made).submit(request(2), "k")
    assert searched(made) == []
    made = world(series)
    made.on("GET", f"{API}/queue", {"totalRecords": 1, "records": [{"id": 1, "seriesId": 2, "seasonNumber": 2}]})
    await sonarr(made).submit(request(2), "k")
    assert searched(made) == []
    made = world(series)
    running = {"name": "SeasonSearch", "status": "started", "body": {"seriesId": 2, "seasonNumber": 2}}
    made.on("GET", f"{API}/command", [running])
    await sonarr(made).submit(request(1, 2), "k")
    assert searched(made) == [1]


async def test_a_series_that_was_just_added_is_left_to_its_own_search() -> None:
    made = world({**answer("series-season-1-complete"), "addOptions": {"searchForMissingEpisodes": True}}, [])
    await sonarr(made).submit(request(1), "k")
    assert searched(made) == []


async def test_joining_keeps_what_the_series_monitors_and_adds_the_tags() -> None:
    made = world({**answer("series-season-1-complete"), "monitored": False, "tags": [5]})
    await sonarr(made, tags=("requested-by-lab",)).submit(request(2), "k")
    sent = made.sent("PUT", f"{API}/series/2")[0]
    assert (sent["monitored"], sent["tags"]) == (True, [1, 5])
    assert [s["seasonNumber"] for s in sent["seasons"] if s["monitored"]] == [1, 2]


async def test_eight_processes_adding_at_once_all_get_the_one_series() -> None:
    made = world()
    answers = [played(exchange) for exchange in recording(DATA / "add-eight-at-once.json")]
    stored: list[dict[str, Any]] = []
    all_looked = asyncio.Barrier(8)
    whole = {**answer("series-season-1-complete"), "id": 5, "addOptions": {"searchForMissingEpisodes": True}}

    async def find(call: httpx.Request) -> httpx.Response:
        if not stored:
            await all_looked.wait()
            return httpx.Response(200, json=[])
        return httpx.Response(200, json=list(stored))

    def post(call: httpx.Request) -> httpx.Response:
        stored[:] = [whole]
        return answers.pop()

    made.on("GET", f"{API}/series", find)
    made.on("GET", f"{API}/series/5", whole)
    made.on("POST", f"{API}/series", post)
    tickets = await asyncio.gather(*(sonarr(made).submit(request(1), "k") for _ in range(8)))
    assert {t.remote_id for t in tickets} == {"5"}
    assert [t.adopted for t in tickets].count(False) == 1
    assert searched(made) == []


async def test_different_seasons_asked_at_once_lose_nothing() -> None:
    made = world(answer("series-season-1-complete"))
    provider = sonarr(made)
    await asyncio.gather(provider.submit(request(2), "a"), provider.submit(request(3), "b"))
    last = made.sent("PUT", f"{API}/series/2")[-1]
    assert [s["seasonNumber"] for s in last["seasons"] if s["monitored"]] == [1, 2, 3]


async def test_a_refusal_is_told_in_sonarrs_words() -> None:
    made = world()
    made.on("POST", f"{API}/series", played(recording(DATA / "add-error-unknown-tvdb.json")))
    with pytest.raises(Rejected, match="A series with this ID was not found"):
        await sonarr(made).submit(request(1), "k")


async def test_a_film_is_not_sonarrs() -> None:
    film = msgspec.structs.replace(request(), kind=MediaKind.MOVIE)
    with pytest.raises(Rejected):
        await sonarr(Replay()).submit(film, "k")
    assert not (await sonarr(Replay()).consider(film)).accepts
    assert await sonarr(Replay()).search("x", MediaKind.MOVIE) == []
