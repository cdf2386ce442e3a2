"""Roles that the house defines: a name and what its people may do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import Connection

from ..failures import Conflict, Invalid, Missing, NotAllowed
from ..store import people
from ..store import users as store
from ..store.database import Database
from .activity import Activity, changed
from .models import ADMIN, Role, User
from .rights import check_giving, known_permissions
from .sessions import Sessions

MAX_TITLE, MAX_ROLES = 60, 50


class Roles:
    """Makes, changes and removes roles."""

    def __init__(self, db: Database, sessions: Sessions, activity: Activity) -> None:
        self._db = db
        self._sessions = sessions
        self._activity = activity

    async def all(self) -> list[Role]:
        """All roles, the built-in ones first."""
        return await self._db.read(store.all_roles)

    async def get(self, name: str) -> Role:
        """One role. Raises `Missing`."""
        return _named(await self.all(), name)

    async def create(self, actor: User, *, title: str, permissions: Iterable[str]) -> Role:
        """A new role. Raises `Invalid`, and `NotAllowed` for rights that the actor lacks."""
        wanted = known_permissions(permissions)
        title = _checked_title(title)
        check_giving(actor, wanted)

        def work(conn: Connection) -> Role:
            known = store.all_roles(conn)
            _check_free(known, title)
            if len(known) >= MAX_ROLES:
                raise Conflict(f"There are {MAX_ROLES} roles already. Remove one first.")
            name = _name_for(title, {role.name for role in known})
            store.put_role(conn, name, title, wanted)
            self._activity.note(conn, actor, "role.created", title, after={"permissions": sorted(wanted)})
            return _named(store.all_roles(conn), name)

        return await self._db.write(work)

    async def change(
        self, actor: User, name: str, *, title: str | None = None, permissions: Iterable[str] | None = None
    ) -> Role:
        """Change a role; its accounts feel it within seconds. Raises `Missing`, `Invalid`, `NotAllowed`."""
        wanted = known_permissions(permissions) if permissions is not None else None

        def work(conn: Connection) -> Role:
            store.lock_role(conn, name)
            roles = store.all_roles(conn)
            before = _named(roles, name)
            if name == ADMIN:
                raise NotAllowed("The admin's role can do everything, and cannot be changed.", code="built_in")
            if before.builtin and title is not None and title.strip() != before.title:
                raise NotAllowed("A built-in role keeps its name.", code="built_in")
            # an actor with less must neither give more than they have, nor take away what they could not give back
            check_giving(actor, before.permissions | (wanted or frozenset()))
            new_title = before.title if title is None else _checked_title(title)
            _check_free([role for role in roles if role.name != name], new_title)
            store.put_role(conn, name, new_title, before.permissions if wanted is None else wanted)
            after = _named(store.all_roles(conn), name)
            old, new = changed(_values(before), _values(after))
            if new:
                self._activity.note(conn, actor, "role.changed", after.title, before=old, after=new)
            for user_id in people.with_role(conn, name):
                self._sessions.forget(user_id)
            return after

        return await self._db.write(work)

    async def remove(self, actor: User, name: str) -> None:
        """Remove a role that nobody has and no open invitation gives. Raises `Missing`, `Conflict`, `NotAllowed`."""

        def work(conn: Connection) -> None:
            before = _named(store.all_roles(conn), name)
            if before.builtin:
                raise NotAllowed("A built-in role cannot be removed.", code="built_in")
            check_giving(actor, before.permissions)
            if people.invited_as(conn, name):
                raise Conflict("An open invitation gives this role. Revoke it first.")
            store.remove_role(conn, name)
            self._activity.note(conn, actor, "role.removed", before.title, before=_values(before))

        await self._db.write(work)


def _values(role: Role) -> dict[str, object]:
    return {"title": role.title, "permissions": ", ".join(sorted(role.permissions))}


def _named(roles: Iterable[Role], name: str) -> Role:
    for role in roles:
        if role.name == name:
            return role
    raise Missing("There is no such role.")


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if not 1 <= len(title) <= MAX_TITLE:
        raise Invalid("The role needs a name.", {"title": f"Write a name of 1 to {MAX_TITLE} letters"})
    return title


def _check_free(roles: Iterable[Role], title: str) -> None:
    if any(role.title.casefold() == title.casefold() for role in roles):
        raise Invalid("There is such a role already.", {"title": "Another role has this name"})


def _name_for(title: str, taken: set[str]) -> str:
    """A short name for a role's title: `Film club` becomes `film-club`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:28] or "role"
    number = 1
    name = base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name
