"""Passkeys against a software authenticator, on both databases: every part of an answer is checked, and once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from vaderflix_core.access.activity import Activity
from vaderflix_core.access.passkeys import Passkeys, Refused
from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import Sessions
from vaderflix_core.failures import Conflict, Failure, Invalid, Missing
from vaderflix_core.store import users as user_store
from vaderflix_core.store.database import Database
from vaderflix_core.vault import Vault

from ..authenticator import PRESENT, SITE, VERIFIED, Authenticator, text

pytestmark = pytest.mark.anyio


@pytest.fixture
def passkeys(db: Database, clock: Any) -> Passkeys:
    db.write_sync(user_store.seed_roles)
    return Passkeys(db, Vault([bytes(range(32))]), Activity(db, clock), clock)


@pytest.fixture
def access(db: Database, passkeys: Passkeys, clock: Any) -> Access:
    return Access(db, Sessions(db, Vault([bytes(range(32))]), clock, days=30), clock)


@pytest.fixture
async def edith(access: Access) -> Any:
    return await access.create_user("edith", None)


async def added(passkeys: Passkeys, user: Any, name: str = "Phone") -> Authenticator:
    device, begun = Authenticator(), await passkeys.begin_adding(user, SITE)
    await passkeys.add(user, begun.state, device.create(begun.options), name)
    return device


async def test_a_passkey_signs_its_owner_in_without_a_name(passkeys: Passkeys, edith: Any) -> None:
    device = await added(passkeys, edith)
    begun = passkeys.begin_signing_in(SITE)
    assert "allowCredentials" not in begun.options or not json.loads(begun.options)["allowCredentials"]
    assert (await passkeys.sign_in(begun.state, device.get(begun.options))).id == edith.id
    [kept] = await passkeys.of_user(edith)
    assert (kept.sign_count, kept.last_used_at is not None) == (device.count, True)


async def test_an_answer_for_another_site_challenge_or_purpose_is_refused(passkeys: Passkeys, edith: Any) -> None:
    device = await added(passkeys, edith)
    other, begun = passkeys.begin_signing_in(SITE), passkeys.begin_signing_in(SITE)
    adding = await passkeys.begin_adding(edith, SITE)
    good = device.get(begun.options)
    stranger = Authenticator()
    stranger.id = device.id
    changed = json.loads(json.dumps(good))
    changed["response"]["signature"] = text(b"\x30" + bytes(70))
    for state, answer in (
        (other.state, good),
        (adding.state, good),
        ("", good),
        (begun.state[:-4] + "AAAA", good),
        (begun.state, device.get(begun.options, origin="https://films.example.org.evil.example")),
        (begun.state, device.get(begun.options, origin="http://films.example.org")),
        (begun.state, device.get(begun.options, rp_id="evil.example")),
        (begun.state, device.get(begun.options, flags=PRESENT)),
        (begun.state, device.get(begun.options, flags=VERIFIED)),
        (begun.state, stranger.get(begun.options)),
        (begun.state, Authenticator().get(begun.options)),
        (begun.state, changed),
        (begun.state, {}),
        (begun.state, {"id": 5}),
        (begun.state, {"id": "é" * 9, "response": []}),
    ):
        with pytest.raises(Refused):
            await passkeys.sign_in(state, answer)
    assert await passkeys.sign_in(begun.state, device.get(begun.options))


async def test_a_challenge_works_once_even_in_a_race_and_for_five_minutes(
    passkeys: Passkeys, edith: Any, clock: Any
) -> None:
    device = await added(passkeys, edith)
    begun = passkeys.begin_signing_in(SITE)
    answer = device.get(begun.options)
    done = await asyncio.gather(*(passkeys.sign_in(begun.state, answer) for _ in range(6)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert all(isinstance(one, Refused) for one in done if isinstance(one, BaseException))
    begun = passkeys.begin_signing_in(SITE)
    clock.forward(minutes=5)
    with pytest.raises(Refused):
        await passkeys.sign_in(begun.state, device.get(begun.options))


async def test_a_counter_that_does_not_move_on_is_a_copy(passkeys: Passkeys, edith: Any) -> None:
    device = await added(passkeys, edith)
    for _ in range(3):
        begun = passkeys.begin_signing_in(SITE)
        await passkeys.sign_in(begun.state, device.get(begun.options))
    device.count -= 2
    begun = passkeys.begin_signing_in(SITE)
    with pytest.raises(Refused):
        await passkeys.sign_in(begun.state, device.get(begun.options))


async def test_keys_without_a_counter_are_welcome(passkeys: Passkeys, edith: Any) -> None:
    device, begun = Authenticator(), await passkeys.begin_adding(edith, SITE)
    device.count = -1
    await passkeys.add(edith, begun.state, device.create(begun.options), "Synced")
    for _ in range(2):
        device.count = -1
        begun = passkeys.begin_signing_in(SITE)
        assert await passkeys.sign_in(begun.state, device.get(begun.options))


async def test_a_key_is_added_by_its_owner_verified_once_and_named(
    passkeys: Passkeys, edith: Any, access: Access
) -> None:
    noor = await access.create_user("noor", None)
    begun, device = await passkeys.begin_adding(edith, SITE), Authenticator()
    answer = device.create(begun.options)
    with pytest.raises(Refused):
        await passkeys.add(noor, begun.state, answer, "Phone")
    with pytest.raises(Refused):
        await passkeys.add(edith, begun.state, device.create(begun.options, flags=PRESENT), "Phone")
    with pytest.raises(Refused):
        await passkeys.add(edith, begun.state, device.create(begun.options, origin="https://evil.example"), "Phone")
    for name in ("", "x" * 61):
        with pytest.raises(Invalid):
            await passkeys.add(edith, begun.state, answer, name)
    await passkeys.add(edith, begun.state, answer, "Phone")
    with pytest.raises(Refused):
        await passkeys.add(edith, begun.state, answer, "Phone")
    again = await passkeys.begin_adding(noor, SITE)
    with pytest.raises(Conflict):  # a key belongs to one account
        await passkeys.add(noor, again.state, device.create(again.options), "Phone")


async def test_a_disabled_account_has_no_way_in(passkeys: Passkeys, edith: Any, access: Access) -> None:
    device = await added(passkeys, edith)
    await access.change_user(edith.id, disabled=True)
    begun = passkeys.begin_signing_in(SITE)
    with pytest.raises(Refused):
        await passkeys.sign_in(begun.state, device.get(begun.options))


async def test_of_the_last_two_ways_in_one_stays_however_fast_both_are_removed(passkeys: Passkeys, edith: Any) -> None:
    for n in range(2):
        await added(passkeys, edith, f"Key {n}")
    keys = await passkeys.of_user(edith)
    done = await asyncio.gather(*(passkeys.remove(edith, key.id) for key in keys), return_exceptions=True)
    wrong = [one for one in done if one is not None]
    assert all(isinstance(one, Failure) for one in wrong)
    assert len(wrong) == 1
    [left] = await passkeys.of_user(edith)
    with pytest.raises(Conflict, match="only way into your account"):
        await passkeys.remove(edith, left.id)


async def test_the_log_says_how_a_passkey_was_called(passkeys: Passkeys, edith: Any) -> None:
    await added(passkeys, edith)
    [key] = await passkeys.of_user(edith)
    await passkeys.rename(edith, key.id, "My phone")
    noted = (await passkeys._activity.find())[0]
    assert (noted.action, noted.before, noted.after) == ("passkey.renamed", {"name": key.name}, {"name": "My phone"})


async def test_nobody_touches_the_keys_of_others(passkeys: Passkeys, edith: Any, access: Access) -> None:
    await added(passkeys, edith)
    [key] = await passkeys.of_user(edith)
    noor = await access.create_user("noor", "amber birch cedar delta")
    with pytest.raises(Missing):
        await passkeys.remove(noor, key.id)
    with pytest.raises(Missing):
        await passkeys.rename(noor, key.id, "Mine")
    assert await passkeys.of_user(edith) == [key]
