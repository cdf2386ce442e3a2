"""The second factor of accounts in the database: the sealed secret, the last step used, and recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from .access_tables import recovery_codes
from .tables import users

u, r = users.c, recovery_codes.c


class Factor(Struct, frozen=True, kw_only=True):
    """What is known of an account's second factor; it counts once it is confirmed."""

    totp: bytes | None
    totp_confirmed_at: datetime | None


def get(conn: Connection, user_id: int) -> Factor:
    """The factor of an account; empty when there is none."""
    row = conn.execute(select(u.totp, u.totp_confirmed_at).where(u.id == user_id)).first()
    return (
        Factor(totp=row.totp, totp_confirmed_at=row.totp_confirmed_at)
        if row
        else Factor(totp=None, totp_confirmed_at=None)
    )


def offer(conn: Connection, user_id: int, sealed: bytes) -> bool:
    """Store a secret that waits for its confirmation; False when a confirmed one is there."""
    query = update(users).where(u.id == user_id, u.totp_confirmed_at.is_(None)).values(totp=sealed, totp_step=None)
    return conn.execute(query.returning(u.id)).first() is not None


def confirm(conn: Connection, user_id: int, sealed: bytes, now: datetime) -> bool:
    """Let the offered secret count from now on; False when it is not the one on offer any more."""
    query = update(users).where(u.id == user_id, u.totp == sealed, u.totp_confirmed_at.is_(None))
    return conn.execute(query.values(totp_confirmed_at=now).returning(u.id)).first() is not None


def take_step(conn: Connection, user_id: int, step: int) -> bool:
    """Use a time step up; False when it, or a later one, was used before."""
    unused = or_(u.totp_step.is_(None), u.totp_step < step)
    query = update(users).where(u.id == user_id, unused).values(totp_step=step).returning(u.id)
    return conn.execute(query).first() is not None


def clear(conn: Connection, user_id: int) -> bool:
    """Remove the factor and its recovery codes; False when there was none."""
    had = get(conn, user_id).totp_confirmed_at is not None
    conn.execute(update(users).where(u.id == user_id).values(totp=None, totp_confirmed_at=None, totp_step=None))
    conn.execute(delete(recovery_codes).where(r.user_id == user_id))
    return had


def put_codes(conn: Connection, user_id: int, hashes: Iterable[bytes]) -> None:
    """Replace the recovery codes."""
    conn.execute(delete(recovery_codes).where(r.user_id == user_id))
    conn.execute(insert(recovery_codes), [{"code_hash": one, "user_id": user_id} for one in hashes])


def use_code(conn: Connection, user_id: int, code_hash: bytes, now: datetime) -> bool:
    """Use a recovery code up; False when it is not one, or was used before."""
    query = update(recovery_codes).where(r.code_hash == code_hash, r.user_id == user_id, r.used_at.is_(None))
    return conn.execute(query.values(used_at=now).returning(r.user_id)).first() is not None


def codes_left(conn: Connection, user_id: int) -> int:
    """How many recovery codes are unused."""
    query = select(func.count()).select_from(recovery_codes).where(r.user_id == user_id, r.used_at.is_(None))
    return conn.execute(query).scalar_one()
