"""Sessions from start to end: forged and stale tokens, refresh tokens that come back, ends that are felt at once."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import jwt
import pytest

from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import ALGORITHM, FRESH, Sessions, Tokens, digest
from vaderflix_core.store import users as user_store
from vaderflix_core.store.access_tables import refresh_tokens
from vaderflix_core.store.database import Database
from vaderflix_core.vault import Vault

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")]

VAULT = Vault([bytes(range(32))])


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
    fresh = await sessions.refresh(tokens.refresh or "")
    assert fresh is not None
    assert fresh.access_expires == tokens.session.expires_at
    clock.forward(minutes=6)
    assert await sessions.refresh(fresh.refresh or "") is None


async def test_a_used_refresh_token_that_comes_back_ends_the_session_for_both(
    sessions: Sessions, edith: Any, clock: Any
) -> None:
    first = await start(sessions, edith)
    second = await sessions.refresh(first.refresh or "")
    assert second is not None
    assert second.refresh != first.refresh
    clock.forward(minutes=1)
    assert await sessions.refresh(first.refresh or "") is None  # the thief, or the owner: nobody can tell
    assert await sessions.refresh(second.refresh or "") is None
    assert await sessions.by_access(second.access) is None
    assert await sessions.devices(edith) == []


async def test_parallel_calls_with_one_refresh_token_rotate_it_once(
    sessions: Sessions, edith: Any, db: Database, clock: Any
) -> None:
    tokens = await start(sessions, edith)
    done = await asyncio.gather(*(sessions.refresh(tokens.refresh or "") for _ in range(8)))
    assert all(one is not None for one in done)
    assert sum(one.refresh is not None for one in done if one is not None) == 1
    rows = await db.read(lambda conn: conn.execute(refresh_tokens.select()).all())
    assert len(rows) == 2
    clock.forward(seconds=10)
    assert await sessions.refresh(tokens.refresh or "")  # a late one of the same page


async def test_a_session_that_ends_while_its_token_is_rotated_stays_ended(sessions: Sessions, edith: Any) -> None:
    for _ in range(3):
        tokens = await start(sessions, edith)
        await asyncio.gather(
            sessions.refresh(tokens.refresh or ""),
            sessions.end(tokens.session.id),
            sessions.refresh(tokens.refresh or ""),
        )
        async with asyncio.timeout(FRESH + 1):  # a call that was under way may have looked just before the end
            while await sessions.by_access(tokens.access):
                await asyncio.sleep(0.05)
        assert await sessions.refresh(tokens.refresh or "") is None
    assert await sessions.devices(edith) == []


async def test_unknown_refresh_tokens_touch_nothing(sessions: Sessions, edith: Any) -> None:
    tokens = await start(sessions, edith)
    for token in ("", "guess", (tokens.refresh or "")[:-1], tokens.access, digest(tokens.refresh or "").hex()):
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
        assert await sessions.refresh(tokens.refresh or "") is None


async def test_only_the_owner_signs_a_device_out(sessions: Sessions, edith: Any) -> None:
    tokens = await start(sessions, edith)
    assert not await sessions.end(tokens.session.id, owner=edith.id + 1)
    assert await sessions.by_access(tokens.access)
    assert await sessions.end(tokens.session.id, owner=edith.id)
    assert await sessions.by_access(tokens.access) is None
