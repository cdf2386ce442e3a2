"""Problems on the pages and over the API: reported from a title, answered by an admin, nobody else's to touch."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from world import HOSTILE

from vaderflix_core.host import Host
from vaderflix_core.problems.models import ProblemSort, ProblemState

pytestmark = pytest.mark.anyio

HELD = "/title/movie/tmdb-653"
ABSENT = "/title/movie/tmdb-19"
HOSTILE_TITLE = "/title/movie/tmdb-9900001"


def program(app: Any, key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://vaderflix.test/api/v1", headers={"x-api-key": key} if key else {}
    )


async def client_of(host: Host, app: Any, name: str, *scopes: str) -> httpx.AsyncClient:
    user = next(u for u in await host.access.list_users() if u.username == name)
    key, _ = await host.sessions.create_key(user, "test", frozenset(scopes) if scopes else None)
    return program(app, key)


async def held_series(host: Host) -> str:
    """The page of a series of which the library holds something."""
    from vaderflix_web.cards import held_href

    return held_href(next(held for held in await host.library.recent(50) if held.item.kind == "series"))


async def test_a_viewer_reports_from_the_title_and_an_admin_solves(visit: Any, host: Host) -> None:
    noor, mara = await visit("noor"), await visit("mara")
    assert f'href="{HELD}/problem"' in (await noor.get(HELD)).text
    dialog = (await noor.get(f"{HELD}/problem", hx_request="true")).text
    assert dialog.lstrip().startswith("<dialog")
    assert "Season" not in dialog
    sent = await noor.post(f"{HELD}/problem", {"sort": "subtitles", "message": "They come too late"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/problems")
    mine = (await noor.get("/problems")).text
    assert "Reported. You hear when it is solved." in mine
    assert "They come too late" in mine
    assert "1 problem is open." in mine
    again = await noor.post(f"{HELD}/problem", {"sort": "subtitles", "message": "Two seconds too late"})
    assert again.status_code == 303
    assert "You reported it already" in (await noor.get("/problems")).text

    dashboard = (await mara.get("/admin")).text
    assert "1 reported problem is open" in dashboard
    assert re.search(r'href="/admin/problems"[^>]*>.*?Problems<span class="count">1</span>', dashboard)
    queue = (await mara.get("/admin/problems")).text
    assert "Two seconds too late" in queue
    assert "They come too late" not in queue
    assert "Noor" in queue
    [problem] = await host.problems.list((await _user(host, "mara")), scope="all")
    await mara.post(f"/admin/problems/{problem.id}/solve", {"answer": "Other subtitles are in"})
    assert "Two seconds" not in (await mara.get("/admin/problems")).text
    assert "Two seconds" in (await mara.get("/admin/problems?show=solved")).text
    assert "reported problem" not in (await mara.get("/admin")).text
    twice = await mara.post(f"/admin/problems/{problem.id}/solve", {"answer": "Again"})
    assert twice.status_code == 303
    mine = (await noor.get("/problems")).text
    assert "Other subtitles are in" in mine
    assert "solved by Mara" in mine
    await noor.post(f"/problems/{problem.id}/reopen")
    assert "1 problem is open." in (await mara.get("/admin/problems")).text


async def _user(host: Host, name: str) -> Any:
    return next(u for u in await host.access.list_users() if u.username == name)


async def test_a_problem_of_a_series_says_where(visit: Any, host: Host) -> None:
    noor, base = await visit("noor"), await held_series(host)
    form = (await noor.get(f"{base}/problem")).text
    season = re.search(r'<option value="([1-9]\d*)"', form)
    assert season is not None
    for wrong in ({"episode": "3"}, {"episode": "three", "season": season[1]}, {"episode": "²", "season": season[1]}):
        answer = await noor.post(f"{base}/problem", {"sort": "picture", "message": "Kept words", **wrong})
        assert answer.status_code == 422, wrong
        assert 'aria-invalid="true"' in answer.text
        assert "Kept words" in answer.text
    await noor.post(f"{base}/problem", {"sort": "picture", "season": season[1], "episode": "3"})
    assert f"Season {season[1]}, episode 3" in (await noor.get("/problems")).text


async def test_only_titles_of_the_library_can_have_problems(visit: Any, host: Host, app: Any) -> None:
    noor = await visit("noor")
    assert f"{ABSENT}/problem" not in (await noor.get(ABSENT)).text
    assert (await noor.get(f"{ABSENT}/problem")).status_code == 404
    assert (await noor.post(f"{ABSENT}/problem", {"sort": "sound"})).status_code == 404
    api = await client_of(host, app, "noor")
    body = {"kind": "movie", "ref": "tmdb-19", "sort": "sound"}
    assert (await api.post("/problems", json=body)).status_code == 404
    assert await host.problems.open_count(await _user(host, "mara")) == 0


async def test_a_report_that_makes_no_sense_comes_back_with_what_was_typed(visit: Any) -> None:
    noor = await visit("noor")
    for sent in ({"message": "Kept words"}, {"sort": "smell", "message": "Kept words"}):
        answer = await noor.post(f"{HELD}/problem", sent)
        assert answer.status_code == 422
        assert "Choose what is wrong." in answer.text
        assert "Kept words" in answer.text
    silent = await noor.post(f"{HELD}/problem", {"sort": "other"})
    assert silent.status_code == 422
    assert "A few words are needed" in silent.text


async def test_forms_without_their_token_change_nothing(visit: Any, host: Host) -> None:
    noor, mara = await visit("noor"), await visit("mara")
    await noor.post(f"{HELD}/problem", {"sort": "sound"})
    admin = await _user(host, "mara")
    [problem] = await host.problems.list(admin, scope="all")
    assert (await noor.http.post(f"{HELD}/problem", data={"sort": "picture"})).status_code == 403
    assert (await mara.http.post(f"/admin/problems/{problem.id}/solve", data={"answer": "x"})).status_code == 403
    await mara.post(f"/admin/problems/{problem.id}/solve")
    for path in (f"/problems/{problem.id}/reopen", f"/admin/problems/{problem.id}/reopen"):
        assert (await mara.http.post(path)).status_code == 403
    assert [p.state for p in await host.problems.list(admin, scope="all")] == [ProblemState.SOLVED]


async def test_hostile_words_are_shown_as_text(visit: Any, host: Host) -> None:
    noor, mara = await visit("noor"), await visit("mara")
    for path in (HOSTILE_TITLE, f"{HOSTILE_TITLE}/problem"):
        assert "<script>alert" not in (await noor.get(path)).text
    await noor.post(f"{HOSTILE_TITLE}/problem", {"sort": "other", "message": f'{HOSTILE}" onclick="x'})
    [problem] = await host.problems.list(await _user(host, "mara"), scope="all")
    for where in ("/admin/problems", "/admin/problems?show=%3Cscript%3E"):
        text = (await mara.get(where)).text
        assert "<script>alert" not in text
        assert '" onclick="x' not in text
        assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    await mara.post(f"/admin/problems/{problem.id}/solve", {"answer": HOSTILE})
    for visitor, where in ((noor, "/problems"), (mara, "/admin/problems?show=all"), (mara, "/admin/activity")):
        assert "<script>alert" not in (await visitor.get(where)).text
    wrong = await noor.post(f"{HELD}/problem", {"sort": HOSTILE, "message": f"</textarea>{HOSTILE}"})
    assert "<script>alert" not in wrong.text
    assert "</textarea>&lt;" not in wrong.text.replace("&lt;/textarea&gt;", "")
    nul = await noor.post(f"{HELD}/problem", {"sort": "sound", "message": "a\x00b"})
    assert nul.status_code < 500


async def test_other_peoples_problems_do_not_exist(visit: Any, host: Host, app: Any) -> None:
    noor, edith = await visit("noor"), await visit("edith")
    await noor.post(f"{HELD}/problem", {"sort": "sound", "message": "Only Noor hears it"})
    [problem] = await host.problems.list(await _user(host, "mara"), scope="all")
    await host.problems.solve(await _user(host, "mara"), problem.id)
    assert "Only Noor" not in (await edith.get("/problems")).text
    assert (await edith.post(f"/problems/{problem.id}/reopen")).status_code == 404
    for path in ("/admin/problems", "/admin"):
        assert (await edith.get(path)).status_code == 403
    assert (await edith.post(f"/admin/problems/{problem.id}/solve")).status_code == 403
    api = await client_of(host, app, "edith")
    assert (await api.get("/problems?scope=all")).json() == []
    assert (await api.get(f"/problems/{problem.id}")).status_code == 404
    assert (await api.post(f"/problems/{problem.id}/reopen")).status_code == 404
    assert (await api.post(f"/problems/{problem.id}/solve", json={})).status_code == 403


async def test_who_sees_everybodys_problems_looks_but_does_not_solve(visit: Any, host: Host) -> None:
    edith, noor = await _user(host, "edith"), await visit("noor")
    await noor.post(f"{HELD}/problem", {"sort": "sound"})
    await host.people.change(await _user(host, "mara"), edith.id, granted=["problems.view"])
    visitor = await visit("edith")
    page = (await visitor.get("/admin/problems")).text
    assert "Noor" in page
    assert "Solve" not in page.split("<main")[1].replace("Solved", "")
    assert 'href="/admin/problems"' in (await visitor.get("/")).text
    [problem] = await host.problems.list(await _user(host, "edith"), scope="all")
    assert (await visitor.post(f"/admin/problems/{problem.id}/solve")).status_code == 403


async def test_the_api_reports_lists_solves_and_opens_again(host: Host, app: Any) -> None:
    noor, mara = await client_of(host, app, "noor"), await client_of(host, app, "mara")
    body = {"kind": "movie", "ref": "tmdb-653", "sort": "picture", "message": "Green"}
    made = await noor.post("/problems", json=body)
    assert made.status_code == 201, made.text
    problem = made.json()
    assert (problem["title"], problem["state"], problem["reported_by"]) == ("Nosferatu", "open", "Noor")
    assert (await noor.post("/problems", json=body)).json()["id"] == problem["id"]
    assert [p["id"] for p in (await mara.get("/problems?scope=all&state=open")).json()] == [problem["id"]]
    assert (await mara.get("/problems")).json() == []
    assert (await mara.get("/problems?scope=all&state=closed")).status_code == 400
    solved = await mara.post(f"/problems/{problem['id']}/solve", json={"answer": "Replaced"})
    assert (solved.status_code, solved.json()["state"], solved.json()["solved_by"]) == (200, "solved", "Mara")
    assert (await mara.post(f"/problems/{problem['id']}/solve", json={})).status_code == 409
    assert (await noor.get(f"/problems/{problem['id']}")).json()["answer"] == "Replaced"
    assert (await noor.post(f"/problems/{problem['id']}/reopen")).json()["state"] == "open"
    assert (await noor.post(f"/problems/{problem['id']}/reopen")).status_code == 409
    for wrong in ({**body, "sort": "smell"}, {**body, "season": -1}, {**body, "title": "Mine"}, {"sort": "sound"}):
        assert (await noor.post("/problems", json=wrong)).status_code == 400, wrong
    silent = await noor.post("/problems", json={**body, "sort": "other", "message": ""})
    assert (silent.status_code, list(silent.json()["error"]["fields"])) == (422, ["message"])


async def test_a_key_does_what_its_scope_says(host: Host, app: Any) -> None:
    problem, _ = await host.problems.report(await _user(host, "noor"), **(await _held(host)), sort=ProblemSort.SOUND)
    looker = await client_of(host, app, "mara", "browse")
    assert (await looker.get(f"/problems/{problem.id}")).status_code == 404
    assert (await looker.post(f"/problems/{problem.id}/solve", json={})).status_code == 403
    solver = await client_of(host, app, "mara", "problems.manage")
    assert (await solver.post(f"/problems/{problem.id}/solve", json={})).status_code == 200


async def _held(host: Host) -> dict[str, Any]:
    item = (await host.library.recent(50))[-1].item
    return {"kind": item.kind, "ids": item.ids, "title": item.title}
