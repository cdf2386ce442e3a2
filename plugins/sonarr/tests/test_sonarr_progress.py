"""How far the asked seasons are, asked of Sonarr itself."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from vaderflix_arr.replay import RECORDED_AT, Replay, instance, played, recording
from vaderflix_core.api import ExternalIds, MediaKind, MediaRequest, Progress, Reason, Season, Secret, Stage, Ticket
from vaderflix_sonarr.requester import Sonarr
from vaderflix_sonarr.settings import SonarrSettings

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parent / "data"
API = "/api/v3"
TICKET = Ticket(remote_id="2")


def answer(file: str) -> Any:
    return recording(DATA / f"{file}.json")["response"]


def world(**given: Any) -> Replay:
    made = Replay()
    made.on("GET", f"{API}/series/2", given.get("series", answer("series-season-1-complete")))
    made.on("GET", f"{API}/episode", given.get("episodes", answer("episodes")))
    queue = given.get("queue", [])
    made.on("GET", f"{API}/queue", {"totalRecords": len(queue), "records": queue})
    made.on("GET", f"{API}/history/series", given.get("history", []))
    made.on("GET", f"{API}/health", given.get("health", []))
    made.on("GET", f"{API}/command", given.get("commands", []))
    made.on("POST", f"{API}/command", {"id": 1}, status=201)
    return made


async def progress(made: Replay, *seasons: int, now: datetime = RECORDED_AT) -> Progress:
    settings = SonarrSettings(url="http://sonarr.test", api_key=Secret("key"))
    request = MediaRequest(
        id=1, kind=MediaKind.SERIES, ids=ExternalIds(tvdb=910001), title="Harbour Lights", seasons=seasons
    )
    return await Sonarr(instance(settings, made, lambda: now)).progress(TICKET, request)


def with_files(*numbers: tuple[int, int]) -> list[dict[str, Any]]:
    return [{**e, "hasFile": (e["seasonNumber"], e["episodeNumber"]) in numbers} for e in answer("episodes")]


async def test_a_season_whose_aired_episodes_have_files_is_there() -> None:
    found = await progress(world(episodes=answer("episodes-season-1-with-files")), 1)
    assert found.stage is Stage.IMPORTED
    assert found.seasons == (Season(number=1, episodes=4, aired=4, available=4, monitored=True),)


async def test_some_of_the_asked_episodes_are_partly_there_with_counts_by_season() -> None:
    found = await progress(world(episodes=with_files((1, 1), (1, 2), (1, 3), (1, 4))), 1, 2)
    assert found.stage is Stage.PARTLY
    assert [(s.number, s.aired, s.available) for s in found.seasons] == [(1, 4, 4), (2, 6, 0)]


async def test_files_of_other_seasons_do_not_count() -> None:
    found = await progress(world(episodes=with_files((1, 1), (1, 2), (1, 3), (1, 4))), 2)
    assert found.stage is Stage.SEARCHING


async def test_a_whole_series_is_there_without_specials_and_without_what_has_not_aired() -> None:
    every = [(s, e) for s, count in ((1, 4), (2, 6)) for e in range(1, count + 1)]
    assert (await progress(world(episodes=with_files(*every)))).stage is Stage.IMPORTED


async def test_a_season_of_which_nothing_has_aired_is_not_released() -> None:
    found = await progress(world(), 3)
    assert (found.stage, found.reason) == (Stage.SEARCHING, Reason.NOT_RELEASED)


async def test_a_series_whose_episodes_are_not_made_yet_is_being_searched() -> None:
    found = await progress(world(episodes=[]), 1)
    assert (found.stage, found.reason) == (Stage.SEARCHING, None)


async def test_the_recorded_season_pack_counts_once_and_only_for_its_season() -> None:
    rows = answer("queue-downloading-season-pack")["records"]
    found = await progress(world(queue=rows), 1)
    assert found.stage is Stage.DOWNLOADING
    assert found.size == rows[0]["size"]
    assert found.download_ids == ("623ad74335a916086469555f78d883feb01323e9",)
    assert (await progress(world(queue=rows), 2)).stage is Stage.SEARCHING


async def test_a_grab_whose_import_is_in_the_history_was_not_removed_by_hand() -> None:
    later = RECORDED_AT + timedelta(days=1)
    found = await progress(world(history=answer("history-series-season")), 1, now=later)
    assert found.reason is None


async def test_a_dead_downloader_is_named() -> None:
    grabbed = [r for r in answer("history-series-season") if r["eventType"] == "grabbed"]
    found = await progress(world(history=grabbed, health=answer("health-download-client-down")), 1)
    assert (found.stage, found.reason) == (Stage.DOWNLOADING, Reason.DOWNLOADER_DOWN)


async def test_no_release_needs_every_missing_episode_searched() -> None:
    long_ago = (RECORDED_AT - timedelta(hours=3)).isoformat()
    searched = [{**e, "lastSearchTime": long_ago} for e in answer("episodes")]
    assert (await progress(world(episodes=searched), 1)).reason is Reason.NO_RELEASE
    assert (await progress(world(episodes=[*searched[:2], *answer("episodes")[2:]]), 1)).reason is None
    running = {"name": "SeasonSearch", "status": "started", "body": {"seriesId": 2, "seasonNumber": 1}}
    assert (await progress(world(episodes=searched, commands=[running]), 1)).reason is None
    other = {**running, "body": {"seriesId": 2, "seasonNumber": 2}}
    assert (await progress(world(episodes=searched, commands=[other]), 1)).reason is Reason.NO_RELEASE


async def test_an_episode_somebody_has_before_it_airs_counts() -> None:
    found = await progress(world(episodes=with_files((3, 1))), 3)
    assert found.stage is Stage.IMPORTED


async def test_gone_needs_sonarrs_word_twice() -> None:
    made = world()
    made.on("GET", f"{API}/series/2", played(recording(DATA / "error-404-unknown-id.json")))
    made.on("GET", f"{API}/series", [])
    assert (await progress(made, 1)).stage is Stage.GONE
    made.on("GET", f"{API}/series", httpx.Response(200, text="<html>"))
    with pytest.raises(Exception, match="does not allow"):
        await progress(made, 1)
