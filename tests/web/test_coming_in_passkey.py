"""An invitation is accepted with a passkey: over the API that its page uses, in one browser, shown where it works."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from vaderflix_core.host import Host
from vaderflix_web.app import create_app

from ..authenticator import Authenticator
from ..visitor import Visitor

pytestmark = pytest.mark.anyio
ORIGIN = "http://vaderflix.test"


@pytest.fixture
async def code(host: Host) -> str:
    mara = next(user for user in await host.access.list_users() if user.username == "mara")
    made, _ = await host.invites.create(mara, role="requester", uses=3)
    return made


async def begin(visitor: Visitor, code: str, username: str = "tomas", **more: Any) -> httpx.Response:
    sent = {"username": username, **more}
    return await visitor.http.post(f"/api/v1/invite/{code}/passkey/options", json=sent)


async def finish(visitor: Visitor, code: str, options: str, *, origin: str = ORIGIN, **more: Any) -> httpx.Response:
    answer = Authenticator().create(options, origin=origin)
    return await visitor.http.post(f"/api/v1/invite/{code}/passkey", json={"credential": answer, **more})


async def names(host: Host) -> set[str]:
    return {user.username for user in await host.access.list_users()}


async def test_a_visitor_comes_in_with_a_passkey_and_is_signed_in(host: Host, stranger: Visitor, code: str) -> None:
    stranger.http.headers["user-agent"] = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36"
    begun = await begin(stranger, code, email="tomas@example.org")
    assert begun.status_code == 200, begun.text
    assert "tomas" not in await names(host)
    made = await finish(stranger, code, begun.text)
    assert made.status_code == 201, made.text
    assert set(made.json()) == {"access_token", "expires_at", "refresh_token"}
    home = await stranger.get("/")
    assert home.status_code == 200
    assert "Welcome, tomas" in home.text
    tomas = next(user for user in await host.access.list_users() if user.username == "tomas")
    assert (tomas.role, tomas.email) == ("requester", "tomas@example.org")
    assert not await host.passwords.has_password(tomas.id)
    assert [key.name for key in await host.passkeys.of_user(tomas)] == ["Chrome on Android"]
    noted = {(one.action, one.subject) for one in await host.activity.find() if one.actor_id == tomas.id}
    assert ("session.started", "passkey") in noted
    assert {action for action, _ in noted} == {"session.started", "invite.used", "passkey.added"}


async def test_the_challenge_belongs_to_the_browser_that_asked(host: Host, app: Any, code: str) -> None:
    asker, thief = Visitor(app), Visitor(app)
    begun = await begin(asker, code)
    assert (await begin(thief, code)).status_code == 200
    assert (await finish(thief, code, begun.text)).status_code == 403
    thief.http.cookies.clear()
    assert (await finish(thief, code, begun.text)).status_code == 403
    assert "tomas" not in await names(host)
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (await finish(asker, code, begun.text)).status_code == 201


async def test_a_key_of_another_origin_or_a_spent_challenge_is_refused(host: Host, app: Any, code: str) -> None:
    visitor, before = Visitor(app), await names(host)
    begun = await begin(visitor, code)
    wrong = await finish(visitor, code, begun.text, origin="https://vaderflix.test.evil.example")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "passkey_refused")
    assert "vf_access" not in wrong.headers.get("set-cookie", "")
    assert await names(host) == before
    state = visitor.http.cookies["vf_passkey"]
    made = await finish(visitor, code, begun.text)
    assert made.status_code == 201
    assert "vf_passkey" not in visitor.http.cookies
    replaying = Visitor(app)
    replaying.http.cookies.set("vf_passkey", state)
    assert (await finish(replaying, code, begun.text)).status_code in (403, 409)
    assert await names(host) == before | {"tomas"}


async def test_what_is_wrong_with_the_name_is_said_by_field_and_costs_nothing(
    host: Host, stranger: Visitor, code: str
) -> None:
    wrong = await begin(stranger, code, "m\u0430ra")
    assert wrong.status_code == 422
    assert "another name" in wrong.json()["error"]["fields"]["username"]
    taken = await begin(stranger, code, "Mara")
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "username_taken")
    assert "vf_passkey" not in stranger.http.cookies
    assert (await host.invites.open(code)).used == 0


async def test_nothing_beside_the_account_can_be_sent_along(host: Host, stranger: Visitor, code: str) -> None:
    assert (await begin(stranger, code, role="admin")).status_code == 400
    begun = await begin(stranger, code)
    assert (await finish(stranger, code, begun.text, username="mara2")).status_code == 400
    assert "tomas" not in await names(host)


async def test_a_link_that_does_not_work_says_so_and_a_closed_house_too(host: Host, stranger: Visitor) -> None:
    for path in ("passkey/options", "passkey"):
        body = {"username": "tomas"} if path.endswith("options") else {"credential": {}}
        answer = await stranger.http.post(f"/api/v1/invite/{'b' * 32}/{path}", json=body)
        assert answer.status_code in (403, 404), path


async def test_passkeys_have_the_limit_of_the_other_ways(
    host: Host, code: str, built_app: Callable[[Host], Any]
) -> None:
    visitor = Visitor(create_app(host, manage_host=False))
    answers = [await begin(visitor, code, "x") for _ in range(31)]
    assert [one.status_code for one in answers] == [422] * 30 + [429]
    assert (await visitor.get(f"/invite/{code}/password")).status_code == 429


async def test_the_button_is_hidden_until_the_browser_shows_that_it_can(stranger: Visitor, code: str) -> None:
    opened = (await stranger.get(f"/invite/{code}")).text
    [button] = re.findall(rf'<a [^>]*href="/invite/{code}/passkey"[^>]*>', opened)
    assert f'data-passkeys-at="{ORIGIN}"' in button
    assert button.endswith(" hidden>")
    form = (await stranger.get(f"/invite/{code}/passkey")).text
    assert re.search(r'<form [^>]*data-passkey="join"[^>]* hidden>', form)
    assert re.search(r"<p data-no-passkeys-at=[^>]*>This browser has no passkeys here", form)
