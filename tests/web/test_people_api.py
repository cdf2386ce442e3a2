"""The API for people, roles, invitations, requests for access, the house, its log and its mails."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from vaderflix_core.host import Host
from vaderflix_core.store import own_data

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery"
HUGE = 10**30


class Program:
    """A program with somebody's key."""

    def __init__(self, app: Any, key: str = "") -> None:
        headers = {"x-api-key": key} if key else {}
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://vaderflix.test/api/v1", headers=headers)

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, path, json=body)


async def key_of(host: Host, name: str, scopes: Any = None) -> str:
    user = next(u for u in await host.access.list_users() if u.username == name)
    key, _ = await host.sessions.create_key(user, "test", scopes)
    return key


@pytest.fixture
async def admin(host: Host, app: Any) -> Program:
    return Program(app, await key_of(host, "mara"))


async def test_an_invitation_goes_its_whole_way(host: Host, app: Any, admin: Program) -> None:
    made = await admin.call("POST", "/invitations", {"role": "requester", "note": "Hello", "uses": 2})
    assert made.status_code == 201, made.text
    code = made.json()["code"]
    assert made.json()["link"].endswith(f"/invite/{code}")
    stranger = Program(app)
    opened = await stranger.call("GET", f"/invite/{code}")
    assert opened.json()["inviter"] == "Mara"
    came = await stranger.call("POST", f"/invite/{code}", {"username": "tomas", "password": PASSWORD})
    assert (came.status_code, came.json()["role"]) == (201, "requester")
    [listed] = (await admin.call("GET", "/invitations")).json()
    assert (listed["state"], listed["used"], listed["used_by"][0]["display_name"]) == ("open", 1, "tomas")
    assert code not in (await admin.call("GET", "/invitations")).text
    again = await admin.call("POST", f"/invitations/{listed['id']}/reissue")
    assert (await stranger.call("GET", f"/invite/{code}")).status_code == 404
    fresh = again.json()["code"]
    assert (await stranger.call("GET", f"/invite/{fresh}")).status_code == 200
    assert (await admin.call("DELETE", f"/invitations/{listed['id']}")).status_code == 204
    ended = await stranger.call("POST", f"/invite/{fresh}", {"username": "late", "password": PASSWORD})
    unknown = await stranger.call("POST", "/invite/unknown", {"username": "late", "password": PASSWORD})
    assert ended.status_code == unknown.status_code == 404
    assert ended.json() == unknown.json()


async def test_roles_are_defined_given_and_removed(host: Host, admin: Program) -> None:
    made = await admin.call("POST", "/roles", {"title": "Film club", "permissions": ["browse", "play"]})
    assert made.json()["name"] == "film-club"
    person = (
        await admin.call("POST", "/users", {"username": "tomas", "password": PASSWORD, "role": "film-club"})
    ).json()
    assert person["permissions"] == ["browse", "play"]
    assert (await admin.call("DELETE", "/roles/film-club")).status_code == 409
    changed = await admin.call("PATCH", "/roles/film-club", {"permissions": ["browse"]})
    assert changed.json()["permissions"] == ["browse"]
    assert (await admin.call("GET", f"/users/{person['id']}")).json()["permissions"] == ["browse"]
    gone = await admin.call("DELETE", f"/users/{person['id']}?requests=keep")
    assert gone.json() == {"removed": person["id"]}
    assert (await admin.call("DELETE", "/roles/film-club")).status_code == 204
    for path in ("/roles/admin", "/roles/viewer"):
        assert (await admin.call("DELETE", path)).status_code == 403
    assert (await admin.call("PATCH", "/roles/admin", {"permissions": []})).status_code == 403


async def test_access_is_asked_for_and_answered(host: Host, app: Any, admin: Program) -> None:
    asked = {"name": "Noor", "email": "noor@example.org", "message": "May I?"}
    stranger = Program(app)
    assert (await stranger.call("POST", "/access-requests", asked)).status_code == 403
    assert (await admin.call("PATCH", "/house", {"registration": "request"})).json()["registration"] == "request"
    answers = [await stranger.call("POST", "/access-requests", asked) for _ in range(2)]
    assert [a.status_code for a in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    async with asyncio.timeout(60):
        while not (listed := (await admin.call("GET", "/access-requests?show=pending")).json()):
            await asyncio.sleep(0.02)
    assert len(listed) == 1
    approved = await admin.call("POST", f"/access-requests/{listed[0]['id']}/approve", {"role": "viewer"})
    assert approved.status_code == 204
    twice = await admin.call("POST", f"/access-requests/{listed[0]['id']}/reject", {"reason": "no"})
    assert twice.status_code == 409
    [invite] = (await admin.call("GET", "/invitations")).json()
    assert (invite["email"], invite["uses"]) == ("noor@example.org", 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "extra"),
    [
        ("POST", "/users", {"username": "eve", "password": PASSWORD}, {"permissions": ["settings"]}),
        ("POST", "/users", {"username": "eve", "password": PASSWORD}, {"password_hash": "x"}),
        ("PATCH", "/users/2", {"display_name": "E"}, {"username": "mara"}),
        ("PATCH", "/users/2", {"display_name": "E"}, {"permissions": ["settings"]}),
        ("PATCH", "/users/2", {"display_name": "E"}, {"id": 1}),
        ("POST", "/roles", {"title": "Club", "permissions": []}, {"builtin": True}),
        ("POST", "/roles", {"title": "Club", "permissions": []}, {"name": "admin"}),
        ("PATCH", "/roles/viewer", {"permissions": ["browse"]}, {"builtin": False}),
        ("POST", "/invitations", {"role": "viewer"}, {"used": -5}),
        ("POST", "/invitations", {"role": "viewer"}, {"inviter": "Somebody else"}),
        ("POST", "/invitations", {"role": "viewer"}, {"created_by": 1}),
        ("POST", "/access-requests", {"name": "N", "email": "n@example.org", "message": "m"}, {"state": "approved"}),
        ("PATCH", "/house", {"name": "Linden"}, {"base_url": "https://evil.example"}),
        ("POST", "/mails/invitation/test", {"to": "m@example.org"}, {"kind": "password_reset"}),
        ("POST", "/access-requests/1/approve", {"role": "viewer"}, {"email": "eve@example.org"}),
        ("POST", "/access-requests/1/reject", {"reason": "r"}, {"decided_by": "Jonas"}),
    ],
)
async def test_fields_that_are_not_offered_are_refused(
    host: Host, admin: Program, method: str, path: str, body: dict[str, Any], extra: dict[str, Any]
) -> None:
    before = [(u.username, u.role, u.granted) for u in await host.access.list_users()]
    answer = await admin.call(method, path, body | extra)
    assert answer.status_code == 400, answer.text
    assert [(u.username, u.role, u.granted) for u in await host.access.list_users()] == before
    assert await host.invites.newest() == []


async def test_a_visitor_cannot_choose_their_role(host: Host, app: Any, admin: Program) -> None:
    code = (await admin.call("POST", "/invitations", {"role": "viewer"})).json()["code"]
    for extra in ({"role": "admin"}, {"granted": ["settings"]}, {"disabled": False}):
        body = {"username": "eve", "password": PASSWORD, **extra}
        assert (await Program(app).call("POST", f"/invite/{code}", body)).status_code == 400


ROUTES = [
    ("GET", "/users", "users.manage"),
    ("POST", "/users", "users.manage"),
    ("GET", "/users/1", "users.manage"),
    ("PATCH", "/users/1", "users.manage"),
    ("DELETE", "/users/1", "users.manage"),
    ("POST", "/users/1/sign-out", "users.manage"),
    ("GET", "/roles", "users.manage"),
    ("POST", "/roles", "users.manage"),
    ("PATCH", "/roles/viewer", "users.manage"),
    ("DELETE", "/roles/viewer", "users.manage"),
    ("GET", "/permissions", "users.manage"),
    ("GET", "/invitations", "users.invite"),
    ("POST", "/invitations", "users.invite"),
    ("POST", "/invitations/1/reissue", "users.invite"),
    ("DELETE", "/invitations/1", "users.invite"),
    ("GET", "/access-requests", "users.manage"),
    ("POST", "/access-requests/1/approve", "users.manage"),
    ("POST", "/access-requests/1/reject", "users.manage"),
    ("GET", "/house", "settings"),
    ("PATCH", "/house", "settings"),
    ("GET", "/activity", "activity.view"),
    ("GET", "/activity/chain", "activity.view"),
    ("POST", "/activity/accept", "settings"),
    ("GET", "/mails", "settings"),
    ("GET", "/mails/invitation", "settings"),
    ("POST", "/mails/invitation/test", "settings"),
    ("POST", "/deliveries/mail:x/again", "settings"),
]


async def test_nobody_without_the_right_gets_anything(host: Host, app: Any) -> None:
    stranger, viewer = Program(app), Program(app, await key_of(host, "edith"))
    scoped = Program(app, await key_of(host, "mara", frozenset({"browse"})))
    for method, path, _right in ROUTES:
        assert (await stranger.call(method, path, {})).status_code == 401, path
        assert (await viewer.call(method, path, {})).status_code == 403, path
        assert (await scoped.call(method, path, {})).status_code == 403, path


async def test_a_key_gives_no_more_than_its_own_scopes(host: Host, app: Any) -> None:
    key = await key_of(host, "mara", frozenset({"users.manage", "users.invite", "browse", "play", "problems.report"}))
    narrow = Program(app, key)
    assert (await narrow.call("POST", "/invitations", {"role": "admin"})).status_code == 403
    new = {"username": "eve", "password": PASSWORD, "role": "admin"}
    assert (await narrow.call("POST", "/users", new)).status_code == 403
    assert (await narrow.call("POST", "/roles", {"title": "X", "permissions": ["settings"]})).status_code == 403
    assert (await narrow.call("POST", "/invitations", {"role": "viewer"})).status_code == 201


@pytest.mark.parametrize("number", [0, HUGE, 2**63, 10**9])
async def test_numbers_that_nothing_has_are_not_found(host: Host, admin: Program, number: int) -> None:
    for method, path in (
        ("GET", f"/users/{number}"),
        ("PATCH", f"/users/{number}"),
        ("DELETE", f"/users/{number}"),
        ("DELETE", f"/invitations/{number}"),
        ("POST", f"/invitations/{number}/reissue"),
        ("POST", f"/access-requests/{number}/approve"),
        ("GET", f"/activity?before={number}&actor_id={number}"),
    ):
        answer = await admin.call(method, path, {})
        assert answer.status_code in (200, 400, 404), (path, answer.text)


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("name", ["since", "until"])
async def test_a_time_beyond_all_calendars_is_refused(admin: Program, name: str, time: str) -> None:
    assert (await admin.call("GET", f"/activity?{name}={time.replace('+', '%2B')}")).status_code == 400


async def test_the_log_is_read_filtered_and_checked(host: Host, admin: Program) -> None:
    await admin.call("PATCH", "/house", {"name": "Linden House"})
    await admin.call("POST", "/roles", {"title": "Club", "permissions": []})
    [entry] = (await admin.call("GET", "/activity?action=house")).json()
    assert (entry["actor"], entry["before"], entry["after"]) == (
        "mara",
        {"name": "Vader Flix"},
        {"name": "Linden House"},
    )
    assert (await admin.call("GET", "/activity?words=club")).json()[0]["action"] == "role.created"
    await host.log_seal.seal()
    chain = (await admin.call("GET", "/activity/chain")).json()
    assert (chain["whole"], chain["trouble"], chain["younger"], chain["waits"]) == (True, None, 0, False)
    assert chain["sealed_to"] == (await admin.call("GET", "/activity?limit=1")).json()[0]["id"]
    assert (await admin.call("POST", "/activity/accept")).status_code == 409


async def test_an_unknown_mail_or_address_is_refused(host: Host, admin: Program) -> None:
    assert (await admin.call("GET", "/mails/nothing")).status_code == 404
    assert (await admin.call("POST", "/mails/nothing/test", {"to": "a@b.c"})).status_code == 404
    bad = await admin.call("POST", "/mails/invitation/test", {"to": "a@b.c>\r\nBcc: eve@example.org"})
    assert bad.status_code == 422
    assert (await admin.call("POST", "/deliveries/mail:none/again")).status_code == 404
    assert (await admin.call("POST", "/deliveries/news:1/again")).status_code == 404


async def test_an_account_that_another_process_has_removed_is_a_stranger_at_once(host: Host, app: Any) -> None:
    user = await host.access.create_user("tomas", PASSWORD, role="requester")
    started = await host.sessions.start(user, method="password", user_agent="test", ip="")
    program = Program(app)
    program.http.headers["authorization"] = f"Bearer {started.access}"
    assert (await program.call("GET", "/me")).status_code == 200
    await host.db.write(lambda conn: own_data.remove(conn, user.id))
    assert (await program.call("POST", "/me/keys", {"name": "late"})).status_code == 401
