"""Linked identities and sign-ins under way, in the database."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from ..access.models import User
from ..failures import Conflict
from . import users as user_store
from .access_tables import identities
from .outside_tables import sign_ins

i, s = identities.c, sign_ins.c


class Linked(Struct, frozen=True, kw_only=True):
    """An account elsewhere that opens an account here. `provider` keeps its subjects apart from others'."""

    provider: str
    subject: str
    label: str
    created_at: datetime


def user_of(conn: Connection, provider: str, subject: str) -> User | None:
    """The account that an identity opens."""
    found = conn.execute(select(i.user_id).where(i.provider == provider, i.subject == subject)).scalar()
    return user_store.get(conn, found) if found is not None else None


def link(conn: Connection, user_id: int, provider: str, subject: str, label: str, now: datetime) -> None:
    """Let an identity open an account. Raises `Conflict` when it opens one already."""
    values = {"provider": provider, "subject": subject, "user_id": user_id, "label": label[:254], "created_at": now}
    try:
        conn.execute(insert(identities).values(**values))
    except IntegrityError as error:
        raise Conflict("This account elsewhere opens another account here already.", code="linked_already") from error


def relabel(conn: Connection, provider: str, subject: str, label: str) -> None:
    """Keep the name that the person has there now."""
    conn.execute(identities.update().where(i.provider == provider, i.subject == subject).values(label=label[:254]))


def unlink(conn: Connection, user_id: int, provider: str, subject: str) -> bool:
    """Take an identity off an account; False when it has none such."""
    rows = delete(identities).where(i.provider == provider, i.subject == subject, i.user_id == user_id)
    return conn.execute(rows.returning(i.subject)).first() is not None


def of_user(conn: Connection, user_id: int) -> list[Linked]:
    """The identities of an account, the oldest first."""
    query = select(i.provider, i.subject, i.label, i.created_at).where(i.user_id == user_id).order_by(i.created_at)
    return [Linked(**row._mapping) for row in conn.execute(query)]


def of_provider(conn: Connection, provider: str) -> dict[str, int]:
    """Whose account each subject of a provider opens: subject to account."""
    return {
        row.subject: row.user_id for row in conn.execute(select(i.subject, i.user_id).where(i.provider == provider))
    }


def drop_provider(conn: Connection, provider: str) -> None:
    """Forget all identities of a provider: its subjects must never mean other people."""
    conn.execute(delete(identities).where(i.provider == provider))


# -- sign-ins under way ----------------------------------------------------------------------------------------------


class Begun(Struct, frozen=True, kw_only=True):
    """A sign-in under way."""

    token_hash: bytes
    browser_hash: bytes
    way: str
    sealed: bytes
    expires_at: datetime


def begin(conn: Connection, begun: Begun, now: datetime) -> None:
    """Keep a sign-in in place of what was kept of it, and drop those that are over."""
    conn.execute(delete(sign_ins).where((s.expires_at <= now) | (s.token_hash == begun.token_hash)))
    conn.execute(insert(sign_ins).values(**{f: getattr(begun, f) for f in Begun.__struct_fields__}))


def under_way(conn: Connection, token_hash: bytes, browser_hash: bytes, now: datetime) -> Begun | None:
    """A sign-in that this browser began."""
    query = select(sign_ins).where(s.token_hash == token_hash, s.browser_hash == browser_hash, s.expires_at > now)
    row = conn.execute(query).first()
    return Begun(**row._mapping) if row else None


def take(conn: Connection, begun: Begun, now: datetime) -> bool:
    """Whether it is still as it was read, which is so for one: whoever takes it first."""
    gone = delete(sign_ins).where(s.token_hash == begun.token_hash, s.sealed == begun.sealed, s.expires_at > now)
    return conn.execute(gone.returning(s.token_hash)).first() is not None
