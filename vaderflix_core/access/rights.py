"""Nobody gives what they do not have: the limits of people who look after others' accounts."""

from __future__ import annotations

from collections.abc import Iterable

from ..failures import Conflict, Invalid, Missing, NotAllowed
from .models import Permission, Role, User


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


def check_above(actor: User, other: User) -> None:
    """Raise `NotAllowed` when the other account has, or would have once opened, rights that the actor lacks."""
    if other.id != actor.id and other.role == "admin" and actor.role != "admin":
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
