"""The pages and calls of one's own account, on both databases."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import select
from world import HOSTILE, PASSWORD, Household, furnish, make_host

from vaderflix_core.access.activity import ActivityFilter
from vaderflix_core.access.models import Permission
from vaderflix_core.api import API_VERSION, ExternalIds, MediaKind, NoSettings, Notification, PluginInfo, Receipt
from vaderflix_core.host import Host
from vaderflix_core.store.tables import jobs
from vaderflix_core.testing.modules import memory_plugin
from vaderflix_core.testing.servers import fresh_database

from ..visitor import Visitor

pytestmark = pytest.mark.anyio

API = {"X-Vaderflix": "1"}
PAGES = ["/you", "/you/profile", "/you/devices", "/you/keys", "/you/news", "/you/activity", "/you/data"]
SHOWN_KEY = re.compile(r'value="(vf_[\w-]{40,})"')


class Paper(Household):
    """The household, with somebody who brings messages."""

    def __init__(self) -> None:
        super().__init__()
        self.brought: list[Notification] = []

    async def send(self, notification: Notification) -> Receipt:
        self.brought.append(notification)
        return Receipt(detail="on the door mat")

    def plugins(self) -> list[Any]:
        def info() -> PluginInfo:
            return PluginInfo(name="Paper", summary="Brings messages.", api=API_VERSION, settings=NoSettings)

        return [*super().plugins(), memory_plugin("paper", info=info, notifiers=lambda instance: [self])]


@pytest.fixture
def household() -> Paper:
    return Paper()


@pytest.fixture(params=["sqlite", "postgresql"])
async def host(request: pytest.FixtureRequest, tmp_path: Path, household: Paper) -> AsyncIterator[Host]:
    """A furnished, running host, on each database."""
    more: dict[str, Any] = {}
    if request.param == "postgresql":
        more["database_url"] = fresh_database(
            request.getfixturevalue("postgres_server"), request.getfixturevalue("migrated_postgres")
        )
    host = make_host(tmp_path, household, **more)
    await host.start()
    await furnish(host)
    await host.instances.save(id="paper", plugin="paper", name="Paper boy", settings={}, new=True)
    yield host
    await host.stop()


async def person(host: Host, name: str) -> Any:
    return next(user for user in await host.access.list_users() if user.username == name)


async def made_key(visitor: Visitor, name: str, *scopes: str) -> str:
    answer = await visitor.post("/you/keys", {"name": name, "scope": list(scopes)})
    assert answer.status_code == 200, answer.text
    found = SHOWN_KEY.search(answer.text)
    assert found is not None
    return found[1]


async def test_every_section_is_there_for_everybody_and_for_no_stranger(visit: Any, stranger: Visitor) -> None:
    for name in ("mara", "noor"):
        visitor = await visit(name)
        for path in PAGES:
            answer = await visitor.get(path)
            assert answer.status_code == 200, path
            assert answer.headers["cache-control"] == "no-store"
    for path in PAGES:
        assert (await stranger.get(path)).headers["location"].startswith("/signin"), path


async def test_a_profile_is_saved_and_nothing_else_can_be_sent_with_it(visit: Any, host: Host) -> None:
    visitor, noor = await visit("noor"), await person(host, "noor")
    form = {"display_name": HOSTILE, "time_zone": "Europe/Berlin", "theme": "light"}
    more = {"role": "admin", "username": "root", "email": "x@example.org", "id": "1", "granted": "settings"}
    answer = await visitor.post("/you/profile", {**form, **more, "muted": "asked", "password_hash": "x"})
    assert answer.headers["location"] == "/you/profile"
    found = await host.access.user(noor.id)
    assert (found.display_name, found.time_zone) == (" ".join(HOSTILE.split()), "Europe/Berlin")
    same = ("role", "username", "email", "granted", "withheld", "permissions", "muted")
    assert [name for name in same if getattr(found, name) != getattr(noor, name)] == []
    for path in ("/you", "/you/profile"):
        assert "<script>alert" not in (await visitor.get(path)).text
    wrong = await visitor.post("/you/profile", {"display_name": " ", "time_zone": "Mars"})
    assert wrong.status_code == 422
    unknown = await visitor.http.patch("/api/v1/me/profile", json={"role": "admin"}, headers=API)
    assert unknown.status_code in (400, 422)
    assert (await host.access.user(noor.id)).role == "viewer"


async def test_a_signed_out_device_is_out_at_its_next_step(visit: Any, host: Host) -> None:
    here, there = await visit("edith"), await visit("edith")
    edith = await person(host, "edith")
    assert (await there.get("/you")).status_code == 200
    listed = (await here.http.get("/api/v1/me/devices")).json()
    other = next(one["id"] for one in listed if not one["here"])
    assert "This device" in (await here.get("/you/devices")).text
    assert (await here.post(f"/you/devices/{other}/end")).headers["location"] == "/you/devices"
    assert (await there.get("/you")).headers["location"].startswith("/signin")
    assert (await here.get("/you")).status_code == 200
    assert len(await host.sessions.devices(edith)) == 1


async def test_all_other_devices_go_and_this_one_stays(visit: Any) -> None:
    here, *others = [await visit("edith") for _ in range(3)]
    assert (await here.post("/you/devices/end-others")).status_code == 303
    for other in others:
        assert (await other.get("/you")).headers["location"].startswith("/signin")
    assert (await here.get("/you")).status_code == 200
    answer = await here.http.delete("/api/v1/me/devices", headers=API)
    assert answer.json() == {"signed_out": 0}


async def test_nobody_reaches_the_devices_and_keys_of_others(visit: Any, host: Host) -> None:
    edith, noor = await visit("edith"), await visit("noor")
    device = (await host.sessions.devices(await person(host, "noor")))[0].id
    key = await made_key(noor, "hers", "browse")
    key_id = (await noor.http.get("/api/v1/me/keys")).json()[0]["id"]
    for path in (f"/you/devices/{device}/end", f"/you/keys/{key_id}/revoke", "/you/keys/999999/revoke"):
        assert (await edith.post(path)).status_code == 404, path
    for path in (f"/api/v1/me/devices/{device}", f"/api/v1/me/keys/{key_id}"):
        assert (await edith.http.delete(path, headers=API)).status_code == 404, path
    assert (await noor.get("/you")).status_code == 200
    assert (await noor.http.get("/api/v1/me", headers={"X-Api-Key": key})).status_code == 200


async def test_hostile_user_agents_and_names_are_words_like_any_other(visit: Any, host: Host) -> None:
    visitor, edith = await visit("edith"), await person(host, "edith")
    for agent in (HOSTILE, f"Mozilla/5.0 (X11; Linux) Firefox/{HOSTILE}", "\x00\x1b[31m" + "A" * 10_000):
        tokens = await host.sessions.start(edith, method="<b>password</b>", user_agent=agent[:300], ip="192.0.2.1")
        assert tokens.session.id
    await made_key(visitor, HOSTILE, "browse")
    for path in PAGES:
        text = (await visitor.get(path)).text
        assert "<script>alert" not in text, path
        assert "<b>password</b>" not in text, path
    assert "Firefox on Linux" in (await visitor.get("/you/devices")).text


async def test_a_key_is_shown_once_and_does_what_was_chosen_of_what_the_account_may(visit: Any, host: Host) -> None:
    visitor = await visit("noor")
    assert (await visitor.post("/you/keys", {"name": "none"})).status_code == 422
    assert (await visitor.post("/you/keys", {"name": "", "scope": "browse"})).status_code == 422
    assert (await visitor.post("/you/keys", {"name": "greedy", "scope": "settings"})).status_code == 422
    key = await made_key(visitor, "player", "browse", "settings", "users.manage")
    assert key not in (await visitor.get("/you/keys")).text
    found = await host.sessions.by_key(key)
    assert found is not None
    assert found.user.permissions == {Permission.BROWSE}
    by_key = {"X-Api-Key": key}
    assert (await visitor.http.get("/api/v1/users", headers=by_key)).status_code == 403


async def test_a_key_can_neither_make_keys_nor_take_the_data_nor_end_anything(visit: Any, host: Host) -> None:
    visitor = await visit("edith")
    program = Visitor(visitor.http._transport.app)
    key, noor = await made_key(visitor, "home", "browse"), await person(host, "noor")
    by_key = {"X-Api-Key": key}
    tried = [
        await program.http.post("/api/v1/me/keys", json={"name": "more"}, headers=by_key),
        await program.http.get("/api/v1/me/export", headers=by_key),
        await program.http.get("/api/v1/me/activity", headers=by_key),
        await program.http.delete("/api/v1/me/devices", headers=by_key),
        await program.http.patch("/api/v1/me/profile", json={"display_name": "Eve"}, headers=by_key),
        await program.http.request(
            "DELETE", "/api/v1/me", json={"username": "edith", "password": PASSWORD}, headers=by_key
        ),
    ]
    assert [answer.status_code for answer in tried] == [403] * len(tried)
    assert {answer.json()["error"]["code"] for answer in tried} == {"person_needed"}
    assert len(await host.access.list_users()) == 3
    assert noor.id


async def test_muted_news_is_not_sent_and_what_cannot_be_muted_says_why(
    visit: Any, host: Host, household: Paper
) -> None:
    visitor, edith, mara = await visit("edith"), await person(host, "edith"), await person(host, "mara")
    page = (await visitor.get("/you/news")).text
    assert "Paper boy" in page
    assert "It proves that the new address is yours." in page
    assert "New requests" not in page  # for those who answer them
    shown = re.findall(r'name="news" value="(\w+)"', page)
    answer = await visitor.post("/you/news", {"news": [kind for kind in shown if kind != "approved"]})
    assert answer.status_code == 303
    assert (await host.access.user(edith.id)).muted == ("approved",)
    await approved(host, edith.id, mara, 653)
    await host.own_account.mute(await host.access.user(edith.id), [])
    await approved(host, edith.id, mara, 19)
    told = [n.title for n in household.brought if "was approved" in n.title]
    assert told == ["Film 19 was approved"]


async def test_news_name_only_the_channels_that_carry_them(visit: Any, host: Host, household: Paper) -> None:
    visitor, edith = await visit("edith"), await person(host, "edith")
    page = (await visitor.get("/you/news")).text
    assert "News of requests reaches you over Paper boy." in page
    assert "You have no email address" in page
    marked = re.findall(r"<b>([^<]+)</b> <span class=\"chip\">", page)
    assert marked == ["New sign-in", "Forgotten password", "Another email address"]
    [mine] = host.pool.bindings("Notifier")
    letters = structs.replace(mine, instance="post", name="Post")
    host.pool.publish("post", [letters, structs.replace(letters, role="PrivateNotifier")])
    assert "reaches you over Paper boy." in (await visitor.get("/you/news")).text  # no address, no mail
    await host.people.change(await person(host, "mara"), edith.id, email="edith@example.org")
    page = (await visitor.get("/you/news")).text
    assert "Paper boy, Post" in page or "Post, Paper boy" in page
    assert "You have no email address" not in page
    host.pool.withdraw("post")
    page = (await visitor.get("/you/news")).text
    assert "reaches you over Paper boy." in page
    assert "No mails are sent yet" in page


async def approved(host: Host, asker: int, admin: Any, number: int) -> None:
    """Ask for a film and approve it, and wait until everybody was told."""
    made = await host.requests.create(
        await host.access.user(asker),
        kind=MediaKind.MOVIE,
        ids=ExternalIds(tmdb=number),
        title=f"Film {number}",
        year=None,
        seasons=(),
        poster=None,
    )
    await host.requests.approve(admin, made.id)
    kinds = ("notify.news", "notify.deliver")
    waiting = select(jobs).where(jobs.c.kind.in_(kinds), jobs.c.state.in_(("queued", "running")))
    ends = time.monotonic() + 45  # a job whose message was lost is handed out again after 30
    while left := await host.db.read(lambda conn: conn.execute(waiting).mappings().all()):
        assert time.monotonic() < ends, left
        await asyncio.sleep(0.02)


async def test_my_activity_is_mine_alone(visit: Any, host: Host) -> None:
    edith, noor = await visit("edith"), await visit("noor")
    await made_key(edith, "only-ediths", "browse")
    assert "only-ediths" in (await edith.get("/you/activity")).text
    assert "only-ediths" not in (await noor.get("/you/activity")).text
    listed = (await noor.http.get("/api/v1/me/activity")).json()
    assert "key.made" not in {entry["action"] for entry in listed}
    first = (await edith.http.get("/api/v1/me/activity?limit=1")).json()
    older = (await edith.http.get(f"/api/v1/me/activity?before={first[0]['id']}")).json()
    assert first[0]["id"] > max(entry["id"] for entry in older)


async def test_an_export_is_a_file_without_secrets(visit: Any, host: Host) -> None:
    visitor = await visit("edith")
    key = await made_key(visitor, "home", "browse")
    answer = await visitor.post("/you/data/export")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    found = json.loads(answer.text)
    assert found["profile"]["username"] == "edith"
    secrets = [key, PASSWORD, "argon2", "sesame", *visitor.http.cookies.values()]
    assert [one for one in secrets if one in answer.text] == []
    same = await visitor.http.get("/api/v1/me/export")
    assert json.loads(same.text)["profile"] == found["profile"] | {
        "last_seen_at": same.json()["profile"]["last_seen_at"]
    }


async def test_an_account_goes_only_for_its_owner_with_name_and_password(visit: Any, host: Host) -> None:
    visitor = await visit("edith")
    for form in (
        {"username": "noor", "password": PASSWORD},
        {"username": "edith", "password": "wrong"},
        {"username": "edith"},
        {"username": "", "password": PASSWORD},
    ):
        answer = await visitor.post("/you/data/delete", form)
        assert answer.status_code == 422, form
        assert "set-cookie" not in answer.headers or "vf_access=;" not in answer.headers["set-cookie"]
    assert len(await host.access.list_users()) == 3
    answer = await visitor.post("/you/data/delete", {"username": "Edith", "password": PASSWORD})
    assert answer.headers["location"] == "/signin"
    assert {user.username for user in await host.access.list_users()} >= {"mara", "noor"}
    assert "edith" not in {user.username for user in await host.access.list_users()}
    assert (await visitor.get("/you")).headers["location"].startswith("/signin")
    assert (await visitor.sign_in("edith")).status_code == 422
    entries = await host.activity.find(ActivityFilter(action="user.removed"))
    assert [entry.subject for entry in entries] == ["edith"]


async def test_the_last_admin_cannot_leave_and_stays_signed_in(visit: Any, host: Host) -> None:
    visitor = await visit("mara")
    assert "You are the only admin" in (await visitor.get("/you/data")).text
    answer = await visitor.post("/you/data/delete", {"username": "mara", "password": PASSWORD})
    assert answer.status_code == 409
    by_api = await visitor.http.request(
        "DELETE", "/api/v1/me", json={"username": "mara", "password": PASSWORD}, headers=API
    )
    assert by_api.json()["error"]["code"] == "last_admin"
    assert (await visitor.get("/you")).status_code == 200
    assert await person(host, "mara")


async def test_the_address_changes_only_by_a_link(visit: Any, host: Host) -> None:
    visitor = await visit("edith")
    wrong = await visitor.post("/you/profile/email", {"email": "new@example.org", "password": "wrong"})
    assert wrong.status_code == 422
    answer = await visitor.post("/you/profile/email", {"email": "new@example.org", "password": PASSWORD})
    assert answer.status_code == 303
    assert (await person(host, "edith")).email is None
    waiting = (await visitor.get("/you/profile")).text
    assert "A link was sent to new@example.org" in waiting
    assert "It works until" in waiting
    assert (await visitor.post("/you/profile/email/cancel")).status_code == 303
    assert "A link was sent to" not in (await visitor.get("/you/profile")).text
    assert await host.passwords.awaited_email(await person(host, "edith")) is None


async def test_an_open_page_can_ask_whether_its_session_lives(visit: Any) -> None:
    visitor = await visit("edith")
    assert (await visitor.get("/here")).status_code == 200
    assert "data-here" in (await visitor.get("/you")).text
    await visitor.post("/signout")
    assert (await visitor.get("/here")).headers["location"] == "/signin?next=/here"
    assert "data-here" not in (await visitor.get("/signin")).text


async def test_calls_in_a_browsers_name_need_the_header(visit: Any, host: Host) -> None:
    visitor = await visit("edith")
    for method, path, body in (
        ("DELETE", "/api/v1/me", {"username": "edith", "password": PASSWORD}),
        ("DELETE", "/api/v1/me/devices", None),
        ("POST", "/api/v1/me/keys", {"name": "x"}),
        ("PATCH", "/api/v1/me/profile", {"display_name": "Eve"}),
        ("PATCH", "/api/v1/me/news", {"muted": ["approved"]}),
        ("POST", "/api/v1/me/email", {"email": "x@example.org", "password": PASSWORD}),
    ):
        answer = await visitor.http.request(method, path, json=body)
        assert answer.status_code == 403, path
        assert answer.json()["error"]["code"] == "header_missing"
    assert (await person(host, "edith")).display_name == "Edith"


async def test_the_api_says_and_takes_what_the_pages_do(visit: Any) -> None:
    visitor = await visit("edith")
    changed = await visitor.http.patch("/api/v1/me/profile", json={"time_zone": "Europe/Oslo"}, headers=API)
    assert (changed.json()["time_zone"], changed.json()["account"]["display_name"]) == ("Europe/Oslo", "Edith")
    assert (await visitor.http.patch("/api/v1/me/news", json={"muted": ["partly"]}, headers=API)).json()["muted"] == [
        "partly"
    ]
    kinds = {one["kind"]: one for one in (await visitor.http.get("/api/v1/me/news")).json()}
    assert kinds["partly"]["muted"]
    assert kinds["password_reset"]["always"]
    assert (await visitor.http.patch("/api/v1/me/news", json={"muted": ["weather"]}, headers=API)).status_code == 400


async def test_what_no_database_keeps_is_refused_and_breaks_nothing(visit: Any, stranger: Visitor, host: Host) -> None:
    visitor, nul = await visit("edith"), "a\x00b"
    answers = [
        await stranger.sign_in(nul),
        await visitor.post("/you/profile", {"display_name": nul, "time_zone": nul}),
        await visitor.post("/you/profile/email", {"email": f"{nul}@example.org", "password": PASSWORD}),
        await visitor.post("/you/keys", {"name": nul, "scope": "browse"}),
        await visitor.post("/you/news", {"news": nul}),
        await visitor.post("/you/data/delete", {"username": nul, "password": nul}),
        await visitor.post(f"/you/devices/{10**30}/end"),
        await visitor.post(f"/you/keys/{10**30}/revoke"),
        await visitor.get(f"/you/activity?before={10**30}"),
        await visitor.http.get(f"/api/v1/requests/{10**30}"),
        await visitor.http.post("/api/v1/session", json={"username": nul, "password": nul}, headers=API),
    ]
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
    assert (await visitor.get("/you")).status_code == 200
