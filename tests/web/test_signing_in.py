"""Signing in in two steps, help for the forgotten, and ends that are felt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pyotp
import pytest
from world import PASSWORD, Library, Stream, until

from vaderflix_core.access.models import Permission
from vaderflix_core.host import Host
from vaderflix_core.plugins.guard import TIMEOUT
from vaderflix_core.store import passkeys as passkey_store
from vaderflix_core.store import users
from vaderflix_core.store.passkeys import Passkey
from vaderflix_web.auth import ACCESS_COOKIE, PARALLEL, REFRESH_COOKIE

from ..visitor import Visitor

pytestmark = pytest.mark.anyio

NEW = "fjord grove iris kelp"
FELT = 5.0  # seconds
JSON = {"X-Vaderflix": "1"}


class Clock:
    """The host's clock, moved on by the test: a code works once in its half minute."""

    def __init__(self, host: Host) -> None:
        self._clock, self.ahead = host.clock, 0.0
        host.second_factor._clock = self

    def __call__(self) -> Any:
        return self._clock() + timedelta(seconds=self.ahead)


async def person(host: Host, name: str) -> Any:
    return next(user for user in await host.access.list_users() if user.username == name)


async def with_factor(host: Host, name: str) -> tuple[Clock, pyotp.TOTP, list[str]]:
    clock, user = Clock(host), await person(host, name)
    totp = pyotp.TOTP((await host.second_factor.begin(user, PASSWORD)).secret)
    codes = await host.second_factor.confirm(user, totp.at(clock()))
    clock.ahead += 60
    return clock, totp, codes


async def test_signing_in_with_a_second_factor_takes_two_steps(stranger: Visitor, host: Host) -> None:
    clock, totp, _ = await with_factor(host, "edith")
    first = await stranger.post("/signin", {"username": "edith", "password": PASSWORD, "next": "/requests"})
    assert first.headers["location"] == "/signin/code?next=/requests"
    assert "vf_access" not in first.headers["set-cookie"]
    assert (await stranger.get("/requests")).status_code == 303  # nobody yet
    wrong = await stranger.post("/signin/code", {"code": "000000", "next": "/requests"})
    assert wrong.status_code == 422
    assert "That code did not match" in wrong.text
    right = await stranger.post("/signin/code", {"code": totp.at(clock()), "next": "/requests"})
    assert (right.status_code, right.headers["location"]) == (303, "/requests")
    assert (await stranger.get("/requests")).status_code == 200


async def test_a_code_without_the_first_step_opens_nothing(stranger: Visitor, host: Host) -> None:
    clock, totp, codes = await with_factor(host, "edith")
    assert (await stranger.get("/signin/code")).headers["location"] == "/signin"
    for code in (totp.at(clock()), codes[0]):
        assert (await stranger.post("/signin/code", {"code": code})).status_code == 403
    assert (await host.second_factor.state((await person(host, "edith")).id)).codes_left == 10


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
async def test_no_step_leads_to_a_foreign_site(stranger: Visitor, host: Host, target: str) -> None:
    clock, totp, _ = await with_factor(host, "edith")
    form = await stranger.http.get("/signin", params={"next": target})
    assert 'name="next" value="/"' in form.text
    assert 'data-next="/"' in form.text
    first = await stranger.post("/signin", {"username": "edith", "password": PASSWORD, "next": target})
    assert first.headers["location"] == "/signin/code?next=/"
    assert 'value="/"' in (await stranger.http.get("/signin/code", params={"next": target})).text
    right = await stranger.post("/signin/code", {"code": totp.at(clock()), "next": target})
    assert right.headers["location"] == "/"
    assert (await stranger.http.get("/signin", params={"next": target})).headers["location"] == "/"


async def test_programs_take_two_steps_too(stranger: Visitor, host: Host) -> None:
    clock, totp, codes = await with_factor(host, "edith")
    http = stranger.http
    first = await http.post("/api/v1/session", json={"username": "edith", "password": PASSWORD})
    assert first.status_code == 401
    assert first.json()["error"]["code"] == "second_factor_needed"
    assert "set-cookie" not in first.headers
    ticket = first.json()["second_factor"]
    for code in ("000000", "abcdef"):
        wrong = await http.post("/api/v1/session/second", json={"second_factor": ticket, "code": code})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "wrong_code")
    good = await http.post("/api/v1/session/second", json={"second_factor": ticket, "code": codes[0]})
    token = good.json()["access_token"]
    me = await http.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["username"] == "edith"
    again = await http.post(
        "/api/v1/session/second", json={"second_factor": ticket, "code": totp.at(clock())}, headers=JSON
    )
    assert again.json()["error"]["code"] == "ticket_ended"
    for access in (ticket, ticket.partition(".")[0]):  # a ticket is no token
        assert (await http.get("/api/v1/me", headers={"Authorization": f"Bearer {access}"})).status_code == 401


async def test_the_second_factor_is_set_up_and_turned_off_on_the_page(visit: Any, host: Host) -> None:
    edith, user = await visit("edith"), await person(host, "edith")
    here = "/you/security/second"
    wrong = await edith.post(here, {"password": "not it at all"})
    assert wrong.status_code == 422
    assert "That is not your password" in wrong.text
    shown = await edith.post(here, {"password": PASSWORD})
    offer = await host.second_factor.offered(user)
    assert offer is not None
    assert offer.secret[:4] in shown.text
    assert '<svg viewBox="0 0' in shown.text
    assert "style=" not in shown.text
    again = await edith.post(f"{here}/confirm", {"code": "000000"})
    assert again.status_code == 422
    assert offer.secret[:4] in again.text  # the same secret: it is in the person's app already
    codes = await edith.post(f"{here}/confirm", {"code": pyotp.TOTP(offer.secret).at(host.clock())})
    assert codes.text.count("<li>") >= 10
    assert offer.secret[:8] not in (await edith.get("/you/security")).text
    code = codes.text.split('id="codes"><li>')[1].split("</li>")[0]
    assert (await edith.post(f"{here}/off", {"password": PASSWORD, "code": "000000"})).status_code == 422
    assert (await edith.post(f"{here}/off", {"password": PASSWORD, "code": code})).status_code == 303
    assert not (await host.second_factor.state(user.id)).on


async def test_a_link_for_a_new_password_works_once_and_signs_out_everywhere(
    stranger: Visitor, visit: Any, host: Host
) -> None:
    edith, mara = await visit("edith"), await person(host, "mara")
    token = await host.passwords.link_for(mara, (await person(host, "edith")).id)
    for _ in range(2):  # a mail program may open it first
        assert "Choose a new password" in (await stranger.get(f"/reset/{token}")).text
    weak = await stranger.post(f"/reset/{token}", {"password": "password123"})
    assert weak.status_code == 422
    done = await stranger.post(f"/reset/{token}", {"password": NEW})
    assert (done.status_code, done.headers["location"]) == (303, "/signin")
    for used in (await stranger.get(f"/reset/{token}"), await stranger.post(f"/reset/{token}", {"password": NEW})):
        assert used.status_code == 404
        assert "does not work any more" in used.text
    await felt(lambda: refused(edith))
    assert (await stranger.sign_in("edith", NEW)).status_code == 303


async def refused(visitor: Visitor) -> bool:
    return (await visitor.get("/requests")).status_code == 303


async def felt(true: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something holds; how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(FELT):
        while not await true():
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_parallel_uses_of_a_link_let_one_win(app: Any, host: Host) -> None:
    mara, edith = await person(host, "mara"), await person(host, "edith")
    token = await host.passwords.link_for(mara, edith.id)
    tries = [Visitor(app) for _ in range(5)]
    for one in tries:
        await one.get("/signin")
    answers = await asyncio.gather(
        *(one.post(f"/reset/{token}", {"password": f"{NEW} {n}"}) for n, one in enumerate(tries))
    )
    assert sorted(answer.status_code for answer in answers) == [303, 404, 404, 404, 404]
    winner = next(n for n, answer in enumerate(answers) if answer.status_code == 303)
    assert await host.access.authenticate("edith", f"{NEW} {winner}")


async def test_changing_the_password_keeps_this_device_and_ends_the_others(visit: Any, host: Host) -> None:
    here, there = await visit("edith"), await visit("edith")
    form = {"old": "not it at all", "new": NEW}
    assert "That is not your password" in (await here.post("/you/security/password", form)).text
    assert (await here.post("/you/security/password", {"old": PASSWORD, "new": NEW})).status_code == 303
    assert (await here.get("/you/security")).status_code == 200
    await felt(lambda: refused(there))


async def test_keys_outlive_a_changed_password_and_the_page_says_so(visit: Any, host: Host, app: Any) -> None:
    edith = await visit("edith")
    assert "go on working" not in (await edith.get("/you/security")).text
    made = [
        (await host.own_account.make_key(await person(host, "edith"), name, {Permission("browse")}))[0]
        for name in ("kodi", "tv")
    ]
    page = (await edith.get("/you/security")).text
    assert '<a href="/you/keys">Your 2 API keys go on working.</a>' in page
    assert (await edith.post("/you/security/password", {"old": PASSWORD, "new": NEW})).status_code == 303
    program = Visitor(app)
    assert (await program.get("/api/v1/me", x_api_key=made[0])).json()["username"] == "edith"


async def test_guesses_at_an_open_screen_are_bounded(visit: Any, host: Host) -> None:
    edith = await visit("edith")
    answers = [
        (await edith.post("/you/security/password", {"old": f"guess number {n}", "new": NEW})).status_code
        for n in range(14)
    ]
    assert answers[0] == 422
    assert answers[-1] == 429
    assert await host.access.authenticate("edith", PASSWORD)


async def test_a_role_change_and_a_remote_sign_out_are_felt_by_pages_the_api_and_streams(
    visit: Any, app: Any, host: Host
) -> None:
    edith = await person(host, "edith")
    for end in ("device", "role", "account"):
        page, other = await visit("edith"), await visit("edith")
        signed = await other.http.post(
            "/api/v1/session", json={"username": "edith", "password": PASSWORD}, headers=JSON
        )
        bearer = {"Authorization": f"Bearer {signed.json()['access_token']}"}
        stream = asyncio.create_task(page.http.get("/api/v1/events", timeout=30))
        program = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vaderflix.test")
        streamed = asyncio.create_task(program.get("/api/v1/events", headers=bearer, timeout=30))
        done, _ = await asyncio.wait({stream, streamed}, timeout=3)
        assert not done, "a stream must go on while its session lives"
        if end == "device":
            for session in await host.sessions.devices(edith):
                await host.sessions.end(session.id, owner=edith.id)
        elif end == "role":
            await host.access.change_user(edith.id, role="viewer")
        else:
            await host.access.change_user(edith.id, disabled=True)
        began = time.monotonic()
        async with asyncio.timeout(FELT):
            for answer in (await stream, await streamed):
                assert answer.status_code == 200
        assert time.monotonic() - began < FELT
        assert await refused(page)
        assert (await program.get("/api/v1/me", headers=bearer)).status_code == 401


class LongFilm(Stream):
    """A film that goes on for as long as somebody takes it."""

    sent = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1
            yield b"a minute of it"
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("ending", ["signed out", "may not play any more"])
async def test_a_film_breaks_off_once_its_viewer_may_not_see_it(
    visit: Any, host: Host, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    edith, film = await person(host, "edith"), LongFilm(b"", None)
    film.headers = {"content-type": "video/mp4"}

    async def opened(*_: Any) -> LongFilm:
        return film

    monkeypatch.setattr(Library, "open", opened)
    page = await visit("edith")
    item = next(one["id"] for one in (await page.get("/api/v1/library?kind=movie")).json()["items"])
    address = (await page.get(f"/api/v1/library/{item}/play")).json()["streams"][0]["url"]
    watched = asyncio.create_task(page.http.get(address, timeout=30))
    await until(lambda: film.sent > 3)
    if ending == "signed out":
        await host.sessions.end_all(edith.id)
    else:
        await host.roles.change(await person(host, "mara"), edith.role, permissions=["browse"])
    async with asyncio.timeout(FELT):
        assert (await watched).status_code == 200


async def test_a_stream_of_a_revoked_key_ends(app: Any, host: Host) -> None:
    edith = await person(host, "edith")
    key, made = await host.sessions.create_key(edith, "Lamp")
    program = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vaderflix.test")
    stream = asyncio.create_task(program.get("/api/v1/events", headers={"X-Api-Key": key}, timeout=30))
    done, _ = await asyncio.wait({stream}, timeout=3)
    assert not done
    await host.sessions.revoke_key(edith, made.id)
    async with asyncio.timeout(FELT):
        await stream


async def test_a_stream_of_a_key_ends_when_its_owner_may_less(app: Any, host: Host) -> None:
    mara, noor = await person(host, "mara"), await person(host, "noor")
    await host.people.change(mara, noor.id, role="admin")
    key, _ = await host.sessions.create_key(await host.access.user(noor.id), "Lamp")
    program = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vaderflix.test")
    stream = asyncio.create_task(program.get("/api/v1/events", headers={"X-Api-Key": key}, timeout=30))
    done, _ = await asyncio.wait({stream}, timeout=3)
    assert not done
    await host.people.change(mara, noor.id, role="viewer")
    async with asyncio.timeout(FELT):
        await stream


async def test_a_key_cannot_change_how_its_owner_signs_in(app: Any, host: Host) -> None:
    mara = await person(host, "mara")
    key, _ = await host.sessions.create_key(mara, "Everything")
    program = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://vaderflix.test", headers={"X-Api-Key": key}
    )
    for method, path, body in (
        ("PUT", "/me/password", {"old": PASSWORD, "new": NEW}),
        ("POST", "/me/password/remove", {"password": PASSWORD}),
        ("POST", "/me/second-factor", {"password": PASSWORD}),
        ("POST", "/me/passkeys/options", {"password": PASSWORD}),
        ("POST", f"/people/{mara.id}/password-link", None),
        ("POST", f"/people/{mara.id}/second-factor/reset", None),
        ("GET", "/me/security", None),
    ):
        answer = await program.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == 403, path


async def with_passkey(host: Host, user: Any, n: int = 0) -> Passkey:
    key = Passkey(
        id=0,
        user_id=user.id,
        credential_id=b"key %d" % n,
        public_key=b"",
        sign_count=0,
        name=f"Key {n}",
        created_at=host.clock(),
        last_used_at=None,
    )
    return await host.db.write(lambda conn: passkey_store.add(conn, key))


async def test_a_password_is_removed_on_the_page_with_its_codes_once_there_is_a_passkey(
    visit: Any, host: Host, stranger: Visitor
) -> None:
    clock, totp, _ = await with_factor(host, "edith")
    noor, user = await visit("noor"), await person(host, "noor")
    here = "/you/security/password/remove"
    assert here not in (await noor.get("/you/security")).text
    refused = await noor.post(here, {"password": PASSWORD})
    assert refused.status_code == 409
    assert "only way into your account" in refused.text

    await with_passkey(host, user)
    there = await visit("noor")
    shown = (await noor.get("/you/security")).text
    assert here in shown
    assert "The codes from your app" not in shown
    wrong = await noor.post(here, {"password": "not it at all"})
    assert wrong.status_code == 422
    assert "That is not your password" in wrong.text
    assert (await noor.post(here, {"password": PASSWORD})).status_code == 303
    after = (await noor.get("/you/security")).text
    assert "Set a password" in after
    assert here not in after
    assert (await there.get("/you/security")).status_code == 303  # signed out
    assert (await stranger.post("/signin", {"username": "noor", "password": PASSWORD})).status_code == 422
    assert (await noor.post("/you/security/passkeys/1/remove")).status_code == 409

    mine = await person(host, "edith")
    await with_passkey(host, mine, 1)
    program = await stranger.http.post("/api/v1/session", json={"username": "edith", "password": PASSWORD})
    ticket = program.json()["second_factor"]
    second = {"second_factor": ticket, "code": totp.at(clock())}
    token = (await stranger.http.post("/api/v1/session/second", json=second)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    path = "/api/v1/me/password/remove"
    wrong = await stranger.http.post(path, json={"password": PASSWORD}, headers=headers)
    assert wrong.json()["error"]["code"] == "wrong_code"
    clock.ahead += 60
    done = await stranger.http.post(path, json={"password": PASSWORD, "code": totp.at(clock())}, headers=headers)
    assert done.status_code == 204, done.text
    security = (await stranger.http.get("/api/v1/me/security", headers=headers)).json()
    assert (security["has_password"], security["second_factor"], len(security["passkeys"])) == (False, False, 1)


async def test_the_last_way_in_cannot_be_removed(visit: Any, host: Host) -> None:
    noor = await person(host, "noor")
    keys = [await with_passkey(host, noor, n) for n in range(2)]
    visitor = await visit("noor")
    # as for an account that came without a password
    await host.db.write(lambda conn: users.change(conn, noor.id, password_hash=None))
    paths = [f"/you/security/passkeys/{one.id}/remove" for one in keys]
    assert [(await visitor.post(path)).status_code for path in paths] == [303, 409]
    shown = await visitor.post(paths[1])
    assert "only way into your account" in shown.text
    assert len(await host.passkeys.of_user(noor)) == 1
    edith = await visit("edith")  # not hers
    assert (await edith.post(paths[1])).status_code == 404


async def test_an_admin_helps_somebody_back_in(visit: Any, stranger: Visitor, host: Host) -> None:
    await with_factor(host, "edith")
    mara, edith = await visit("mara"), await person(host, "edith")
    here = f"/admin/people/{edith.id}"
    assert f"{here}/password-link" in (await mara.get(here)).text
    shown = await mara.post(f"{here}/password-link")
    path = shown.text.split('value="http://vaderflix.test')[1].split('"')[0]
    assert (await stranger.post(path, {"password": NEW})).status_code == 303
    asked = await stranger.sign_in("edith", NEW)  # a new password does not turn the codes off
    assert asked.headers["location"].startswith("/signin/code")
    assert f"{here}/second-factor/reset" in (await mara.get(here)).text
    assert (await mara.post(f"{here}/second-factor/reset")).status_code == 303
    assert f"{here}/second-factor/reset" not in (await mara.get(here)).text  # there is nothing to turn off any more
    assert (await stranger.sign_in("edith", NEW)).headers["location"] == "/"
    deeds = [entry.action for entry in await host.activity.find(limit=20)]
    for deed in ("password.link_made", "password.reset", "second_factor.reset"):
        assert deed in deeds


async def test_a_browser_that_was_signed_out_elsewhere_is_told_so_once(
    visit: Any, stranger: Visitor, host: Host
) -> None:
    told = "You were signed out"
    assert told not in (await stranger.get("/signin")).text
    edith = await visit("edith")
    await host.sessions.end_all((await person(host, "edith")).id)
    assert told in (await edith.get("/signin?next=/you")).text
    assert told not in (await edith.get("/signin?next=/you")).text
    await edith.sign_in("edith")
    await edith.post("/signout")  # their own doing needs no word
    assert told not in (await edith.get("/signin")).text


def time_passes(visitor: Visitor) -> None:
    """As after a quarter of an hour: the short-lived token is gone, only the one that renews it is left."""
    visitor.http.cookies.delete(ACCESS_COOKIE)


async def test_signing_out_after_a_while_leaves_nothing_in_the_browser(visit: Any) -> None:
    edith = await visit("edith")
    time_passes(edith)
    assert (await edith.post("/signout")).headers["location"] == "/signin"
    assert {ACCESS_COOKIE, REFRESH_COOKIE}.isdisjoint(edith.http.cookies)


async def test_whoever_signs_in_after_a_while_in_anothers_browser_is_not_taken_for_them(visit: Any, host: Host) -> None:
    mara = await person(host, "mara")
    edith, otto, lena = await visit("edith"), await visit("edith"), await visit("edith")
    for visitor in (edith, otto, lena):
        time_passes(visitor)
    assert (await edith.sign_in("mara")).status_code == 303
    sent = {"username": "mara", "password": PASSWORD}
    assert (await otto.http.post("/api/v1/session", json=sent, headers=JSON)).status_code == 200
    code, _invite = await host.invites.create(mara, role="viewer")
    came = await lena.post(f"/invite/{code}/password", {"username": "lena", "password": NEW})
    assert came.headers["location"] == "/"
    assert [await one.name() for one in (edith, otto, lena)] == ["mara", "mara", "lena"]


async def test_whatever_a_browser_is_answered_it_holds_the_tokens_that_were_rotated_for_it(visit: Any) -> None:
    for method, path, status in (
        ("POST", "/you/profile", 403),  # without the token of its form, as after a restart of the browser
        ("GET", "/watch/999999", 404),
        ("GET", "/admin/people", 403),
        ("HEAD", "/you", 200),
        ("GET", "/api/v1/me", 200),
    ):
        edith = await visit("edith")
        time_passes(edith)
        before = edith.http.cookies[REFRESH_COOKIE]
        assert (await edith.http.request(method, path)).status_code == status
        assert edith.http.cookies[REFRESH_COOKIE] != before, path
        assert await edith.name() == "edith"


async def test_whoever_gives_up_on_a_page_that_waits_for_services_stays_signed_in(visit: Any, host: Host) -> None:
    edith = await visit("edith")
    time_passes(edith)
    before = edith.http.cookies[REFRESH_COOKIE]
    assert (await edith.get("/you")).status_code == 200  # the browser has left before this arrives
    clock = host.clock
    for seconds, name in ((2 * TIMEOUT + 5, "edith"), (PARALLEL.total_seconds(), None)):
        edith.http.cookies.clear()
        edith.http.cookies.set(REFRESH_COOKIE, before)
        host.sessions._clock = lambda seconds=seconds: clock() + timedelta(seconds=seconds)
        assert await edith.name() == name


@pytest.mark.parametrize("ending", ["closed", "signed out", "demoted"])
async def test_what_is_sent_slowly_is_worth_what_its_sender_still_may(
    app: Any, visit: Any, host: Host, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("vaderflix_web.auth.FRESH", 0)
    mara = await person(host, "mara")
    evil = await host.access.create_user("evil", PASSWORD, role="admin")
    key, _made = await host.sessions.create_key(evil, "hers", None)
    browser = await visit("evil")

    async def body(name: str) -> AsyncIterator[bytes]:
        sent = msgspec.json.encode({"username": name, "password": NEW, "role": "admin"})
        yield sent[:9]
        if ending == "signed out":
            await host.people.sign_out(mara, evil.id)
        else:
            values: dict[str, Any] = {"disabled": True} if ending == "closed" else {"role": "viewer"}
            await host.people.change(mara, evil.id, **values)
        yield sent[9:]

    kind = {"Content-Type": "application/json"}
    answer = await browser.http.post("/api/v1/users", content=body("evil.too"), headers=JSON | kind)
    assert answer.status_code == 401
    if ending != "signed out":  # which leaves keys as they are
        await host.people.change(mara, evil.id, **({"disabled": False} if ending == "closed" else {"role": "admin"}))
        client = Visitor(app).http
        answer = await client.post("/api/v1/users", content=body("evil.key"), headers={"X-Api-Key": key} | kind)
        assert answer.status_code == 401
    assert {user.username for user in await host.access.list_users()}.isdisjoint({"evil.too", "evil.key"})
