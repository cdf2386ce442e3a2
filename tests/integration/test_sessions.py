"""Sessions from start to end: forged and stale tokens, refresh tokens that come back, ends that are felt at once."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from vaderflix_core.access.activity import Activity, ActivityFilter
from vaderflix_core.access.models import Permission
from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import ALGORITHM, FRESH, Sessions, Tokens, digest
from vaderflix_core.store import users as user_store
from vaderflix_core.store.access_tables import refresh_tokens
from vaderflix_core.store.database import Database
from vaderflix_core.vault import Vault

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")]

VAULT = Vault([bytes(range(32))])
GRACE = timedelta(seconds=20)


@pytest.fixture
def sessions(db: Database, clock: Any) -> Sessions:
    db.write_sync(user_store.seed_roles)
    return Sessions(db, VAULT, clock, days=30)


@pytest.fixture
async def edith(db: Database, sessions: Sessions, clock: Any) -> Any:
    return await Access(db, sessions, clock).create_user("edith", None)


async def start(sessions: Sessions, user: Any) -> Tokens:
    return await sessions.start(user, method="password", user_agent="test", ip="192.0.2.1")


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def part(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


async def test_only_our_own_unchanged_tokens_count(sessions: Sessions, edith: Any) -> None:
    tokens = await start(sessions, edith)
    found = await sessions.by_access(tokens.access)
    assert found is not None
    assert found.user.id == edith.id
    claims, (head, body, signature) = claims_of(tokens.access), tokens.access.split(".")
    other = {**claims, "sid": claims["sid"] + 1, "sub": "1"}
    key = VAULT.sign("access-token", "signing key")
    public = Vault([bytes(32)]).sign("access-token", "signing key")
    forged = [
        f"{head}.{part(other)}.{signature}",  # tampered
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        f"{part({'alg': 'None', 'typ': 'JWT'})}.{body}.{signature}",
        jwt.encode(claims, public, ALGORITHM),  # another key
        jwt.encode(claims, "x" * 64, ALGORITHM),
        jwt.encode(claims, key, "HS384"),  # another algorithm
        jwt.encode({k: v for k, v in claims.items() if k != "exp"}, key, ALGORITHM),
        jwt.encode({**claims, "sid": "1 OR 1=1"}, key, ALGORITHM),
        f"{head}.{body}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        "",
        ".." * 100,
        "é",
    ]
    for token in forged:
        assert await sessions.by_access(token) is None, token


async def test_a_token_of_an_ended_session_never_opens_the_next_one(
    db: Database, sessions: Sessions, edith: Any, clock: Any
) -> None:
    mara = await Access(db, sessions, clock).create_user("mara", None, role="admin")
    old = await start(sessions, edith)
    await sessions.end_all(edith.id)
    new = await start(sessions, mara)
    assert new.session.id != old.session.id
    assert await sessions.by_access(old.access) is None
    assert await sessions.by_access(new.access) is not None


async def test_an_access_token_ends_after_ten_minutes_and_never_outlives_its_session(
    sessions: Sessions, edith: Any, clock: Any
) -> None:
    tokens = await start(sessions, edith)
    claims = claims_of(tokens.access)
    assert claims["exp"] - claims["iat"] <= 15 * 60
    clock.forward(minutes=9, seconds=59)
    assert await sessions.by_access(tokens.access)
    clock.forward(seconds=1)
    assert await sessions.by_access(tokens.access) is None
    clock.forward(days=29, hours=23, minutes=45)
    fresh = await sessions.refresh(tokens.refresh)
    assert fresh is not None
    assert fresh.access_expires == tokens.session.expires_at
    clock.forward(minutes=6)
    assert await sessions.refresh(fresh.refresh) is None


@pytest.mark.parametrize("later", [{"seconds": 0}, {"minutes": 1}, {"days": 29}])
@pytest.mark.parametrize("used_on", [True, False])
async def test_a_used_refresh_token_that_comes_back_ends_the_session_for_both(
    sessions: Sessions, edith: Any, db: Database, clock: Any, later: dict[str, float], used_on: bool
) -> None:
    first = await start(sessions, edith)
    second = await sessions.refresh(first.refresh)
    assert second is not None
    assert second.refresh != first.refresh
    if used_on:
        clock.forward(minutes=9)
        assert await sessions.by_access(second.access)  # which notes that the session is in use
        second = await sessions.refresh(second.refresh)
        assert second is not None
    clock.forward(**later)
    assert await sessions.refresh(first.refresh) is None  # the thief, or the owner: nobody can tell
    assert await sessions.refresh(second.refresh) is None
    assert await sessions.by_access(second.access) is None
    assert await sessions.devices(edith) == []
    noted = await Activity(db, clock).find(ActivityFilter(action="session.token_reused"), limit=9)
    assert [entry.subject for entry in noted] == ["edith"]


async def test_a_used_refresh_token_is_no_newer_to_a_process_whose_clock_is_behind(
    sessions: Sessions, edith: Any, clock: Any
) -> None:
    first = await start(sessions, edith)
    second = await sessions.refresh(first.refresh)
    assert second is not None
    clock.forward(seconds=-60)
    assert await sessions.refresh(first.refresh, grace=GRACE) is None
    assert await sessions.refresh(second.refresh) is None


async def test_parallel_calls_and_a_lost_answer_keep_a_browser_signed_in(
    sessions: Sessions, edith: Any, clock: Any
) -> None:
    tokens = await start(sessions, edith)
    rotated = await asyncio.gather(*(sessions.refresh(tokens.refresh, grace=GRACE) for _ in range(8)))
    clock.forward(seconds=10)
    rotated.append(await sessions.refresh(tokens.refresh, grace=GRACE))  # the first answers were lost
    fresh = {one.refresh for one in rotated if one is not None}
    assert len(fresh) == 9
    clock.forward(minutes=9)
    taken, *others = sorted(fresh)
    assert await sessions.refresh(taken, grace=GRACE)
    assert await sessions.refresh(others[0], grace=GRACE) is None  # whoever holds it has not got it from us
    assert await sessions.devices(edith) == []


async def test_the_grace_ends_in_time_and_once_its_successor_was_used(
    sessions: Sessions, edith: Any, clock: Any
) -> None:
    tokens = await start(sessions, edith)
    assert await sessions.refresh(tokens.refresh, grace=GRACE)
    clock.forward(seconds=20)
    assert await sessions.refresh(tokens.refresh, grace=GRACE) is None
    tokens = await start(sessions, edith)
    second = await sessions.refresh(tokens.refresh, grace=GRACE)
    assert second is not None
    assert await sessions.refresh(second.refresh, grace=GRACE)
    assert await sessions.refresh(tokens.refresh, grace=GRACE) is None
    assert await sessions.devices(edith) == []


async def test_few_tokens_of_a_session_are_kept_however_long_it_lasts(
    sessions: Sessions, edith: Any, db: Database, clock: Any
) -> None:
    tokens: Tokens | None = await start(sessions, edith)
    for _ in range(5):
        assert tokens is not None
        clock.forward(minutes=10)
        tokens = await sessions.refresh(tokens.refresh, grace=GRACE)
    assert len(await db.read(lambda conn: conn.execute(refresh_tokens.select()).all())) == 2


async def test_a_session_that_ends_while_its_token_is_rotated_stays_ended(sessions: Sessions, edith: Any) -> None:
    for _ in range(3):
        tokens = await start(sessions, edith)
        await asyncio.gather(
            sessions.refresh(tokens.refresh),
            sessions.end(tokens.session.id),
            sessions.refresh(tokens.refresh),
        )
        async with asyncio.timeout(FRESH + 1):  # a call that was under way may have looked just before the end
            while await sessions.by_access(tokens.access):
                await asyncio.sleep(0.05)
        assert await sessions.refresh(tokens.refresh) is None
    assert await sessions.devices(edith) == []


async def test_unknown_refresh_tokens_touch_nothing(sessions: Sessions, edith: Any) -> None:
    tokens = await start(sessions, edith)
    number, chance, signature = tokens.refresh.split(".")
    forged = f"{number}.{chance[::-1]}.{signature}"  # whoever makes up "used" tokens must not end sessions
    for token in ("", "guess", "é", tokens.refresh[:-1], tokens.access, digest(tokens.refresh).hex(), forged):
        assert await sessions.refresh(token) is None
    assert await sessions.by_access(tokens.access)


async def test_a_new_role_and_a_disabled_account_end_all_sessions(
    sessions: Sessions, edith: Any, db: Database, clock: Any
) -> None:
    access = Access(db, sessions, clock)
    for change in ({"role": "viewer"}, {"disabled": True}):
        tokens = await start(sessions, edith)
        assert await sessions.by_access(tokens.access)
        await access.change_user(edith.id, **change)
        assert await sessions.by_access(tokens.access) is None
        assert await sessions.refresh(tokens.refresh) is None


async def test_a_key_may_what_its_scopes_bring_along_and_its_owner_may(sessions: Sessions, edith: Any) -> None:
    key, _ = await sessions.create_key(edith, "Lamp", frozenset({Permission.REQUEST_MOVIE, Permission.SETTINGS}))
    found = await sessions.by_key(key)
    assert found is not None
    assert found.user.permissions == {Permission.REQUEST_MOVIE, Permission.REQUEST}


async def test_only_the_owner_signs_a_device_out(sessions: Sessions, edith: Any) -> None:
    tokens = await start(sessions, edith)
    assert not await sessions.end(tokens.session.id, owner=edith.id + 1)
    assert await sessions.by_access(tokens.access)
    assert await sessions.end(tokens.session.id, owner=edith.id)
    assert await sessions.by_access(tokens.access) is None
