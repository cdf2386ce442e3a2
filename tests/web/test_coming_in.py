"""How strangers come in: by a link, by asking, and not otherwise."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from vaderflix_core.host import Host

from ..visitor import Visitor

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery"
XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>"
LINK = re.compile(r"/invite/([\w-]{20,})")


async def invited(host: Host, **terms: Any) -> str:
    mara = (await host.access.list_users())[1]
    code, _ = await host.invites.create(mara, **{"role": "requester", **terms})
    return code


async def test_a_visitor_opens_the_link_chooses_a_password_and_is_at_home(host: Host, stranger: Visitor) -> None:
    mara = (await host.access.list_users())[1]
    await host.house.change(mara, name="Linden House")
    code = await invited(host, note="This is our film cupboard.")
    opened = await stranger.get(f"/invite/{code}")
    assert opened.status_code == 200
    assert "Mara invites you to Linden House" in opened.text
    assert "This is our film cupboard." in opened.text
    assert "Ask for more" in opened.text
    assert "Works once, for another 7 days." in opened.text  # true in whatever zone they are
    way = re.search(r'class="btn primary big wide" href="([^"]+)"', opened.text)
    assert way is not None
    form = await stranger.get(way[1])
    assert form.text.count("<form") == 1
    made = await stranger.post(way[1], {"username": "tomas", "password": PASSWORD, "email": "tomas@example.org"})
    assert (made.status_code, made.headers["location"]) == (303, "/")
    home = await stranger.get("/")
    assert home.status_code == 200
    tomas = next(u for u in await host.access.list_users() if u.username == "tomas")
    assert (tomas.role, tomas.email) == ("requester", "tomas@example.org")


async def test_opening_a_link_uses_nothing_up(host: Host, stranger: Visitor) -> None:
    code = await invited(host)
    for _ in range(3):
        assert (await stranger.get(f"/invite/{code}")).status_code == 200
    assert (await host.invites.open(code)).used == 0


async def test_links_that_do_not_work_show_one_page_whatever_the_reason(host: Host, stranger: Visitor) -> None:
    mara = (await host.access.list_users())[1]
    revoked, invite = await host.invites.create(mara, role="viewer")
    await host.invites.revoke(mara, invite.id)
    used = await invited(host)
    await host.invites.accept(used, username="first")
    pages = set()
    for code in (revoked, used, "b" * 32, "x", "%3Cscript%3E", "a" * 300):
        for path in (f"/invite/{code}", f"/invite/{code}/password", f"/invite/{code}/passkey"):
            answer = await stranger.get(path)
            assert answer.status_code == 404
            pages.add(re.sub(r'"\w{64,}"|value="\w+"|nonce="[^"]+"|x-csrftoken[^}]+', "", answer.text))
    assert len(pages) == 1
    assert "ask whoever sent it for a new one" in pages.pop()


async def test_a_code_that_was_used_meanwhile_makes_no_account(host: Host, stranger: Visitor) -> None:
    code = await invited(host)
    await host.invites.accept(code, username="first")
    late = await stranger.post(f"/invite/{code}/password", {"username": "late", "password": PASSWORD})
    assert late.status_code == 404
    assert "vf_access" not in late.headers.get("set-cookie", "")
    assert not [u for u in await host.access.list_users() if u.username == "late"]


async def test_two_browsers_with_one_link_make_one_account(host: Host, app: Any) -> None:
    code = await invited(host)
    visitors = [Visitor(app) for _ in range(5)]
    answers = await asyncio.gather(
        *(
            v.post(f"/invite/{code}/password", {"username": f"guest{n}", "password": PASSWORD})
            for n, v in enumerate(visitors)
        )
    )
    assert sorted(a.status_code for a in answers) == [303, 404, 404, 404, 404]
    assert len(await host.access.list_users()) == 4


async def test_what_a_visitor_sends_beside_the_form_is_ignored(host: Host, stranger: Visitor) -> None:
    code = await invited(host, role="viewer")
    extra = {"role": "admin", "granted": "settings", "disabled": "no", "uses": "99", "display_name": "Mara"}
    await stranger.post(f"/invite/{code}/password", {"username": "eve", "password": PASSWORD, **extra})
    eve = next(u for u in await host.access.list_users() if u.username == "eve")
    assert (eve.role, eve.granted, eve.display_name) == ("viewer", (), "eve")


async def test_a_wrong_name_or_password_keeps_the_form_and_says_what_is_wrong(host: Host, stranger: Visitor) -> None:
    code = await invited(host)
    answer = await stranger.post(f"/invite/{code}/password", {"username": "mara", "password": PASSWORD})
    assert answer.status_code == 422
    assert "is taken" in answer.text
    answer = await stranger.post(f"/invite/{code}/password", {"username": "tomas", "password": "short"})
    assert answer.status_code == 422
    assert 'value="tomas"' in answer.text
    assert "short" not in answer.text.replace("Shortcuts", "")


async def test_joining_says_all_that_is_wrong_at_once_and_the_rule_before(host: Host, stranger: Visitor) -> None:
    code = await invited(host, email="tomas@example.org")
    path = f"/invite/{code}/password"
    assert "10 characters or more" in (await stranger.get(path)).text
    form = {"username": "mara", "password": "short", "email": "eve@example.org"}
    answer = await stranger.post(path, form)
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 3
    assert 'value="mara"' in answer.text
    assert 'value="eve@example.org"' in answer.text
    assert "Use 10 characters or more" in answer.text
    assert (await host.invites.open(code)).used == 0


def bare(text: str) -> str:
    """A page without what differs each time."""
    return re.sub(r'nonce="[^"]+"|"\w{64,}"|value="\w+"|x-csrftoken[^}]+', "", text)


async def test_a_closed_house_says_that_it_is_closed_whatever_the_code(host: Host, stranger: Visitor) -> None:
    mara = (await host.access.list_users())[1]
    code = await invited(host)
    await host.house.change(mara, registration="closed")
    pages = set()
    for path in (f"/invite/{code}", f"/invite/{code}/password", "/invite/none", "/join"):
        answer = await stranger.get(path)
        assert answer.status_code == 404
        pages.add(bare(answer.text))
    assert len(pages) == 1
    text = pages.pop()
    assert "takes nobody in at the moment" in text
    assert "ask whoever sent it for a new one" not in text
    assert "Paste the link" not in text


async def test_an_admin_reads_that_invitations_rest_while_the_house_is_closed(host: Host, visit: Any) -> None:
    mara = (await host.access.list_users())[1]
    await invited(host)
    browser = await visit("mara")
    assert "1 invitation is open." in (await browser.get("/admin/invitations")).text
    await host.house.change(mara, registration="closed")
    text = (await browser.get("/admin/invitations")).text
    assert "1 invitation rests while the house is closed." in text
    assert "is open" not in text


async def test_the_sign_in_page_offers_every_way_to_come_in(host: Host, stranger: Visitor) -> None:
    mara = (await host.access.list_users())[1]
    for registration, ways in (("invitation", {"/join"}), ("request", {"/join", "/ask"}), ("closed", set())):
        await host.house.change(mara, registration=registration)
        text = (await stranger.get("/signin")).text
        assert {way for way in ("/join", "/ask") if f'href="{way}"' in text} == ways, registration


async def test_a_form_for_an_invitation_that_is_wrong_keeps_what_was_chosen(host: Host, visit: Any) -> None:
    browser = await visit("mara")
    host.mails._base_url = lambda: "https://house.example"
    form = {"role": "viewer", "uses": "3", "days": "7", "note": "Hi", "email": "", "send": "yes", "library": "films/1"}
    answer = await browser.post("/admin/invitations", form)
    assert answer.status_code == 422
    assert "say to whom" in answer.text
    assert 'value="Hi"' in answer.text
    answer = await browser.post("/admin/invitations", {**form, "email": "noor@example.org", "send": ""})
    assert answer.status_code == 422
    assert "One address lets in one person" in answer.text
    assert await host.invites.newest() == []


async def test_somebody_who_is_signed_in_does_not_use_the_link_up(host: Host, visit: Any) -> None:
    code = await invited(host)
    edith = await visit("edith")
    opened = await edith.get(f"/invite/{code}")
    assert "You have an account here already" in opened.text
    assert f"/invite/{code}/password" not in opened.text


async def test_a_code_can_be_typed_or_the_whole_link_pasted(host: Host, stranger: Visitor) -> None:
    code = await invited(host)
    for typed in (code, f" https://house.example/invite/{code} ", f"https://house.example/invite/{code}/?x=1"):
        answer = await stranger.post("/join", {"code": typed})
        assert answer.headers["location"] == f"/invite/{code}"
    for typed in ("", "//evil.example/..", "javascript:alert(1)", "https://house.example/"):
        answer = await stranger.post("/join", {"code": typed})
        assert answer.status_code == 422 or answer.headers["location"].startswith("/invite/")


async def test_nobody_can_ask_unless_the_house_says_so(host: Host, stranger: Visitor) -> None:
    assert (await stranger.get("/ask")).status_code == 404
    asked = {"name": "Noor", "email": "noor@example.org", "message": "May I?"}
    assert (await stranger.post("/ask", asked)).status_code == 404
    assert await host.access_requests.newest() == []


async def test_where_nobody_can_ask_the_page_says_how_people_come_in(host: Host, stranger: Visitor) -> None:
    mara = (await host.access.list_users())[1]
    await host.house.change(mara, registration="invitation")
    text = (await stranger.get("/ask")).text
    assert "People come in by invitation." in text
    assert 'href="/join"' in text
    await host.house.change(mara, registration="closed")
    text = (await stranger.get("/ask")).text
    assert "takes nobody in at the moment" in text
    assert 'href="/join"' not in text


async def test_whoever_is_in_already_is_not_told_to_ask_for_another_link(stranger: Visitor, visit: Any) -> None:
    noor = await visit("noor")
    text = (await noor.get("/invite/used-up")).text
    assert "You are signed in as Noor, so you need no link." in text
    assert "ask whoever sent it" not in text
    assert "Then sign in with your account." in (await stranger.get("/invite/used-up")).text


async def test_a_mailed_link_that_ended_leads_to_where_its_kind_is_asked_for(stranger: Visitor) -> None:
    assert 'href="/forgot"' in (await stranger.get("/reset/none")).text
    text = (await stranger.get("/email/none")).text
    assert 'href="/you/profile"' in text
    assert 'href="/forgot"' not in text


async def test_asking_is_answered_alike_whoever_asks(host: Host, stranger: Visitor) -> None:
    mara = (await host.access.list_users())[1]
    await host.access.change_user(mara.id, email="mara@example.org")
    await host.house.change(mara, registration="request")
    texts = set()
    for email in ("noor@example.org", "noor@example.org", "mara@example.org"):
        answer = await stranger.post("/ask", {"name": "N", "email": email, "message": "May I?"})
        assert answer.status_code == 200
        texts.add(re.sub(r'nonce="[^"]+"|x-csrftoken[^}]+', "", answer.text))
    assert len(texts) == 1
    async with asyncio.timeout(60):
        while len(await host.access_requests.newest()) < 2:
            await asyncio.sleep(0.02)
    # the admin is mailed once for each address that waits
    async with asyncio.timeout(60):
        while len([d for d in await host.notify.deliveries() if d.recipient == "mara@example.org"]) < 2:
            await asyncio.sleep(0.02)


async def test_an_approved_request_says_whether_its_asker_came_in_and_offers_another_link(
    host: Host, stranger: Visitor, visit: Any
) -> None:
    mara = (await host.access.list_users())[1]
    await host.house.change(mara, registration="request")
    await stranger.post("/ask", {"name": "Noor B", "email": "noor@example.org", "message": "May I?"})
    async with asyncio.timeout(60):
        while not (waiting := await host.access_requests.newest()):
            await asyncio.sleep(0.02)
    approved = await host.access_requests.approve(mara, waiting[0].id, role="viewer")
    browser = await visit("mara")

    async def said() -> str:
        return (await browser.get("/admin/access?show=approved")).text

    assert "Has not come in yet. The link works until" in await said()
    await host.invites.revoke(mara, approved.id)
    assert "Did not come in, and the link does not work any more." in await said()
    again = f"/admin/invitations/{approved.id}/reissue"
    assert again in await said()
    shown = await browser.post(again, {"send": "yes"})
    code = re.search(r'/invite/([\w-]+)"', shown.text)
    assert code is not None
    user = await host.invites.accept(code[1], username="noorb", password=PASSWORD, email="noor@example.org")
    assert f'Came in: <a href="/admin/people/{user.id}">' in await said()
    assert again not in await said()
    await host.people.remove(mara, user.id, requests="keep", end_shares=False)
    assert "Came in. The account is not there any more." in await said()


async def test_hostile_words_of_a_stranger_stay_words(host: Host, stranger: Visitor, visit: Any) -> None:
    mara = (await host.access.list_users())[1]
    await host.house.change(mara, registration="request", name=XSS[:60])
    await stranger.post("/ask", {"name": XSS, "email": "noor@example.org", "message": XSS})
    async with asyncio.timeout(60):
        while not await host.access_requests.newest():
            await asyncio.sleep(0.02)
    code = await invited(host, note=XSS)
    browser = await visit("mara")
    for path in ("/admin/access", "/admin", "/admin/activity", "/admin/house", "/admin/invitations"):
        text = (await browser.get(path)).text
        assert "<script>alert(1)" not in text, path
        assert "<img src=x" not in text, path
    for path in (f"/invite/{code}", f"/invite/{code}/password", "/ask", "/join", "/invite/none"):
        text = (await Visitor(stranger.http._transport.app).get(path)).text
        assert "<script>alert(1)" not in text, path
        assert "<img src=x" not in text, path
        assert "&lt;script&gt;" in text or path in ("/invite/none",), path


async def test_set_up_routes_are_gone_after_set_up(host: Host, stranger: Visitor, visit: Any) -> None:
    form = {"token": await host.access.setup_token(), "username": "eve", "password": PASSWORD}
    for visitor in (stranger, await visit("mara")):
        assert (await visitor.get("/setup")).status_code == 404
        assert (await visitor.post("/setup", form)).status_code == 404
    assert not [u for u in await host.access.list_users() if u.username == "eve"]
