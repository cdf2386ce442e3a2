"""What people do with their own account, on both databases: changes, news, devices, keys, the copy of everything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vaderflix_core.access.activity import Activity, ActivityFilter, asking_from
from vaderflix_core.access.links import Links
from vaderflix_core.access.models import Permission, User
from vaderflix_core.access.own_account import OwnAccount
from vaderflix_core.access.own_data import PAGE, OwnData
from vaderflix_core.access.people import People
from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import Sessions, digest
from vaderflix_core.api import ExternalIds, MediaKind, Quality
from vaderflix_core.failures import Conflict, Invalid
from vaderflix_core.requests.models import RequestState
from vaderflix_core.store import activity as activity_store
from vaderflix_core.store import deliveries, passkeys, positions, second_factor
from vaderflix_core.store import requests as request_store
from vaderflix_core.store import users as user_store
from vaderflix_core.store.database import Database
from vaderflix_core.vault import Vault

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"


class House:
    """The services that an account's own pages need, over one database."""

    def __init__(self, db: Database, clock: Any) -> None:
        db.write_sync(user_store.seed_roles)
        self.db, self.clock = db, clock
        vault = Vault([bytes(range(32))])
        self.sessions = Sessions(db, vault, clock, days=30)
        self.access = Access(db, self.sessions, clock)
        self.activity = Activity(db, clock)
        self.own = OwnAccount(db, self.sessions, self.activity)
        self.data = OwnData(db, self.activity, clock)
        self.people = People(db, self.access, self.sessions, Links(db, vault, clock), self.activity, clock)

    async def person(self, name: str, role: str = "requester", **more: Any) -> User:
        return await self.access.create_user(name, PASSWORD, role=role, **more)

    async def asked(self, user: User, title: str, state: RequestState = RequestState.PENDING, tmdb: int = 1) -> int:
        def work(conn: Any) -> int:
            one = request_store.add(
                conn,
                user_id=user.id,
                kind=MediaKind.MOVIE,
                ids=ExternalIds(tmdb=tmdb),
                title=title,
                year=None,
                poster=None,
                seasons=(),
                quality=Quality.STANDARD,
                now=self.clock(),
            )
            data = {"service": "http://films:7878", "reason": "stalled"}
            request_store.log(conn, one, at=self.clock(), type="asked", state=state, actor=user.display_name, data=data)
            request_store.change(conn, one, RequestState.PENDING, state=state)
            return one

        return await self.db.write(work)

    async def deeds(self, user: User) -> list[str]:
        return [entry.action for entry in await self.activity.find(ActivityFilter(actor_id=user.id))]

    async def export(self, user: User) -> tuple[dict[str, Any], str]:
        text = b"".join([part async for part in self.data.export(user)]).decode()
        return json.loads(text), text


@pytest.fixture
def house(db: Database, clock: Any) -> House:
    return House(db, clock)


async def test_what_was_sent_to_somebody_else_is_not_had_by_coming_in_with_their_address(house: House) -> None:
    mara = await house.person("mara", email="mara@example.org")

    def sent(title: str, to: str) -> None:
        facts = {"notification_id": title, "instance": "", "state": "delivered", "detail": ""}
        row = deliveries.Delivery(title=title, recipient=to, at=house.clock(), **facts)
        house.db.write_sync(lambda conn: deliveries.put(conn, row))

    sent("Choose a new password", "mara@example.org")
    sent("Your request for access", "noor@example.org")
    house.clock.forward(seconds=1)
    thief = await house.person("thief", email="MARA@example.org")
    other = await house.person("other", email="noor@example.org")
    await house.access.change_user(thief.id, email="mara@example.org")
    for one in (thief, other):
        assert (await house.export(await house.access.user(one.id)))[0]["messages"] == []
    await house.people.leave(await house.access.user(thief.id))
    assert [one["title"] for one in (await house.export(mara))[0]["messages"]] == ["Choose a new password"]


async def test_a_profile_takes_names_and_places_and_nothing_else(house: House) -> None:
    edith = await house.person("edith")
    await house.own.change_profile(edith, display_name="  Edith   K. ", time_zone="Europe/Berlin")
    found = await house.access.user(edith.id)
    assert (found.display_name, found.time_zone) == ("Edith K.", "Europe/Berlin")
    assert found.role == "requester"
    for name, zone in (("", None), ("x" * 81, None), ("a\u202eb", None), ("Edith", "Mars/Olympus"), ("Edith", "/etc")):
        with pytest.raises(Invalid):
            await house.own.change_profile(found, display_name=name, time_zone=zone)
    await house.own.change_profile(found, display_name="Edith K.", time_zone=None)
    assert (await house.access.user(edith.id)).time_zone is None
    assert await house.deeds(edith) == ["profile.changed", "profile.changed"]


async def test_only_what_can_be_muted_is(house: House) -> None:
    edith = await house.person("edith")
    await house.own.mute(edith, ["approved", "password_reset", "email_change", "everything"])
    assert (await house.access.user(edith.id)).muted == ("approved",)


async def test_devices_and_keys_of_others_cannot_be_reached(house: House) -> None:
    edith, noor = await house.person("edith"), await house.person("noor")
    tokens = await house.sessions.start(noor, method="password", user_agent="curl/8", ip="192.0.2.9")
    key, made = await house.own.make_key(noor, "hers")
    assert not await house.own.end_device(edith, tokens.session.id)
    assert not await house.own.revoke_key(edith, made.id)
    assert await house.sessions.by_access(tokens.access) is not None
    assert await house.sessions.by_key(key) is not None
    assert await house.own.end_device(noor, tokens.session.id)
    assert await house.own.revoke_key(noor, made.id)
    assert await house.sessions.by_access(tokens.access) is None
    assert await house.sessions.by_key(key) is None
    assert await house.deeds(edith) == []
    assert await house.deeds(noor) == ["key.revoked", "device.signed_out", "key.made"]


async def test_signing_all_others_out_leaves_this_one(house: House) -> None:
    edith = await house.person("edith")
    here, *others = [
        await house.sessions.start(edith, method="password", user_agent="", ip="192.0.2.1") for _ in range(3)
    ]
    assert await house.own.end_other_devices(edith, here.session.id) == 2
    assert await house.sessions.by_access(here.access) is not None
    for other in others:
        assert await house.sessions.by_access(other.access) is None


async def test_a_key_may_do_at_most_what_its_account_may(house: House) -> None:
    noor = await house.person("noor", role="viewer")
    with pytest.raises(Invalid) as refused:
        await house.own.make_key(noor, "too much", [Permission.SETTINGS, Permission.BROWSE])
    assert set(refused.value.fields) == {"scopes"}
    assert await house.sessions.keys(noor) == []
    key, _made = await house.own.make_key(noor, "enough", [Permission.BROWSE])
    found = await house.sessions.by_key(key)
    assert found is not None
    assert found.user.permissions == {Permission.BROWSE}


async def test_the_log_never_holds_a_key(house: House) -> None:
    edith = await house.person("edith")
    key, _made = await house.own.make_key(edith, "home")
    entries = await house.activity.find(ActivityFilter(actor_id=edith.id))
    assert key not in repr(entries)


async def test_an_export_holds_everything_and_no_secret(house: House) -> None:
    asking_from.set("192.0.2.7")
    edith = await house.person("edith", email="edith@example.org")
    tokens = await house.sessions.start(edith, method="password", user_agent="curl/8", ip="192.0.2.9")
    key, _made = await house.own.make_key(edith, "home")
    request = await house.asked(edith, "Metropolis")
    now = house.clock()
    watched = positions.Position(
        instance="library", key="detour", item_key="detour", label="", seconds=12.5, duration=90.0, updated_at=now
    )
    passkey = passkeys.Passkey(
        id=0,
        user_id=edith.id,
        credential_id=b"canary-credential",
        public_key=b"canary-public-key",
        sign_count=0,
        name="phone",
        created_at=now,
        last_used_at=None,
    )
    sent = deliveries.Delivery(
        notification_id="n",
        instance="",
        recipient="edith@example.org",
        title="Metropolis is ready",
        state="delivered",
        detail="",
        at=now,
    )

    def fill(conn: Any) -> None:
        positions.put(conn, edith.id, watched)
        passkeys.add(conn, passkey)
        second_factor.offer(conn, edith.id, b"canary-totp-secret")
        second_factor.put_codes(conn, edith.id, [digest("canary-code")])
        deliveries.put(conn, sent)

    await house.db.write(fill)
    found, text = await house.export(edith)
    assert set(found) >= {"profile", "second_factor", "identities", "shares", "messages"}
    assert found["profile"]["email"] == "edith@example.org"
    assert [one["ip"] for one in found["devices"]] == ["192.0.2.9"]
    assert [one["name"] for one in found["api_keys"]] == ["home"]
    assert [one["name"] for one in found["passkeys"]] == ["phone"]
    assert [one["seconds"] for one in found["watched"]] == [12.5]
    assert [one["title"] for one in found["messages"]] == ["Metropolis is ready"]
    assert found["requests"][0]["id"] == request
    assert found["requests"][0]["timeline"][0]["details"] == {"reason": "stalled"}
    assert found["second_factor"]["recovery_codes_left"] == 1
    assert found["activity"][0]["action"] == "data.exported"
    assert found["activity"][0]["ip"] == "192.0.2.7"
    kept = await house.db.read(lambda conn: user_store.credentials(conn, "edith"))
    assert kept is not None
    secrets = [key, tokens.access, tokens.refresh, PASSWORD, kept[1] or "", "argon2", "canary"]
    secrets += [digest(one).hex() for one in (key, tokens.refresh, "canary-code")]
    assert [one for one in secrets if one in text] == []


async def test_an_export_never_holds_anything_of_others(house: House) -> None:
    edith, noor = await house.person("edith"), await house.person("noor", email="noor@example.org")
    await house.asked(noor, "Detour")
    await house.own.make_key(noor, "noors-key")
    _found, text = await house.export(edith)
    assert [one for one in ("Detour", "noor") if one in text] == []


async def test_a_long_export_comes_in_parts_and_misses_nothing(house: House) -> None:
    edith = await house.person("edith")
    ids = [await house.asked(edith, f"Film {n}", tmdb=n) for n in range(1, PAGE + 6)]
    parts = [part async for part in house.data.export(edith)]
    found = json.loads(b"".join(parts))
    assert [one["id"] for one in found["requests"]] == ids[::-1]
    assert max(map(len, parts)) < 10_000


async def test_what_leaving_would_mean_is_said_before(house: House) -> None:
    edith, mara = await house.person("edith"), await house.person("mara", role="admin")
    for n, state in enumerate((RequestState.PENDING, RequestState.DOWNLOADING, RequestState.AVAILABLE), start=1):
        await house.asked(edith, f"Film {n}", state, tmdb=n)
    stake = await house.data.stake(edith.id)
    assert (stake.under_way, stake.ended) == (2, 1)
    assert await house.data.is_needed(mara)
    assert not await house.data.is_needed(edith)


async def test_an_account_that_leaves_takes_all_that_is_its_own(house: House) -> None:
    await house.person("mara", role="admin")
    edith = await house.person("edith", email="edith@example.org")
    tokens = await house.sessions.start(edith, method="password", user_agent="", ip="192.0.2.9")
    key, _made = await house.own.make_key(edith, "home")
    await house.people.leave(edith, requests="delete")
    assert await house.sessions.by_access(tokens.access) is None
    assert await house.sessions.refresh(tokens.refresh) is None
    assert await house.sessions.by_key(key) is None
    assert await house.access.authenticate("edith", PASSWORD) is None
    assert (await house.db.read(lambda conn: activity_store.follow(conn, activity_store.START)))[1] is None


async def test_the_last_admin_stays(house: House) -> None:
    mara = await house.person("mara", role="admin")
    await house.person("edith")
    with pytest.raises(Conflict):
        await house.people.leave(mara)
    assert (await house.access.user(mara.id)).role == "admin"
