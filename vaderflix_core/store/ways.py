"""The ways into an account that the database knows of: its password, passkeys and linked identities."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, func, select

from . import users as user_store
from .access_tables import identities, passkeys, sessions
from .tables import users


class Ways(Struct, frozen=True, kw_only=True):
    """How somebody can sign in."""

    password: bool
    passkeys: int
    identities: int

    @property
    def count(self) -> int:
        """How many ways there are."""
        return self.password + self.passkeys + self.identities


def lock(conn: Connection, user_id: int) -> None:
    """Keep others from changing this account until the transaction ends (SQLite has one writer anyway)."""
    conn.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())


def of_user(conn: Connection, user_id: int) -> Ways:
    """The ways into an account."""
    hashed = password_of(conn, user_id)
    keys = select(func.count()).select_from(passkeys).where(passkeys.c.user_id == user_id)
    linked = select(func.count()).select_from(identities).where(identities.c.user_id == user_id)
    return Ways(
        password=hashed is not None,
        passkeys=conn.execute(keys).scalar_one(),
        identities=conn.execute(linked).scalar_one(),
    )


def password_of(conn: Connection, user_id: int) -> str | None:
    """The password hash of an account."""
    return conn.execute(select(users.c.password_hash).where(users.c.id == user_id)).scalar()


def set_password(conn: Connection, user_id: int, hashed: str | None) -> None:
    """Give an account another password; None takes it away."""
    user_store.change(conn, user_id, password_hash=hashed)


def reached_by(conn: Connection, name: str) -> list[int]:
    """The accounts that an address or a user name stands for, those that can be used and have an address."""
    key = name.casefold()
    query = select(users.c.id).where(
        (func.lower(users.c.email) == key) | (users.c.username_key == key),
        users.c.email.is_not(None),
        users.c.disabled.is_(False),
    )
    return list(conn.execute(query.order_by(users.c.id)).scalars())


def session_began(conn: Connection, session_id: int) -> datetime | None:
    """When a session was started."""
    return conn.execute(select(sessions.c.created_at).where(sessions.c.id == session_id)).scalar()
