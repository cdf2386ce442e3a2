"""Accounts and roles in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..access.models import ADMIN, ROLES, Permission, Role, User, effective
from ..failures import Conflict
from .tables import activity, roles, users

u = users.c
# the closed account that holds the requests of people who left; its blanks are in no name that somebody can choose
FORMER = "a former member"
TAKEN = "The name {name} is taken. Choose another one."
COLUMNS = (
    u.id,
    u.username,
    u.display_name,
    u.email,
    u.role,
    u.disabled,
    u.time_zone,
    u.granted,
    u.withheld,
    u.muted,
    u.created_at,
    u.last_seen_at,
    roles.c.permissions.label("role_permissions"),
)
JOINED = users.outerjoin(roles, roles.c.name == u.role)


def query(*more: Any) -> Select[Any]:
    """A select of accounts, to be narrowed; `more` are further columns."""
    return select(*COLUMNS, *more).select_from(JOINED)


def user_of(row: Any) -> User:
    """The account in a row of `query`."""
    found = row._mapping
    given = effective(found["role"], found["role_permissions"], found["granted"], found["withheld"])
    names = (c.name for c in COLUMNS if c.name != "role_permissions")
    now = frozenset[Permission]() if found["disabled"] else given
    return User(rights=given, permissions=now, **{name: found[name] for name in names})


def taken(username: str) -> Conflict:
    """What is raised for a name that somebody has."""
    return Conflict(TAKEN.format(name=username), code="username_taken")


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
    values: dict[str, Any] = {
        "username": username,
        "username_key": username.casefold(),
        "display_name": display_name,
        "email": email,
        "password_hash": password_hash,
        "role": role,
        "disabled": False,
        "granted": (),
        "withheld": (),
        "muted": (),
        "created_at": now,
    }
    if conn.dialect.name == "sqlite":
        # it would give the highest id again once that account is gone, and with it what the log says of its person
        used = (conn.execute(select(func.max(column))).scalar() or 0 for column in (u.id, activity.c.actor_id))
        values["id"] = max(used) + 1
    try:
        user_id = conn.execute(insert(users).values(**values).returning(u.id)).scalar_one()
    except IntegrityError as error:
        raise taken(username) from error
    made = get(conn, user_id)
    assert made is not None
    return made


def count(conn: Connection) -> int:
    """How many accounts there are."""
    return conn.execute(select(func.count()).select_from(users)).scalar_one()


def lock_role(conn: Connection, name: str) -> None:
    """Let transactions that depend on who has a role wait for each other (SQLite has one writer anyway)."""
    conn.execute(select(roles.c.name).where(roles.c.name == name).with_for_update())


def all_users(conn: Connection) -> list[User]:
    """All accounts of people, by name."""
    return [user_of(row) for row in conn.execute(query().where(u.username_key != FORMER).order_by(u.username_key))]


def get(conn: Connection, user_id: int) -> User | None:
    """One account."""
    row = conn.execute(query().where(u.id == user_id)).first()
    return user_of(row) if row else None


def credentials(conn: Connection, username: str) -> tuple[User, str | None] | None:
    """An account and its password hash, by name in any case."""
    row = conn.execute(query(u.password_hash).where(u.username_key == username.casefold())).first()
    return (user_of(row), row.password_hash) if row else None


def change(conn: Connection, user_id: int, **values: Any) -> None:
    """Set columns of an account."""
    conn.execute(update(users).where(u.id == user_id).values(**values))


def other_admins(conn: Connection, user_id: int) -> int:
    """How many accounts beside this one can run the house."""
    query = select(func.count()).where(u.role == ADMIN, u.disabled.is_(False), u.id != user_id)
    return conn.execute(query).scalar_one()


def seed_roles(conn: Connection) -> None:
    """Add the built-in roles that are not there yet."""
    known = set(conn.execute(select(roles.c.name)).scalars())
    for name, permissions in ROLES.items():
        if name not in known:
            conn.execute(
                insert(roles).values(name=name, title=name.capitalize(), permissions=tuple(sorted(permissions)))
            )


def all_roles(conn: Connection) -> list[Role]:
    """All roles, the built-in ones first."""
    found = [
        Role(
            name=row.name,
            title=row.title,
            permissions=effective(row.name, row.permissions, (), ()),
            builtin=row.name in ROLES,
        )
        for row in conn.execute(select(roles))
    ]
    order = list(ROLES)
    return sorted(found, key=lambda r: (order.index(r.name) if r.builtin else len(order), r.title))


def put_role(conn: Connection, name: str, title: str, permissions: frozenset[Permission]) -> None:
    """Add or change a role."""
    values = {"title": title, "permissions": tuple(sorted(permissions))}
    if conn.execute(update(roles).where(roles.c.name == name).values(**values).returning(roles.c.name)).first() is None:
        conn.execute(insert(roles).values(name=name, **values))


def remove_role(conn: Connection, name: str) -> None:
    """Remove a role. Raises `Conflict` while accounts have it."""
    if conn.execute(select(u.id).where(u.role == name).limit(1)).first() is not None:
        raise Conflict("Some accounts still have this role. Give them another one first.")
    conn.execute(delete(roles).where(roles.c.name == name))
