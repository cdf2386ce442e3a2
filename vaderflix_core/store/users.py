"""Accounts, their sessions and API keys in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..access.models import User
from ..failures import Conflict
from .tables import api_keys, sessions, users

_USER = (
    users.c.id,
    users.c.username,
    users.c.display_name,
    users.c.email,
    users.c.role,
    users.c.disabled,
    users.c.time_zone,
    users.c.created_at,
    users.c.last_seen_at,
)


def _user(row: Any) -> User:
    return User(**row._mapping)


def add(
    conn: Connection,
    *,
    username: str,
    display_name: str,
    email: str | None,
    password_hash: str | None,
    role: str,
    now: datetime,
) -> User:
    """Make an account. Raises `Conflict` when the name is taken."""
    try:
        row = conn.execute(
            insert(users)
            .values(
                username=username,
                username_key=username.casefold(),
                display_name=display_name,
                email=email,
                password_hash=password_hash,
                role=role,
                disabled=False,
                created_at=now,
            )
            .returning(*_USER)
        ).one()
    except IntegrityError as error:
        raise Conflict(f"The name {username} is taken. Choose another one.", code="username_taken") from error
    return _user(row)


def count(conn: Connection) -> int:
    """How many accounts there are."""
    return conn.execute(select(func.count()).select_from(users)).scalar_one()


def all_users(conn: Connection) -> list[User]:
    """All accounts, by name."""
    return [_user(row) for row in conn.execute(select(*_USER).order_by(users.c.username_key))]


def get(conn: Connection, user_id: int) -> User | None:
    """One account."""
    row = conn.execute(select(*_USER).where(users.c.id == user_id)).first()
    return _user(row) if row else None


def credentials(conn: Connection, username: str) -> tuple[User, str | None] | None:
    """An account and its password hash, by name in any case."""
    row = conn.execute(select(*_USER, users.c.password_hash).where(users.c.username_key == username.casefold())).first()
    return (User(**{c.name: row._mapping[c.name] for c in _USER}), row.password_hash) if row else None


def change(conn: Connection, user_id: int, **values: object) -> None:
    """Set columns of an account."""
    conn.execute(update(users).where(users.c.id == user_id).values(**values))


def open_session(
    conn: Connection, *, user_id: int, token_hash: bytes, user_agent: str, now: datetime, expires: datetime
) -> None:
    """Remember a signed-in browser; forget those that have expired."""
    conn.execute(delete(sessions).where(sessions.c.expires_at < now))
    conn.execute(
        insert(sessions).values(
            user_id=user_id,
            token_hash=token_hash,
            user_agent=user_agent[:400],
            created_at=now,
            last_seen_at=now,
            expires_at=expires,
        )
    )


def session_user(conn: Connection, token_hash: bytes, now: datetime) -> tuple[User, datetime] | None:
    """Who a session belongs to, and when it was last seen."""
    row = conn.execute(
        select(*_USER, sessions.c.last_seen_at.label("seen"))
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now)
    ).first()
    return (User(**{c.name: row._mapping[c.name] for c in _USER}), row.seen) if row else None


def touch_session(conn: Connection, token_hash: bytes, user_id: int, now: datetime) -> None:
    """Note that a session was used."""
    conn.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(last_seen_at=now))
    conn.execute(update(users).where(users.c.id == user_id).values(last_seen_at=now))


def close_session(conn: Connection, token_hash: bytes) -> None:
    """End one session."""
    conn.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def close_sessions(conn: Connection, user_id: int) -> None:
    """End all sessions of an account."""
    conn.execute(delete(sessions).where(sessions.c.user_id == user_id))


def add_api_key(conn: Connection, *, user_id: int, name: str, key_hash: bytes, now: datetime) -> None:
    """Remember an API key by its hash."""
    conn.execute(insert(api_keys).values(user_id=user_id, name=name, key_hash=key_hash, created_at=now))


def api_key_user(conn: Connection, key_hash: bytes) -> User | None:
    """Who an API key belongs to."""
    row = conn.execute(
        select(*_USER).join(api_keys, api_keys.c.user_id == users.c.id).where(api_keys.c.key_hash == key_hash)
    ).first()
    return _user(row) if row else None
