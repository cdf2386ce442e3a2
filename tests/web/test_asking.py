"""Asking for a title, following it, deciding it: through the pages alone."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from vaderflix_core.api import DownloadState
from vaderflix_core.host import Host
from vaderflix_core.requests.models import RequestState

pytestmark = pytest.mark.anyio


async def test_a_request_goes_from_the_dialog_to_its_page_and_the_admins_answer(visit: Any, host: Host) -> None:
    edith, mara = await visit("edith"), await visit("mara")
    dialog = await edith.get("/title/movie/tmdb-19/request", hx_request="true")
    assert "<dialog data-open" in dialog.text
    asked = await edith.post("/title/movie/tmdb-19/request")
    where = asked.headers["location"]
    assert re.fullmatch(r"/requests/\d+", where)
    page = await edith.get(where)
    assert "It waits for approval." in page.text
    assert "Metropolis requested" in page.text  # the toast, once
    assert "Metropolis requested" not in (await edith.get(where)).text
    assert "Admins only" not in page.text
    assert "Requested" in (await edith.get("/title/movie/tmdb-19")).text

    number = where.rsplit("/", 1)[1]
    assert "Metropolis" in (await mara.get("/admin/requests")).text
    await mara.post("/admin/requests/approve", {"id": number})
    mara_user = (await host.access.list_users())[1]
    assert mara_user.username == "mara"
    async with asyncio.timeout(60):
        while (await host.requests.get(mara_user, int(number))).state in (RequestState.PENDING, RequestState.APPROVED):
            await asyncio.sleep(0.02)
    assert "Approved" in (await edith.get(where)).text


async def test_asking_twice_leads_to_the_request_that_is_there(visit: Any, host: Host) -> None:
    edith, mara = await visit("edith"), await visit("mara")
    first = await edith.post("/title/movie/tmdb-19/request")
    again = await edith.post("/title/movie/tmdb-19/request")
    assert again.headers["location"] == first.headers["location"]
    assert (await mara.post("/title/movie/tmdb-19/request")).headers["location"] == first.headers["location"]


async def test_a_series_is_asked_for_by_season_and_by_no_season_is_refused(visit: Any) -> None:
    edith = await visit("edith")
    form = await edith.get("/title/series/tvdb-9000201/request")
    assert 'name="season" value="2" checked' in form.text
    assert 'name="season" value="1"' not in form.text
    refused = await edith.post("/title/series/tvdb-9000201/request")
    assert refused.status_code == 422
    assert "Choose at least one season." in refused.text
    asked = await edith.post("/title/series/tvdb-9000201/request", {"season": ["2", "77"]})
    assert "season 2" in (await edith.get(asked.headers["location"])).text


async def test_a_decline_needs_a_reason_and_its_asker_reads_it(visit: Any) -> None:
    edith, mara = await visit("edith"), await visit("mara")
    where = (await edith.post("/title/movie/tmdb-19/request")).headers["location"]
    number = where.rsplit("/", 1)[1]
    await mara.post(f"/admin/requests/{number}/decline", {"reason": " "})
    assert "It waits for approval." in (await edith.get(where)).text
    await mara.post(f"/admin/requests/{number}/decline", {"reason": "We have it on disc"})
    page = (await edith.get(where)).text
    assert "It was declined." in page
    assert "We have it on disc" in page


async def test_a_request_of_somebody_else_is_not_there(visit: Any, host: Host) -> None:
    edith = await visit("edith")
    await host.access.create_user("tomas", "correct horse battery", role="requester", display_name="Tomás")
    where = (await edith.post("/title/movie/tmdb-19/request")).headers["location"]
    tomas = await visit("tomas")
    for path in (where, where.replace("/requests", "/live/requests")):
        assert (await tomas.get(path)).status_code == 404
    assert (await tomas.post(where + "/cancel")).status_code == 404
    # what is on its way can still be seen on the title's own page, and its button leads nowhere forbidden
    page = (await tomas.get("/title/movie/tmdb-19")).text
    assert where not in page


async def test_an_open_page_hears_of_every_change_and_the_stream_ends_with_the_host(
    visit: Any, host: Host, address: str
) -> None:
    edith, mara = await visit("edith"), await visit("mara")
    where = (await edith.post("/title/movie/tmdb-19/request")).headers["location"]
    told = ""
    async with (
        httpx.AsyncClient(base_url=address, cookies=dict(edith.http.cookies), timeout=10) as browser,
        browser.stream("GET", where.replace("/requests", "/live/requests")) as stream,
    ):
        async for chunk in stream.aiter_text():
            told += chunk
            if "It waits for approval." in told and "cancelled" not in told:
                await mara.post(where + "/cancel")
            if "It was cancelled." in told:
                host.bus.close()
    for part in ("verdict", "steps", "actions"):
        assert told.count(f"event: {part}\r\n") >= 2, part
    assert "It was cancelled." in told.rsplit("event: verdict", 1)[1]


async def test_downloads_are_shown_with_their_figures_and_obey(visit: Any, household: Any, host: Host) -> None:
    mara = await visit("mara")
    page = (await mara.get("/admin/downloads")).text
    assert "2 downloads are moving at 14.2" in page
    first = f"{1:040x}"
    await mara.post(f"/admin/downloads/downloader/{first}", {"action": "pause"})
    assert household.client.held[first].state is DownloadState.PAUSED
    question = await mara.get(f"/admin/downloads/downloader/{first}/remove", hx_request="true")
    assert "The entry and its files: 4.2" in question.text
    await mara.post(f"/admin/downloads/downloader/{first}", {"action": "delete_with_files"})
    assert first not in household.client.held
    odd = await mara.post(f"/admin/downloads/downloader/{first}", {"action": "explode"})
    assert odd.status_code == 303


async def test_watching_goes_on_where_it_stopped_and_the_stream_is_served_in_parts(visit: Any, host: Host) -> None:
    edith = await visit("edith")
    home = (await edith.get("/title/movie/tmdb-653")).text
    player = re.search(r'href="(/watch/\d+)"', home)
    assert player is not None
    item = player[1].rsplit("/", 1)[1]
    await edith.post(
        "/playback/position", {"item": item, "key": "nosferatu", "seconds": "40", "duration": "90", "label": ""}
    )
    assert "Resume" in (await edith.get("/title/movie/tmdb-653")).text
    assert "Pick up where you stopped" in (await edith.get("/")).text
    page = (await edith.get(player[1])).text
    assert 'data-start="40.0"' in page
    assert 'data-start="0"' in (await edith.get(player[1] + "?start=0")).text
    source = re.search(r'src="(/play/[^"]+)"', page)
    assert source is not None
    part = await edith.get(source[1], range="bytes=10-19")
    assert part.status_code == 206
    assert len(part.content) == 10
    assert part.headers["content-range"].startswith("bytes 10-19/")
    assert "set-cookie" not in part.headers
    assert (await (await visit("mara")).get("/play/" + "x" * 60)).status_code == 404


@pytest.mark.parametrize("duration", ["Infinity", "1e308", "nan"])
async def test_a_film_without_an_end_leaves_the_home_page_as_it_is(visit: Any, duration: str) -> None:
    edith = await visit("edith")
    player = re.search(r'href="/watch/(\d+)"', (await edith.get("/title/movie/tmdb-653")).text)
    assert player is not None
    sent = {"item": player[1], "key": "nosferatu", "seconds": "40", "duration": duration, "label": ""}
    assert (await edith.post("/playback/position", sent)).status_code == 204
    home = await edith.get("/")
    assert home.status_code == 200
    assert "Pick up where you stopped" not in home.text


async def test_a_series_is_played_at_the_episode_that_comes_next(visit: Any) -> None:
    edith = await visit("edith")
    page = (await edith.get("/title/series/tvdb-9000201")).text
    found = re.search(r'href="/watch/(\d+)"', page)
    assert found is not None
    item = found[1]
    assert (await edith.get(f"/watch/{item}")).headers["location"] == f"/watch/{item}/1/1"
    await edith.post(
        "/playback/position",
        {"item": item, "key": "one-step-beyond-1-1", "seconds": "89", "duration": "90", "label": "S1 E1 The Bride"},
    )
    assert (await edith.get(f"/watch/{item}")).headers["location"] == f"/watch/{item}/1/2"
    assert (await edith.get(f"/watch/{item}/1/2")).status_code == 200
    assert (await edith.get(f"/watch/{item}/1/99")).status_code == 404


async def test_pictures_come_through_us_under_opaque_names(visit: Any, stranger: Any) -> None:
    edith = await visit("edith")
    page = (await edith.get("/films")).text
    source = re.search(r'src="(/images/[^"]+)"', page)
    assert source is not None
    assert "posters" not in source[1]
    picture = await edith.get(source[1].replace("&amp;", "&"))
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content[:2] == b"\xff\xd8"
    assert (await edith.get(source[1], if_none_match=picture.headers["etag"])).status_code == 304
    assert (await stranger.get(source[1])).status_code == 303
    assert (await edith.get("/images/" + "A" * 40)).status_code == 404


async def test_a_season_that_somebody_waits_for_is_not_offered_again(visit: Any) -> None:
    edith, mara = await visit("edith"), await visit("mara")
    await edith.post("/title/series/tvdb-9000201/request", {"season": ["2"]})
    form = (await mara.get("/title/series/tvdb-9000201/request")).text
    assert 'name="season" value="3" checked' in form
    assert 'value="2"' not in form
    assert "Waiting for approval" in (await mara.get("/title/series/tvdb-9000201")).text
    await mara.post("/title/series/tvdb-9000201/request", {"season": ["3"]})
    assert "has been asked for already" in (await mara.get("/title/series/tvdb-9000201/request")).text
