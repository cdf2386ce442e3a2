"""Invitations in the database. Codes are kept as hashes only."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from .access_tables import invite_uses, invites
from .tables import users

i = invites.c


class Invite(Struct, frozen=True, kw_only=True):
    """An invitation: what it gives, how often and how long. `inviter` is the name that the visitor reads."""

    id: int
    created_by: int | None
    inviter: str
    role: str
    note: str
    email: str | None
    libraries: dict[str, tuple[str, ...]]
    uses: int
    used: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """open, used, revoked or expired."""
        if self.revoked_at is not None:
            return "revoked"
        if self.used >= self.uses:
            return "used"
        return "expired" if self.expires_at <= now else "open"


class InviteUse(Struct, frozen=True, kw_only=True):
    """Who came in by an invitation."""

    user_id: int
    display_name: str
    at: datetime


_INVITE = tuple(i[name] for name in Invite.__struct_fields__)


def _open(now: datetime) -> tuple[object, ...]:
    return (i.revoked_at.is_(None), i.expires_at > now, i.used < i.uses)


def add(conn: Connection, invite: Invite, code_hash: bytes) -> Invite:
    """Keep a new invitation."""
    values = {name: getattr(invite, name) for name in Invite.__struct_fields__ if name != "id"}
    new_id = conn.execute(insert(invites).values(code_hash=code_hash, **values).returning(i.id)).scalar_one()
    return Invite(id=new_id, **values)


def get(conn: Connection, invite_id: int) -> Invite | None:
    """One invitation."""
    row = conn.execute(select(*_INVITE).where(i.id == invite_id)).first()
    return Invite(**row._mapping) if row else None


def by_code(conn: Connection, code_hash: bytes, now: datetime) -> Invite | None:
    """The invitation of a code while it can be used."""
    row = conn.execute(select(*_INVITE).where(i.code_hash == code_hash, *_open(now))).first()  # type: ignore[arg-type]
    return Invite(**row._mapping) if row else None


def use(conn: Connection, code_hash: bytes, user_id: int, now: datetime) -> bool:
    """Count one use by an account; False when there is none left. Two at once cannot both have the last one."""
    claim = update(invites).where(i.code_hash == code_hash, *_open(now))  # type: ignore[arg-type]
    row = conn.execute(claim.values(used=i.used + 1).returning(i.id)).first()
    if row is None:
        return False
    conn.execute(insert(invite_uses).values(invite_id=row.id, user_id=user_id, at=now))
    return True


def newest(conn: Connection, limit: int = 200) -> list[tuple[Invite, list[InviteUse]]]:
    """Invitations, newest first, each with who came in by it and still has an account."""
    found = [Invite(**row._mapping) for row in conn.execute(select(*_INVITE).order_by(i.id.desc()).limit(limit))]
    uses: dict[int, list[InviteUse]] = {one.id: [] for one in found}
    u = invite_uses.c
    query = select(u.invite_id, u.user_id, users.c.display_name, u.at).join(users, users.c.id == u.user_id)
    for row in conn.execute(query.where(u.invite_id.in_(list(uses))).order_by(u.at)):
        uses[row.invite_id].append(InviteUse(user_id=row.user_id, display_name=row.display_name, at=row.at))
    return [(one, uses[one.id]) for one in found]


def revoke(conn: Connection, invite_id: int, now: datetime) -> bool:
    """End an invitation; False when it has ended already."""
    done = update(invites).where(i.id == invite_id, i.revoked_at.is_(None)).values(revoked_at=now)
    return conn.execute(done.returning(i.id)).first() is not None


def renew(
    conn: Connection, invite_id: int, code_hash: bytes, expires_at: datetime, *, created_by: int, inviter: str
) -> None:
    """Give an invitation another code, time and maker: the old code is worth nothing from now on."""
    values = {"code_hash": code_hash, "expires_at": expires_at, "created_by": created_by, "inviter": inviter}
    conn.execute(update(invites).where(i.id == invite_id).values(revoked_at=None, **values))
