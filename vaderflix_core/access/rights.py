"""Nobody gives what they do not have: the limits of people who look after others' accounts."""

from __future__ import annotations

from collections.abc import Iterable

from ..failures import Conflict, Invalid, Missing, NotAllowed
from .models import ADMIN, Permission, Role, User


def known_permissions(names: Iterable[str], field: str = "permissions") -> frozenset[Permission]:
    """The permissions of these names. Raises `Invalid` for one that does not exist."""
    try:
        return frozenset(Permission(name) for name in names)
    except ValueError as error:
        raise Invalid("There is no such permission.", {field: "One of these permissions does not exist"}) from error


def role_named(roles: Iterable[Role], name: str) -> Role:
    """The role of that name. Raises `Invalid`."""
    for role in roles:
        if role.name == name:
            return role
    raise Invalid("There is no such role.", {"role": "Choose one of the list"})


def check_giving(actor: User, permissions: Iterable[Permission]) -> None:
    """Raise `NotAllowed` when the actor would give a right that they do not have."""
    if not set(permissions) <= actor.permissions:
        raise NotAllowed("You can only give rights that you have yourself.", code="more_than_own")


def may_give(actor: User, role: Role) -> bool:
    """Whether the actor may give a role: one that can do no more than they can, and an admin's only as an admin."""
    return role.permissions <= actor.permissions and (role.name != ADMIN or actor.role == ADMIN)


def check_giving_role(actor: User, role: Role) -> None:
    """Raise `NotAllowed` when the actor may not give a role."""
    check_giving(actor, role.permissions)
    if not may_give(actor, role):
        raise NotAllowed("Only an admin can make somebody an admin.", code="more_than_own")


def check_everything(actor: User, why: str) -> None:
    """Raise `NotAllowed`, with why, for all but admins; for an admin's key too that cannot do everything."""
    if actor.role != ADMIN or not actor.permissions.issuperset(Permission):
        raise NotAllowed(why, code="more_than_own")


def check_above(actor: User, other: User) -> None:
    """Raise `NotAllowed` when the other account has, or would have once opened, rights that the actor lacks."""
    if other.id != actor.id and other.role == ADMIN and actor.role != ADMIN:
        raise NotAllowed("Only an admin can change an admin's account.", code="more_than_own")
    if not other.rights <= actor.permissions:
        raise NotAllowed("This account has rights that you lack. Ask an admin to change it.", code="more_than_own")


def check_not_own(actor: User, other: User) -> None:
    """Raise `Conflict` for one's own account: there, whoever sits at the screen has to prove who they are."""
    if other.id == actor.id:
        raise Conflict("Change this on your own pages: they make sure that it is you.", code="own_account")


def found(user: User | None) -> User:
    """The account. Raises `Missing` when there is none."""
    if user is None:
        raise Missing("There is no such account.")
    return user
