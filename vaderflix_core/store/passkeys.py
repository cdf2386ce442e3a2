"""Passkeys in the database: the public half of keys that people's devices hold."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..failures import Conflict
from .access_tables import passkeys

p = passkeys.c


class Passkey(Struct, frozen=True, kw_only=True):
    """One passkey of an account."""

    id: int
    user_id: int
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


_COLUMNS = tuple(p[name] for name in Passkey.__struct_fields__)


def add(conn: Connection, key: Passkey) -> Passkey:
    """Remember a new passkey. Raises `Conflict` when it is known already."""
    values = {name: getattr(key, name) for name in Passkey.__struct_fields__ if name != "id"}
    try:
        key_id = conn.execute(insert(passkeys).values(**values).returning(p.id)).scalar_one()
    except IntegrityError as error:
        raise Conflict("This passkey is known already.") from error
    return Passkey(id=key_id, **values)


def of_user(conn: Connection, user_id: int) -> list[Passkey]:
    """The passkeys of an account, oldest first."""
    query = select(*_COLUMNS).where(p.user_id == user_id).order_by(p.id)
    return [Passkey(**row._mapping) for row in conn.execute(query)]


def by_credential(conn: Connection, credential_id: bytes) -> Passkey | None:
    """The passkey that a device named."""
    row = conn.execute(select(*_COLUMNS).where(p.credential_id == credential_id)).first()
    return Passkey(**row._mapping) if row else None


def used(conn: Connection, key_id: int, sign_count: int, now: datetime) -> bool:
    """Note a use and its counter; False when the counter did not move on: the key was copied, or the answer was."""
    # devices that keep no counter send 0 for ever
    moved = p.sign_count < sign_count if sign_count else p.sign_count == 0
    query = update(passkeys).where(p.id == key_id, moved).values(sign_count=sign_count, last_used_at=now)
    return conn.execute(query.returning(p.id)).first() is not None


def rename(conn: Connection, key_id: int, name: str, *, owner: int) -> str | None:
    """Give a passkey of that account another name; gives the old one, None when there is no such passkey."""
    mine = (p.id == key_id, p.user_id == owner)
    before: str | None = conn.execute(select(p.name).where(*mine)).scalar()
    conn.execute(update(passkeys).where(*mine).values(name=name))
    return before


def remove(conn: Connection, key_id: int, *, owner: int) -> Passkey | None:
    """Remove a passkey of that account; gives it back."""
    row = conn.execute(delete(passkeys).where(p.id == key_id, p.user_id == owner).returning(*_COLUMNS)).first()
    return Passkey(**row._mapping) if row else None
