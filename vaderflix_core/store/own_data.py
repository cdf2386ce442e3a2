"""What the database holds about one account, beyond what other repositories give; and the account's end."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, delete, func, select

from ..access.models import User
from .access_tables import identities, passkeys, recovery_codes, shares
from .deliveries import Delivery
from .positions import Position
from .tables import deliveries, positions, users

d = deliveries.c


class PasskeyOut(Struct, frozen=True, kw_only=True):
    """A passkey without its key."""

    name: str
    created_at: datetime
    last_used_at: datetime | None


class IdentityOut(Struct, frozen=True, kw_only=True):
    """A sign-in of another house that is linked to the account."""

    provider: str
    subject: str
    label: str
    created_at: datetime


class ShareOut(Struct, frozen=True, kw_only=True):
    """What a media source shares with the person."""

    instance: str
    person: str
    libraries: tuple[str, ...]
    state: str
    updated_at: datetime


class SecondFactorOut(Struct, frozen=True, kw_only=True):
    """Whether signing in needs a code as well, without the secret."""

    confirmed_at: datetime | None
    recovery_codes_left: int


def passkeys_of(conn: Connection, user_id: int) -> list[PasskeyOut]:
    """The account's passkeys, oldest first."""
    p = passkeys.c
    query = select(p.name, p.created_at, p.last_used_at).where(p.user_id == user_id).order_by(p.id)
    return [PasskeyOut(**row._mapping) for row in conn.execute(query)]


def identities_of(conn: Connection, user_id: int) -> list[IdentityOut]:
    """The account's linked sign-ins, oldest first."""
    i = identities.c
    query = select(i.provider, i.subject, i.label, i.created_at).where(i.user_id == user_id).order_by(i.created_at)
    return [IdentityOut(**row._mapping) for row in conn.execute(query)]


def shares_of(conn: Connection, user_id: int) -> list[ShareOut]:
    """What is shared with the account."""
    columns = [shares.c[name] for name in ShareOut.__struct_fields__]
    query = select(*columns).where(shares.c.user_id == user_id).order_by(shares.c.id)
    return [ShareOut(**row._mapping) for row in conn.execute(query)]


def second_factor_of(conn: Connection, user_id: int) -> SecondFactorOut:
    """The account's second factor."""
    left = (
        select(func.count())
        .select_from(recovery_codes)
        .where(recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    )
    return SecondFactorOut(
        confirmed_at=conn.execute(select(users.c.totp_confirmed_at).where(users.c.id == user_id)).scalar(),
        recovery_codes_left=conn.execute(left).scalar_one(),
    )


def positions_of(conn: Connection, user_id: int) -> list[Position]:
    """How far the account has watched, newest first."""
    columns = [positions.c[name] for name in Position.__struct_fields__]
    query = select(*columns).where(positions.c.user_id == user_id).order_by(positions.c.updated_at.desc())
    return [Position(**row._mapping) for row in conn.execute(query)]


def _its_address_alone(user: User) -> ColumnElement[bool]:
    # nobody has to prove an address to come in with it: what went to one of somebody else is theirs
    others = select(users.c.id).where(users.c.id != user.id, func.lower(users.c.email) == (user.email or "").lower())
    return and_(d.recipient == user.email, ~others.exists())


def deliveries_to(conn: Connection, user: User, limit: int = 1000) -> list[Delivery]:
    """What was sent to an account's address since it is there, newest first; nothing while others have it too."""
    columns = [d[name] for name in Delivery.__struct_fields__]
    query = select(*columns).where(_its_address_alone(user), d.at >= user.created_at)
    rows = conn.execute(query.order_by(d.id.desc()).limit(limit))
    return [Delivery(**row._mapping) for row in rows]


# -- the end -----------------------------------------------------------------------------------------------------------


def remove(conn: Connection, user_id: int) -> bool:
    """Remove an account and all that is its own; False when there is none."""
    return conn.execute(delete(users).where(users.c.id == user_id).returning(users.c.id)).first() is not None


def forget_deliveries(conn: Connection, user: User) -> None:
    """Forget what was sent to an account's address, unless others have it too."""
    conn.execute(delete(deliveries).where(_its_address_alone(user)))
