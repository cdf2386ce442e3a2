"""Asking for titles in 4K, through the pages and the API."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from vaderflix_core.api import MediaKind, Quality
from vaderflix_core.host import Host

pytestmark = pytest.mark.anyio
ABSENT, DIALOG = "/title/movie/tmdb-19", "/title/movie/tmdb-19/request"
HELD = "/title/movie/tmdb-653"
SERIES = "/title/series/tvdb-9000201"
SWITCH, LINK = 'role="switch" name="quality" value="4k"', "Request in 4K"


@pytest.fixture
def four_k(host: Host, household: Any) -> None:
    """One service for films and the one for series get 4K; the other one for films gets standard copies."""
    household.finders["films-4k"].qualities = frozenset({Quality.FOUR_K})
    household.finders["series"].qualities = frozenset(Quality)


async def program(app: Any, host: Host, name: str) -> httpx.AsyncClient:
    """A program with an API key of this person."""
    user = next(u for u in await host.access.list_users() if u.username == name)
    key, _ = await host.sessions.create_key(user, "test", None)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://vaderflix.test/api/v1",
        headers={"x-api-key": key},
    )


async def test_nothing_is_said_of_4k_where_nobody_gets_it(visit: Any) -> None:
    mara = await visit("mara")
    assert SWITCH not in (await mara.get(DIALOG)).text
    assert LINK not in (await mara.get(SERIES)).text


@pytest.mark.usefixtures("four_k")
async def test_nothing_is_said_of_4k_to_people_who_may_not_ask_for_it(visit: Any, host: Host) -> None:
    edith = await visit("edith")
    assert SWITCH not in (await edith.get(DIALOG)).text
    assert SWITCH not in (await edith.get(f"{DIALOG}?quality=4k")).text
    assert LINK not in (await edith.get(SERIES)).text
    assert (await edith.post(DIALOG, {"quality": "4k"})).status_code == 403


@pytest.mark.usefixtures("four_k")
async def test_the_switch_asks_for_a_4k_copy_beside_the_standard_one(visit: Any) -> None:
    mara = await visit("mara")
    assert f"{SWITCH} hx-get" in (await mara.get(DIALOG, hx_request="true")).text
    standard = (await mara.post(DIALOG)).headers["location"]
    assert LINK in (await mara.get(ABSENT)).text
    asked = (await mara.post(DIALOG, {"quality": "4k"})).headers["location"]
    assert asked != standard
    page = (await mara.get(asked)).text
    assert "Metropolis in 4K requested" in page
    assert "<h1>Metropolis in 4K</h1>" in page
    assert "Metropolis in 4K" in (await mara.get("/admin/requests")).text
    title = (await mara.get(ABSENT)).text
    assert LINK not in title
    assert f'href="{standard}"' in title
    assert f'href="{asked}">See the request in 4K' in title
    assert (await mara.post(DIALOG, {"quality": "4k"})).headers["location"] == asked


@pytest.mark.usefixtures("four_k")
async def test_seasons_held_in_standard_quality_can_be_asked_for_in_4k(visit: Any) -> None:
    mara = await visit("mara")
    assert 'name="season" value="1"' not in (await mara.get(f"{SERIES}/request")).text
    assert 'name="season" value="1" checked' in (await mara.get(f"{SERIES}/request?quality=4k")).text
    asked = await mara.post(f"{SERIES}/request", {"quality": "4k", "season": ["1"]})
    assert "in 4K, season 1" in (await mara.get(asked.headers["location"])).text
    assert 'name="season" value="1"' not in (await mara.get(f"{SERIES}/request?quality=4k")).text


@pytest.mark.usefixtures("four_k")
async def test_who_may_only_ask_for_4k_asks_for_4k(visit: Any, host: Host) -> None:
    mara = next(u for u in await host.access.list_users() if u.username == "mara")
    noor = next(u for u in await host.access.list_users() if u.username == "noor")
    await host.people.change(mara, noor.id, granted=["request.4k.movie"], withheld=[])
    visitor = await visit("noor")
    assert LINK in (await visitor.get(ABSENT)).text
    form = (await visitor.get(DIALOG)).text
    assert '<input type="hidden" name="quality" value="4k">' in form
    assert SWITCH not in form
    assert (await visitor.post(DIALOG)).status_code == 403
    assert (await visitor.post(DIALOG, {"quality": "4k"})).headers["location"].startswith("/requests/")


@pytest.mark.usefixtures("four_k")
async def test_the_api_takes_and_shows_the_quality(app: Any, host: Host) -> None:
    mara, edith = await program(app, host, "mara"), await program(app, host, "edith")
    film = {"kind": "movie", "ref": "tmdb-19"}
    standard = await mara.post("/requests", json=film)
    assert (standard.status_code, standard.json()["quality"]) == (201, "standard")
    asked = await mara.post("/requests", json={**film, "quality": "4k"})
    assert (asked.status_code, asked.json()["quality"]) == (201, "4k")
    assert (await mara.post("/requests", json={**film, "quality": "4k"})).status_code == 409
    assert (await mara.post("/requests", json={**film, "quality": "8k"})).status_code == 400
    assert (await edith.post("/requests", json={**film, "quality": "4k"})).status_code == 403
    assert {r["quality"] for r in (await mara.get("/requests")).json()} == {"standard", "4k"}


@pytest.mark.usefixtures("four_k")
async def test_of_a_film_that_the_library_holds_only_the_4k_copy_is_offered_and_taken(
    visit: Any, app: Any, host: Host
) -> None:
    mara = await visit("mara")
    assert LINK in (await mara.get(HELD)).text
    for address in (f"{HELD}/request", f"{HELD}/request?quality=4k"):
        form = (await mara.get(address)).text
        assert '<input type="hidden" name="quality" value="4k">' in form
        assert SWITCH not in form
    refused = await mara.post(f"{HELD}/request")
    assert refused.status_code == 409
    assert "is in the library already. Play it there." in refused.text
    again = await (await program(app, host, "mara")).post("/requests", json={"kind": "movie", "ref": "tmdb-653"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "in_library")
    assert (await mara.post(f"{HELD}/request", {"quality": "4k"})).headers["location"].startswith("/requests/")


@pytest.mark.usefixtures("four_k")
async def test_seasons_that_are_there_are_refused_and_those_that_are_not_known_to_be_are_taken(
    visit: Any,
) -> None:
    mara = await visit("mara")
    refused = await mara.post(f"{SERIES}/request", {"season": ["1", "2"]})
    assert refused.status_code == 409
    assert "Season 1 is in the library already. Ask only for what is missing." in refused.text
    assert (await mara.post(f"{SERIES}/request", {"season": ["2"]})).headers["location"].startswith("/requests/")


@pytest.mark.usefixtures("four_k")
async def test_a_title_asked_for_in_4k_alone_shows_how_far_that_is(visit: Any) -> None:
    mara = await visit("mara")
    asked = (await mara.post(DIALOG, {"quality": "4k"})).headers["location"]
    page = (await mara.get(ABSENT)).text
    shown = re.search(r'<span class="row"><span class="chip[^>]*>.*?</svg>([\w: ]+)</span><a[^>]*href="([^"]+)"', page)
    assert shown is not None
    assert shown[1] in ("In 4K: Approved", "In 4K: On its way", "In 4K: Searching")
    assert shown[2] == asked
    assert "Request a standard copy" in page
    assert "btn primary" not in page


@pytest.mark.usefixtures("four_k")
async def test_the_dialog_says_what_4k_means(visit: Any) -> None:
    form = (await (await visit("mara")).get(DIALOG)).text
    assert "A copy of its own, beside the standard one." in form


async def test_without_a_script_a_link_brings_what_the_others_know(visit: Any) -> None:
    mara = await visit("mara")
    page = (await mara.get("/search?q=metropolis")).text
    assert '<p class="unscripted"><a class="btn" href="/search?q=metropolis&amp;wait=true">' in page
    assert 'class="search-group scripted"' in page
    answered = (await mara.get("/search?q=metropolis&wait=true")).text
    assert "sse-connect" not in answered
    assert f'href="{ABSENT}"' in answered


@pytest.mark.usefixtures("four_k")
async def test_services_for_4k_are_named_to_those_who_may_ask_for_it(visit: Any, host: Host) -> None:
    name = next(r.config.name for i, r in host.supervisor.records.items() if i == "films-4k")
    for person, named in (("mara", True), ("edith", False)):
        visitor = await visit(person)
        page = (await visitor.get("/search?q=metropolis&wait=true")).text
        assert (f"{name}: " in page) is named
        told = (await visitor.get("/api/v1/search?q=metropolis")).json()["sources"]
        assert ("films-4k" in {source["instance"] for source in told}) is named


async def test_a_title_that_only_4k_services_know_offers_no_standard_request(
    visit: Any, host: Host, household: Any
) -> None:
    for finder in ("films", "films-4k"):
        household.finders[finder].qualities = frozenset({Quality.FOUR_K})
    assert not host.requests.offers(MediaKind.MOVIE)
    page = (await (await visit("mara")).get(ABSENT)).text
    assert f'href="{DIALOG}"' not in page
    assert LINK in page
