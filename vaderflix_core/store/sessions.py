"""Sessions, their rotating tokens, and API keys in the database. Tokens are kept as hashes only."""

from __future__ import annotations

import secrets
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from ..access.models import User
from . import users
from .access_tables import api_keys, refresh_tokens, sessions

MOST_IDS = 2**53 - 1  # scripts read them as numbers
s, t, k = sessions.c, refresh_tokens.c, api_keys.c


class Session(Struct, frozen=True, kw_only=True):
    """A signed-in device."""

    id: int
    user_id: int
    method: str
    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key of a program; `prefix` is the part that is shown."""

    id: int
    user_id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


_SESSION = tuple(s[name] for name in Session.__struct_fields__)
_KEY = tuple(k[name] for name in ApiKey.__struct_fields__)


def open_session(conn: Connection, session: Session) -> Session:
    """Remember a device; forget the sessions that have expired."""
    conn.execute(delete(sessions).where(s.expires_at < session.created_at))
    values = {name: getattr(session, name) for name in Session.__struct_fields__ if name != "id"}
    # never one that was in use: access tokens of an ended session name its id, and SQLite gives the highest one again
    session_id = secrets.randbelow(MOST_IDS) + 1
    conn.execute(insert(sessions).values(id=session_id, **values))
    users.change(conn, session.user_id, last_seen_at=session.created_at)
    return Session(id=session_id, **values)


def add_token(conn: Connection, session_id: int, token_hash: bytes, now: datetime) -> None:
    """Remember a new refresh token of a session."""
    conn.execute(insert(refresh_tokens).values(token_hash=token_hash, session_id=session_id, issued_at=now))


def user_of_session(conn: Connection, session_id: int, now: datetime) -> tuple[User, datetime] | None:
    """Whose session it is, and when it was last seen; None when it has ended."""
    query = users.query(s.last_seen_at.label("seen")).join(sessions, s.user_id == users.u.id)
    row = conn.execute(query.where(s.id == session_id, s.expires_at > now)).first()
    return (users.user_of(row), row.seen) if row else None


def use_token(conn: Connection, token_hash: bytes, now: datetime) -> tuple[Session, datetime | None] | None:
    """Mark a refresh token used; gives its session and when it was used before, None for an unknown one.

    Its first use ends all others of its session: what it was rotated from, and what that was rotated to beside it.
    """
    query = select(*_SESSION, t.used_at).join(refresh_tokens, t.session_id == s.id).where(t.token_hash == token_hash)
    # locked: of two that bring the same token at once, the second must see that the first has used it
    row = conn.execute(query.with_for_update()).first()
    if row is None or row.expires_at <= now:
        return None
    if row.used_at is None:
        conn.execute(update(refresh_tokens).where(t.token_hash == token_hash).values(used_at=now))
        conn.execute(delete(refresh_tokens).where(t.session_id == row.id, t.token_hash != token_hash))
    return Session(**{name: row._mapping[name] for name in Session.__struct_fields__}), row.used_at


def touch(conn: Connection, session_id: int, user_id: int, now: datetime, ip: str) -> None:
    """Note that a session is in use."""
    values = {"last_seen_at": now} | ({"ip": ip} if ip else {})
    conn.execute(update(sessions).where(s.id == session_id).values(**values))
    users.change(conn, user_id, last_seen_at=now)


def of_user(conn: Connection, user_id: int, now: datetime) -> list[Session]:
    """The devices of an account, the one used last first."""
    query = select(*_SESSION).where(s.user_id == user_id, s.expires_at > now).order_by(s.last_seen_at.desc())
    return [Session(**row._mapping) for row in conn.execute(query)]


def close(conn: Connection, session_id: int, *, owner: int | None = None) -> bool:
    """End a session; with `owner`, only if it is that account's. False when there is none."""
    query = delete(sessions).where(s.id == session_id)
    if owner is not None:
        query = query.where(s.user_id == owner)
    return conn.execute(query.returning(s.id)).first() is not None


def close_all(conn: Connection, user_id: int, *, but: int | None = None) -> list[int]:
    """End all sessions of an account, but one; gives their ids."""
    query = delete(sessions).where(s.user_id == user_id)
    if but is not None:
        query = query.where(s.id != but)
    return [row.id for row in conn.execute(query.returning(s.id))]


def add_key(conn: Connection, key: ApiKey, key_hash: bytes) -> ApiKey:
    """Remember an API key."""
    values = {name: getattr(key, name) for name in ApiKey.__struct_fields__ if name != "id"}
    key_id = conn.execute(insert(api_keys).values(key_hash=key_hash, **values).returning(k.id)).scalar_one()
    return ApiKey(id=key_id, **values)


def keys_of(conn: Connection, user_id: int) -> list[ApiKey]:
    """The keys of an account, newest first."""
    query = select(*_KEY).where(k.user_id == user_id).order_by(k.id.desc())
    return [ApiKey(**row._mapping) for row in conn.execute(query)]


def user_of_key(conn: Connection, key_hash: bytes) -> tuple[User, ApiKey] | None:
    """Whose key it is."""
    named = tuple(k[name].label(f"key_{name}") for name in ApiKey.__struct_fields__)
    row = conn.execute(
        users.query(*named).join(api_keys, k.user_id == users.u.id).where(k.key_hash == key_hash)
    ).first()
    if row is None:
        return None
    return users.user_of(row), ApiKey(**{name: row._mapping[f"key_{name}"] for name in ApiKey.__struct_fields__})


def user_of_key_id(conn: Connection, key_id: int) -> User | None:
    """Whose key it is; None when it was revoked."""
    row = conn.execute(users.query().join(api_keys, k.user_id == users.u.id).where(k.id == key_id)).first()
    return users.user_of(row) if row else None


def touch_key(conn: Connection, key_id: int, now: datetime) -> None:
    """Note that a key was used."""
    conn.execute(update(api_keys).where(k.id == key_id).values(last_used_at=now))


def remove_key(conn: Connection, key_id: int, *, owner: int) -> bool:
    """Revoke a key of an account; False when there is none."""
    row = conn.execute(delete(api_keys).where(k.id == key_id, k.user_id == owner).returning(k.id)).first()
    return row is not None
