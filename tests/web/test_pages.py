"""Pages answer for every role, escape what is hostile, need nothing inline, and never show a trace."""

from __future__ import annotations

import re
from typing import Any

import pytest
from litestar import get
from sqlalchemy import insert
from world import HOSTILE

from vaderflix_core.api import Unavailable
from vaderflix_core.host import Host
from vaderflix_core.store.tables import meta
from vaderflix_web.app import create_app

from ..visitor import Visitor

pytestmark = pytest.mark.anyio

EVERYBODY = ["/", "/films", "/series", "/search", "/search?q=nosferatu", "/title/movie/tmdb-653", "/you"]
ASKERS = ["/requests", "/title/movie/tmdb-19/request"]
ADMINS = [
    "/admin",
    "/admin/requests",
    "/admin/requests?show=all",
    "/admin/downloads",
    "/admin/services",
    "/admin/services/films-4k",
    "/admin/services/new/filmfinder",
    "/admin/people",
    "/admin/parts/storage",
]


@pytest.mark.parametrize(("name", "level"), [("noor", 0), ("edith", 1), ("mara", 2)])
async def test_each_role_sees_its_pages_and_no_others(visit: Any, name: str, level: int) -> None:
    visitor = await visit(name)
    for needed, paths in enumerate((EVERYBODY, ASKERS, ADMINS)):
        for path in paths:
            answer = await visitor.get(path)
            assert answer.status_code == (200 if level >= needed else 403), path
            if answer.status_code == 403:
                assert "Your account cannot do this" in answer.text


async def test_nobody_sees_links_to_pages_they_may_not_open(visit: Any) -> None:
    for name in ("noor", "edith", "mara"):
        visitor = await visit(name)
        text = (await visitor.get("/")).text
        for path in set(re.findall(r'<a class="[^"]*" href="(/[^"#?]*)"', text)) | set(
            re.findall(r'<li><a href="(/[^"#?]*)"', text)
        ):
            assert (await visitor.get(path)).status_code in (200, 303), (name, path)


async def test_hostile_titles_are_shown_as_text(visit: Any) -> None:
    visitor = await visit("mara")
    for path in ("/", "/films", "/search?q=script", "/title/movie/tmdb-9900001"):
        text = (await visitor.get(path)).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text, path
    assert HOSTILE not in (await visitor.get("/search?q=" + HOSTILE)).text


async def test_pages_hold_nothing_inline_and_load_nothing_foreign(visit: Any) -> None:
    visitor, nonces = await visit("mara"), set()
    shown = [*EVERYBODY, *ASKERS, *ADMINS, "/watch/1", "/signin", "/nothing-here"]
    for path in shown:
        answer = await visitor.get(path)
        if answer.is_redirect:
            nonces.add(path)
            continue
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        text = answer.text
        [nonce] = re.findall(r"script-src 'nonce-([\w-]{22})'(?:;|$)", policy)
        assert set(re.findall(r"<script[^>]*>", text)) == set(re.findall(rf'<script nonce="{nonce}"[^>]*>', text)), path
        nonces.add(nonce)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text), path
        assert not re.search(r'(?:src|action)="(?:https?:)?//', text), path
        assert not re.search(r'<link[^>]*href="(?:https?:)?//', text), path
    assert len(nonces) == len(shown), "each answer has its own"


async def test_a_bug_shows_a_reference_and_never_a_trace(host: Host) -> None:
    @get("/bug", opt={"permission": "public"})
    async def bug() -> None:
        raise RuntimeError("secret-of-the-house")

    visitor = Visitor(create_app(host, handlers=[bug], manage_host=False))
    for headers in ({}, {"hx_request": "true"}, {"accept": "application/json"}):
        answer = await visitor.get("/bug", **headers)
        assert answer.status_code == 500
        assert "secret-of-the-house" not in answer.text
        assert "Traceback" not in answer.text
        assert "RuntimeError" not in answer.text
    assert "Reference" in (await visitor.get("/bug")).text


async def test_of_two_calls_at_once_the_one_that_lost_is_a_conflict_and_no_bug(host: Host) -> None:
    """PostgreSQL lets both look before either has written, as for a role that is sent twice."""

    @get("/twice", opt={"permission": "public"})
    async def twice() -> None:
        await host.db.write(lambda conn: conn.execute(insert(meta), [{"key": "one", "value": "x"}] * 2))

    visitor = Visitor(create_app(host, handlers=[twice], manage_host=False))
    answer = await visitor.get("/twice")
    assert answer.status_code == 409
    assert "at the same moment" in answer.text
    assert "UNIQUE" not in answer.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/title/movie/tmdb-1", "/title/nonsense/x", "/requests/999", "/watch/999"]
)
async def test_what_is_not_there_is_a_404_with_a_way_on(visit: Any, path: str) -> None:
    visitor = await visit("mara")
    answer = await visitor.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert 'href="/"' in answer.text


async def test_static_files_are_immutable_under_their_hash_and_answer_304_and_parts(stranger: Visitor) -> None:
    page = (await stranger.get("/signin")).text
    url = re.search(r'href="(/static/\w+/css/base.css)"', page)
    assert url is not None
    whole = await stranger.get(url[1])
    assert "immutable" in whole.headers["cache-control"]
    assert (await stranger.get(url[1], if_none_match=whole.headers["etag"])).status_code == 304
    part = await stranger.get(url[1], range="bytes=0-9")
    assert (part.status_code, part.content) == (206, whole.content[:10])
    assert (await stranger.get(url[1], range="bytes=999999-")).status_code == 416
    old = url[1].replace(url[1].split("/")[2], "0123456789ab")
    assert (await stranger.get(old)).headers["cache-control"] == "no-cache"
    for bad in (
        "/static/x/../app.py",
        "/static/x/%2e%2e/app.py",
        "/static/x/css/../../app.py",
        "/static/x//etc/passwd",
    ):
        assert (await stranger.get(bad)).status_code == 404, bad


async def test_the_search_says_who_did_not_answer(visit: Any, household: Any) -> None:
    household.finders["films-4k"].fail(Unavailable("down"), "search")
    visitor = await visit("edith")
    text = ""
    async with visitor.http.stream("GET", "/live/search?q=metropolis") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for chunk in stream.aiter_text():
            text += chunk
    assert "event: done" in text
    last = text.rsplit("event: elsewhere", 1)[1]
    assert "Metropolis" in last
    assert "“Films 4K” did not answer." in last
    assert "Films: 1 found" in last
    assert "down" not in last.replace("download", "")


async def test_a_viewer_is_not_offered_requests(visit: Any) -> None:
    visitor = await visit("noor")
    assert "/live/search" not in (await visitor.get("/search?q=metropolis")).text
    text = (await visitor.get("/title/movie/tmdb-19")).text
    assert "Not for this account" in text
    assert (await visitor.post("/title/movie/tmdb-19/request")).status_code == 403


async def test_films_lead_to_series_and_back_and_the_tab_holds_both(visit: Any) -> None:
    visitor = await visit("noor")
    for here, there in (("/films", "/series"), ("/series", "/films")):
        page = (await visitor.get(here)).text
        switch = page[page.index('<nav class="seg"') :].partition("</nav>")[0]
        assert f'href="{here}" aria-current="page"' in switch
        assert f'href="{there}"' in switch
        tabs = page[page.index('<nav class="tabbar"') :]
        assert 'href="/films" aria-current="page"' in tabs
