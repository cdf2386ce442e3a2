"""Every fault of every service, as people see it: what is known stays, what is not known is said, nobody is misled."""

from __future__ import annotations

import re

import pytest
from siege import FAULTS, NAMES, SILENT, House, words

from vaderflix_core.testing import Fault

pytestmark = pytest.mark.anyio

FINDERS = ("radarr", "sonarr")
OF_FINDER = {"radarr": "The Stranger", "sonarr": "Flash Gordon Conquers the Universe"}  # in no library
TITLE = {"radarr": "/title/movie/tmdb-20246", "sonarr": "/title/series/tvdb-9000203"}
JARGON = re.compile(r"https?://|127\.0\.0\.1|\bHTTP\b|\bJSON\b|API|\b(401|429|500)\b|sqlite|locked|slow down")
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)
silent_faults = pytest.mark.parametrize("fault", SILENT, ids=str)
finders = pytest.mark.parametrize("plugin", FINDERS)


async def streamed(house: House, query: str) -> str:
    """What the part of the search page that the others fill says in the end."""
    answer = await house.jonas.get(f"/live/search?q={query}")
    parts = [part for part in answer.text.split("event: ") if part.startswith("elsewhere")]
    return words(re.sub(r"(?m)^data: ?", "", parts[-1]))


# -- search -----------------------------------------------------------------------------------------------------------


def found_by(name: str, page: str) -> int | None:
    match = re.search(rf"{name}: (\d+) found", page)
    return int(match[1]) if match else None


@every_fault
@finders
async def test_the_library_is_found_at_once_and_each_other_source_says_how_it_fared(
    house: House, plugin: str, fault: Fault
) -> None:
    other = NAMES["sonarr" if plugin == "radarr" else "radarr"]
    async with house.under(plugin, fault) as name:
        page = await house.jonas.read("/search?q=the")
        assert "The General" in page
        assert "In the library" in page
        assert "The Kid" in page
        page = await streamed(house, "the")
        assert (found_by(other, page) or 0) > 0
        if fault in SILENT:
            reason = {Fault.HANG: "no answer in time", Fault.UNAUTHORIZED: "refused to answer"}.get(fault, "no answer")
            assert f"{name}: {reason}" in page
            assert f"“{name}” did not answer." in page
            assert "The results above are complete without it." in page
            assert OF_FINDER[plugin] not in page
        elif fault is Fault.EMPTY:
            assert found_by(name, page) == 0
            assert "did not answer" not in page
        else:
            assert (found_by(name, page) or 0) > 0
            assert OF_FINDER[plugin] in page


@silent_faults
@finders
async def test_programs_are_told_who_did_not_answer_and_only_admins_why(
    house: House, plugin: str, fault: Fault
) -> None:
    async with house.under(plugin, fault):
        assert "The General" in {hit["title"] for hit in await house.edith.json("/search/library?q=the")}
        for visitor, sees_why in ((house.edith, False), (house.mara, True)):
            answer = await visitor.json("/search?q=the")
            sources = {source["instance"]: source for source in answer["sources"]}
            assert sources[plugin]["outcome"] != "ok"
            assert bool(sources[plugin]["error"]) is sees_why
            assert sources["sonarr" if plugin == "radarr" else "radarr"]["outcome"] == "ok"
            assert "The General" in {hit["title"] for hit in answer["hits"]}
            await house.host.supervisor.retry(plugin)


async def test_empty_and_failed_differ_when_nobody_else_is_asked(house: House) -> None:
    async with house.under("radarr", Fault.EMPTY), house.under("sonarr", Fault.EMPTY):
        assert "Nothing more of that name." in await streamed(house, "caligari")
    async with house.under("radarr", Fault.GONE), house.under("sonarr", Fault.GARBAGE):
        page = await streamed(house, "caligari")
        assert "Nobody could be asked just now. Whether it can be requested is not known." in page
        assert "Nothing more of that name." not in page


# -- a title ----------------------------------------------------------------------------------------------------------


@every_fault
@finders
async def test_a_held_title_plays_whoever_else_is_silent(house: House, plugin: str, fault: Fault) -> None:
    path = "/title/movie/tmdb-961" if plugin == "radarr" else "/title/series/tvdb-9000202"
    async with house.under(plugin, fault) as name:
        page = await house.edith.read(path)
        assert "In the library" in page or "Partly available" in page
        assert re.search(r"\bPlay\b", page)
        assert (f"“{name}” did not answer." in page) is (fault in SILENT)
        assert JARGON.search(page) is None
        await house.host.supervisor.retry(plugin)
        title = await house.mara.json("/titles/" + path.removeprefix("/title/"))
        assert len(title["hit"]["held"]) == 1
        assert [s["outcome"] == "ok" for s in title["sources"]] == [fault not in SILENT]


@every_fault
@finders
async def test_nobody_is_offered_to_request_what_cannot_be_looked_up(house: House, plugin: str, fault: Fault) -> None:
    async with house.under(plugin, fault) as name:
        answer = await house.jonas.get(TITLE[plugin], failing=(502,))
        page = words(answer.text)
        if fault is Fault.SLOW:
            assert answer.status_code == 200
            assert "Not in the library yet" in page
            assert "Request" in page
            return
        assert OF_FINDER[plugin] not in page
        assert re.search(r"\bRequest\b(?!s)", page) is None
        if fault is Fault.EMPTY:  # everybody answered, and nobody knows it
            assert answer.status_code == 404
            assert "There is nothing here" in page
        else:
            assert answer.status_code == 502
            assert f"{name} did not answer. Try again in a moment." in page
            assert "is gone" not in page
        asked = {"kind": TITLE[plugin].split("/")[2], "ref": TITLE[plugin].split("/")[3]}
        await house.host.supervisor.retry(plugin)
        refused = await house.jonas.post("/requests", asked, failing=(502,))
        assert refused.status_code == (404 if fault is Fault.EMPTY else 502)


@every_fault
async def test_availability_stays_known_while_the_library_does_not_answer(house: House, fault: Fault) -> None:
    async with house.under("plex", fault):
        await house.host.library.sync_changes("plex")
        page = await house.jonas.read("/title/movie/tmdb-961")
        assert "In the library" in page
        assert re.search(r"\bPlay\b", page)
        assert re.search(r"\bRequest\b(?!s)", page) is None
        page = await house.jonas.read("/title/movie/tmdb-20246")
        assert "Not in the library yet" in page
        assert "Request" in page
        page = await house.jonas.read("/")
        assert "Recently added" in page
        assert "Nosferatu" in page
        assert "14" in await house.jonas.read("/films")
        assert (await house.jonas.json("/library?kind=movie"))["total"] == 14


# -- playing ----------------------------------------------------------------------------------------------------------


async def item_of(house: House, query: str) -> int:
    return int((await house.edith.json(f"/search/library?q={query}"))[0]["held"][0]["id"])


@every_fault
async def test_a_player_without_its_library_says_so_and_shows_no_trace(house: House, fault: Fault) -> None:
    film, series = await item_of(house, "nosferatu"), await item_of(house, "sherlock holmes")
    async with house.under("plex", fault):
        for visitor, path, sees_why in (
            (house.edith, f"/watch/{film}", False),
            (house.edith, f"/watch/{series}/1/1", False),
            (house.mara, f"/watch/{film}", True),
        ):
            await house.host.supervisor.retry("plex")
            answer = await visitor.get(path, failing=(502,))
            page = words(answer.text)
            if fault is Fault.SLOW:
                assert answer.status_code == 200
                assert "Playing" in page
                continue
            assert answer.status_code == 502
            assert "“Plex” did not answer. Try again in a moment." in page
            assert "is gone" not in page
            assert "no longer in the library" not in page
            assert (JARGON.search(page) is not None or "It did not answer in" in page) is sees_why
        await house.host.supervisor.retry("plex")
        answer = await house.edith.get(f"/api/v1/library/{film}/play", failing=(502,))
        if fault is not Fault.SLOW:
            assert answer.json() == {
                "error": {"code": "source_failed", "message": "“Plex” did not answer. Try again in a moment."}
            }
        await house.host.supervisor.retry("plex")
        season = await house.edith.read("/title/series/tvdb-9000202/season/1")
        assert ("The library did not answer." in season) is (fault is not Fault.SLOW)


async def test_a_stream_that_breaks_off_ends_for_its_viewer_only(house: House) -> None:
    film = await item_of(house, "nosferatu")
    [stream] = (await house.edith.json(f"/library/{film}/play"))["streams"]
    whole = await house.edith.get(stream["url"])
    assert whole.status_code == 200
    for fault in SILENT:
        async with house.under("plex", fault, path="/library/parts"):
            answer = await house.edith.get(stream["url"], failing=(502,))
            if fault in (Fault.HALF, Fault.GONE):  # the head is right, so the browser sees it end too soon
                assert len(answer.content) < len(whole.content)
            else:
                assert answer.status_code == 502, fault
    assert (await house.edith.get(stream["url"])).content == whole.content


# -- a request --------------------------------------------------------------------------------------------------------


@every_fault
@finders
async def test_a_request_stays_where_it_is_and_its_page_says_what_keeps_it(
    house: House, plugin: str, fault: Fault
) -> None:
    number = house.asked[plugin]
    async with house.under(plugin, fault) as name:
        for _ in range(3):
            house.clock.forward(seconds=40)
            await house.host.supervisor.retry(plugin)
            await house.host.follower.round()
        asked = await house.jonas.json(f"/requests/{number}")
        assert asked["state"] == "downloading"
        assert asked["evidence"] is None
        assert not any({"evidence", "service", "detail"} & set(entry["data"]) for entry in asked["timeline"])
        page = await house.jonas.read(f"/requests/{number}")
        assert JARGON.search(page) is None
        assert name not in page
        assert "Evidence" not in page
        told = await house.mara.read(f"/requests/{number}")
        if fault is Fault.SLOW:
            assert "It is downloading" in page
        else:
            assert asked["reason"] == "service_down", (await house.mara.json(f"/requests/{number}"))["evidence"]
            assert "A part of the house does not answer. Your request is kept and goes on by itself." in page
            assert "Stuck: a service is down" in page
            assert "Start the service named below, or correct its address under Services." in told
            assert f"It says {name}: " in told
        assert "Failed" not in page
        assert "did not work out" not in page
    await house.host.follower.round()
    house.clock.forward(seconds=40)
    await house.host.follower.round()
    page = await house.jonas.read(f"/requests/{number}")
    assert "It is downloading" in page
    assert (await house.jonas.json(f"/requests/{number}"))["reason"] is None
