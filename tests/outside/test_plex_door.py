"""Through the door with an account at a media server: the whole way in the pages, over real HTTP."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from msgspec import structs

from vaderflix_core.access.share_watch import ShareWatch
from vaderflix_core.store import shares
from vaderflix_core.testing import Fault

pytestmark = pytest.mark.anyio
HREF = re.compile(r'href="([^"]*/auth#[^"]*)"')


async def begin(visitor: Any, **form: str) -> tuple[str, str]:
    """Press the button; gives the waiting page and the code that the person confirms."""
    answer = await visitor.post("/signin/with/plex", form)
    assert answer.status_code == 303, answer.text
    waiting = answer.headers["location"]
    shown = await visitor.get(waiting)
    assert shown.status_code == 200
    url = html.unescape(HREF.search(shown.text)[1])
    return waiting, parse_qs(url.partition("#?")[2])["code"][0]


async def asked(visitor: Any, waiting: str) -> Any:
    return await visitor.post(waiting, hx_request="true")


async def welcome(host: Any, mara: Any) -> None:
    await host.providers.welcome(mara, "plex:plex", welcome=True, role="viewer")


async def test_the_sign_in_page_offers_the_way_while_the_service_runs(host, visitor):
    page = (await visitor().get("/signin")).text
    assert 'action="/signin/with/plex"' in page
    await host.instances.set_enabled("plex", False)
    assert "/signin/with/plex" not in (await visitor().get("/signin")).text


async def test_a_newcomer_with_access_comes_in_and_again_under_the_same_account(host, visitor, mara, world):
    simulator, _ = world
    await welcome(host, mara)
    for _time in range(2):
        someone = visitor()
        waiting, code = await begin(someone, next="/films")
        assert (await asked(someone, waiting)).status_code == 204
        assert await someone.name() is None
        simulator.plextv.claim(code, "friend")
        answer = await asked(someone, waiting)
        assert answer.headers["hx-redirect"] == "/films", answer.text
        assert await someone.name() == "fred.friend"
    assert len(await host.access.list_users()) == 3
    user = next(u for u in await host.access.list_users() if u.username == "fred.friend")
    assert (user.role, user.display_name) == ("viewer", "Fred Friend")


async def test_without_an_account_and_a_welcome_nobody_is_let_in(host, visitor, world):
    simulator, _ = world
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "friend")
    answer = await asked(someone, waiting)
    assert "opens no account here yet" in answer.text
    assert await someone.name() is None
    assert len(await host.access.list_users()) == 2


@pytest.mark.parametrize("who", ["stranger", "elsewhere", "pending"])
async def test_people_without_access_to_this_server_stay_out_whatever_is_open(host, visitor, mara, world, who):
    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, who)
    assert "has no access" in (await asked(someone, waiting)).text
    assert await someone.name() is None
    # it is over, whatever they may use by now
    simulator.plextv.accept("pending")
    assert "has no access" in (await asked(someone, waiting)).text
    assert await someone.name() is None


async def test_why_nobody_came_in_stays_in_both_tabs_and_the_page_asks_no_more(host, visitor, world):
    simulator, _ = world
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "stranger")
    first = await asked(someone, waiting)
    assert first.status_code == 286  # htmx: swap it in, and stop asking
    other_tab = await someone.get(waiting)
    assert (first.status_code, other_tab.status_code) == (286, 403)
    for answer in (first, other_tab, await asked(someone, waiting), await someone.get(waiting)):
        assert "has no access" in answer.text
        assert "is over" not in answer.text
    assert "is over" in (await visitor().get(waiting)).text  # nobody else learns why


async def test_a_tab_that_asks_while_the_other_one_brings_the_person_in_goes_with_it(
    host, visitor, mara, world, monkeypatch
):
    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone, next="/films")
    simulator.plextv.claim(code, "friend")
    enter, taken, go_on = host.identities._enter, asyncio.Event(), asyncio.Event()

    async def slowly(*args: Any) -> Any:
        taken.set()
        await go_on.wait()
        return await enter(*args)

    monkeypatch.setattr(host.identities, "_enter", slowly)
    first = asyncio.create_task(asked(someone, waiting))
    await taken.wait()
    assert (await asked(someone, waiting)).status_code == 204  # it asks again
    assert (await someone.get(waiting)).status_code == 200
    go_on.set()
    assert (await first).headers["hx-redirect"] == "/films"
    assert (await asked(someone, waiting)).headers["hx-redirect"] == "/films"
    assert (await someone.get(waiting)).headers["location"] == "/films"


async def test_tabs_that_ask_at_one_time_make_one_account_and_none_says_that_it_failed(host, visitor, mara, world):
    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "friend")
    answers = await asyncio.gather(*(asked(someone, waiting) for _tab in range(5)))
    assert sum("hx-redirect" in answer.headers for answer in answers) >= 1
    assert {answer.status_code for answer in answers} == {204}
    assert await someone.name() == "fred.friend"


async def test_a_provider_that_is_away_is_asked_again(host, visitor, world):
    simulator, _ = world
    someone = visitor()
    waiting, _code = await begin(someone)
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    assert (await asked(someone, waiting)).status_code == 200


async def test_every_way_on_leads_back_to_the_invitation(host, visitor, mara, world):
    simulator, _ = world
    invitation, _invite = await host.invites.create(mara, role="viewer")
    someone = visitor()
    waiting, code = await begin(someone, code=invitation)
    assert f'href="/invite/{invitation}"' in (await someone.get(waiting)).text
    simulator.plextv.claim(code, "stranger")
    for answer in (await asked(someone, waiting), await someone.get(waiting)):
        assert f'href="/invite/{invitation}"' in answer.text
        assert 'href="/signin"' not in answer.text
    assert invitation not in (await visitor().get(waiting)).text


async def test_an_address_never_opens_an_account(host, visitor, mara, edith, world):
    simulator, _ = world
    await host.access.change_user(edith.id, email="friend@example.org")
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "friend")
    await asked(someone, waiting)
    assert await someone.name() == "fred.friend"


async def test_only_the_browser_that_began_can_finish(host, visitor, mara, world):
    simulator, _ = world
    await welcome(host, mara)
    attacker, victim = visitor(), visitor()
    waiting, code = await begin(attacker)
    simulator.plextv.claim(code, "friend")
    # the attacker hands the finished sign-in to somebody, to have them work under the attacker's account
    await victim.get(waiting)
    assert "This sign-in is over" in (await asked(victim, waiting)).text
    assert await victim.name() is None
    await begin(victim)
    assert "This sign-in is over" in (await asked(victim, waiting)).text


async def test_a_sign_in_is_good_once_and_for_a_quarter_of_an_hour(host, visitor, mara, world):
    from datetime import timedelta

    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "friend")
    assert "hx-redirect" in (await asked(someone, waiting)).headers
    await someone.post("/signout", {})
    assert "hx-redirect" not in (await asked(someone, waiting)).headers
    assert await someone.name() is None
    real = host.identities._clock
    host.identities._clock = lambda: real() + timedelta(minutes=1)
    assert "This sign-in is over" in (await asked(someone, waiting)).text
    other = visitor()
    waiting, code = await begin(other)
    host.identities._clock = lambda: real() + timedelta(minutes=16)
    simulator.plextv.claim(code, "friend")
    assert "This sign-in is over" in (await asked(other, waiting)).text


async def test_linking_needs_the_password_and_unlinking_another_way_in(host, visit, visitor, world):
    simulator, _ = world
    edith = await visit("edith")
    assert (await edith.get("/you/security")).text.count("/you/security/link/plex") == 1
    refused = await edith.post("/you/security/link/plex", {"password": "wrong"})
    assert refused.status_code == 422
    answer = await edith.post("/you/security/link/plex", {"password": "correct horse battery"})
    waiting = answer.headers["location"]
    code = parse_qs(html.unescape(HREF.search((await edith.get(waiting)).text)[1]).partition("#?")[2])["code"][0]
    simulator.plextv.claim(code, "friend")
    assert (await asked(edith, waiting)).headers["hx-redirect"] == "/you/security"
    assert "Fred Friend" in (await edith.get("/you/security")).text

    phone = visitor()
    waiting, code = await begin(phone)
    simulator.plextv.claim(code, "friend")
    await asked(phone, waiting)
    assert await phone.name() == "edith"

    form = {"provider": "plex:plex", "subject": "4000002"}
    await edith.post("/you/security/unlink", form)
    assert "Fred Friend" not in (await edith.get("/you/security")).text


async def test_the_only_way_in_cannot_be_unlinked(host, visitor, mara, world):
    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "friend")
    await asked(someone, waiting)
    await someone.post("/you/security/unlink", {"provider": "plex:plex", "subject": "4000002"})
    assert "Fred Friend" in (await someone.get("/you/security")).text


async def test_an_account_elsewhere_opens_one_account_here_only(host, visit, mara, edith, world):
    simulator, _ = world
    for name in ("mara", "edith"):
        person = await visit(name)
        answer = await person.post("/you/security/link/plex", {"password": "correct horse battery"})
        waiting = answer.headers["location"]
        code = parse_qs(html.unescape(HREF.search((await person.get(waiting)).text)[1]).partition("#?")[2])["code"][0]
        simulator.plextv.claim(code, "friend")
        answer = await asked(person, waiting)
        assert ("hx-redirect" in answer.headers) == (name == "mara")
    assert "opens another account" in answer.text
    assert [one.subject for one in await host.identities.linked(mara)] == ["4000002"]
    assert await host.identities.linked(edith) == []


async def test_an_invitation_is_accepted_with_it_and_libraries_follow(host, visitor, mara, world):
    simulator, _ = world
    code_of_invite, _invite = await host.invites.create(mara, role="requester", libraries={"plex": ["7000001"]})
    someone = visitor()
    page = (await someone.get(f"/invite/{code_of_invite}")).text
    assert 'action="/signin/with/plex"' in page
    waiting, code = await begin(someone, code=code_of_invite)
    simulator.plextv.claim(code, "friend")
    assert (await asked(someone, waiting)).headers["hx-redirect"] == "/"
    user = next(u for u in await host.access.list_users() if u.username == "fred.friend")
    assert user.role == "requester"
    (kept,) = (await host.sharing.by_user())[user.id]
    assert (kept.state, kept.libraries) == ("wanted", ("7000001",))
    other = visitor()
    refused = await other.post("/signin/with/plex", {"code": code_of_invite})
    assert refused.status_code == 404


async def look(host: Any) -> None:
    """A look at the shares, as the watch takes one every minute."""
    await ShareWatch.look(host.share_watch)


async def user_named(host: Any, name: str) -> Any:
    return next((user for user in await host.access.list_users() if user.username == name), None)


async def share_of(host: Any, user: Any) -> Any:
    return (await host.sharing.by_user())[user.id][0]


async def comes_in(visitor: Any, simulator: Any, who: str, **form: str) -> Any:
    """Somebody with an account there tries the door; gives their browser."""
    someone = visitor()
    waiting, code = await begin(someone, **form)
    simulator.plextv.claim(code, who)
    await asked(someone, waiting)
    return someone


async def test_an_invitation_that_shares_the_server_brings_in_who_has_no_access_yet(host, visitor, mara, world):
    simulator, _ = world
    invitation, _invite = await host.invites.create(mara, role="viewer", libraries={"plex": ["7000001"]})
    assert await (await comes_in(visitor, simulator, "stranger", code=invitation)).name() == "sten.stranger"
    sten = await user_named(host, "sten.stranger")
    assert [one.subject for one in await host.identities.linked(sten)] == ["4000004"]
    # they come again before the share is asked for, while it waits for them, and when they have it
    assert (await share_of(host, sten)).state == "wanted"
    assert await (await comes_in(visitor, simulator, "stranger")).name() == "sten.stranger"
    await look(host)
    assert (await share_of(host, sten)).state == "pending"
    assert await (await comes_in(visitor, simulator, "stranger")).name() == "sten.stranger"
    simulator.plextv.accept("stranger")
    await look(host)
    assert (await share_of(host, sten)).state == "accepted"
    assert await (await comes_in(visitor, simulator, "stranger")).name() == "sten.stranger"
    # what is taken away there is felt at the next sign-in
    simulator.plextv.revoke("stranger")
    assert await (await comes_in(visitor, simulator, "stranger")).name() is None
    assert len(await host.access.list_users()) == 3


@pytest.mark.parametrize("state", ["refused", "suspended", "removed", "accepted"])
async def test_a_share_that_is_not_promised_any_more_opens_nothing(host, visitor, mara, world, state):
    simulator, _ = world
    invitation, _invite = await host.invites.create(mara, role="viewer", libraries={"plex": ["7000001"]})
    await comes_in(visitor, simulator, "stranger", code=invitation)
    kept = structs.replace(await share_of(host, await user_named(host, "sten.stranger")), state=state)
    await host.db.write(lambda conn: shares.put(conn, kept))
    assert await (await comes_in(visitor, simulator, "stranger")).name() is None


@pytest.mark.parametrize("libraries", [{}, {"another": ["7000001"]}])
async def test_an_invitation_that_shares_nothing_of_the_server_opens_nothing_there(
    host, visitor, mara, world, libraries
):
    simulator, _ = world
    invitation, _invite = await host.invites.create(mara, role="viewer", libraries=libraries)
    someone = visitor()
    waiting, code = await begin(someone, code=invitation)
    simulator.plextv.claim(code, "stranger")
    assert "shares nothing of it" in (await asked(someone, waiting)).text
    assert await user_named(host, "sten.stranger") is None
    assert (await host.invites.open(invitation)).used == 0
    # who has access already may use it all the same
    assert await (await comes_in(visitor, simulator, "friend", code=invitation)).name() == "fred.friend"


async def test_an_invitation_that_ended_meanwhile_brings_nobody_in(host, visitor, mara, world):
    simulator, _ = world
    invitation, invite = await host.invites.create(mara, role="viewer", libraries={"plex": ["7000001"]})
    someone = visitor()
    waiting, code = await begin(someone, code=invitation)
    await host.invites.revoke(mara, invite.id)
    simulator.plextv.claim(code, "stranger")
    await asked(someone, waiting)
    assert await someone.name() is None
    assert await user_named(host, "sten.stranger") is None


async def test_an_invitation_for_one_address_needs_it_whoever_proves_themselves(host, visitor, mara, world):
    simulator, _ = world
    invitation, _invite = await host.invites.create(
        mara, role="viewer", email="somebody@example.org", libraries={"plex": ["7000001"]}
    )
    assert await (await comes_in(visitor, simulator, "stranger", code=invitation)).name() is None
    assert await user_named(host, "sten.stranger") is None


async def test_who_came_in_with_a_password_links_the_account_that_the_share_waits_for(host, visit, mara, world):
    simulator, _ = world
    invitation, _invite = await host.invites.create(mara, role="viewer", libraries={"plex": ["7000001"]})
    await host.invites.accept(invitation, username="sten", password="correct horse battery")
    for name, linked in (("sten", ["4000004"]), ("edith", [])):
        person = await visit(name)
        answer = await person.post("/you/security/link/plex", {"password": "correct horse battery"})
        waiting = answer.headers["location"]
        code = parse_qs(html.unescape(HREF.search((await person.get(waiting)).text)[1]).partition("#?")[2])["code"][0]
        simulator.plextv.claim(code, "stranger")
        await asked(person, waiting)
        user = await user_named(host, name)
        assert [one.subject for one in await host.identities.linked(user)] == linked
    await look(host)
    assert simulator.plextv.grant_of("stranger").sections == (7000001,)


async def test_the_invitation_names_what_it_shares_and_offers_the_fitting_way_first(host, visitor, mara, world):
    titles = {one.id: one.title for one in (await host.sharing.libraries())[0].libraries}
    sharing, _invite = await host.invites.create(mara, role="viewer", libraries={"plex": ["7000001", "7999999"]})
    page = (await visitor().get(f"/invite/{sharing}")).text
    assert f"{titles['7000001']}, 1 library more in Plex" in page
    assert re.search(r'class="btn primary big wide">.*Sign in with Plex', page)
    plain, _invite = await host.invites.create(mara, role="viewer")
    page = (await visitor().get(f"/invite/{plain}")).text
    assert re.search(r'class="btn primary big wide" href="[^"]*/password"', page)
    assert page.index("Use a password") < page.index("already.") < page.index("Sign in with Plex")
    assert "in Plex" not in page


async def test_an_invitation_opens_while_the_names_of_its_libraries_are_not_known(host, visitor, mara, world):
    simulator, _ = world
    sharing, _invite = await host.invites.create(mara, role="viewer", libraries={"plex": ["7000001", "7000002"]})
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    simulator.faults.calls.clear()
    for _time in range(3):
        assert "2 libraries in Plex" in (await visitor().get(f"/invite/{sharing}")).text
    assert len([call for call in simulator.faults.calls if "/api/v2/servers/" in str(call)]) == 1


async def test_nobody_gets_in_while_the_account_service_is_away_and_passwords_go_on(host, visitor, visit, mara, world):
    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "friend")
    for fault in (Fault.SERVER_ERROR, Fault.GARBAGE, Fault.EMPTY, Fault.GONE, Fault.HALF, Fault.UNAUTHORIZED):
        simulator.faults.set(fault, path="/plex.tv")
        answer = await asked(someone, waiting)
        assert "cannot be asked now" in answer.text, fault
        assert await someone.name() is None
    assert (await someone.post("/signin/with/plex")).status_code == 503
    assert await (await visit("edith")).name() == "edith"
    simulator.faults.clear()
    host.guard.reset("plex/Identity")
    assert "hx-redirect" in (await asked(someone, waiting)).headers


async def test_a_failing_account_service_takes_no_library_away(host, visitor, world):
    simulator, _ = world
    simulator.faults.set(Fault.SERVER_ERROR, path="/plex.tv")
    for _time in range(8):
        await visitor().post("/signin/with/plex")
    assert not host.guard.breaker("plex").open
    assert host.guard.breaker("plex/Identity").open
    (binding,) = host.pool.bindings("MediaSource")
    assert (await host.guard.call(binding, "recently_added", 1)).ok


async def test_a_closed_account_stays_closed_by_every_way(host, visitor, mara, world):
    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone)
    simulator.plextv.claim(code, "friend")
    await asked(someone, waiting)
    user = next(u for u in await host.access.list_users() if u.username == "fred.friend")
    await host.access.change_user(user.id, disabled=True)
    again = visitor()
    waiting, code = await begin(again)
    simulator.plextv.claim(code, "friend")
    assert "closed" in (await asked(again, waiting)).text
    assert await again.name() is None


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_sent_elsewhere_afterwards(host, visitor, mara, world, target):
    simulator, _ = world
    await welcome(host, mara)
    someone = visitor()
    waiting, code = await begin(someone, next=target)
    simulator.plextv.claim(code, "friend")
    assert (await asked(someone, waiting)).headers["hx-redirect"] == "/"
