"""Roles: the built-in ones, and those that the house defines."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from vaderflix_core.access.models import Permission, Role

from ..auth import host_of
from ..page import Req
from .people import Rights
from .shapes import Input

MANAGE = {"permission": "users.manage"}
Title = Annotated[str, Meta(min_length=1, max_length=60)]


class NewRole(Input, frozen=True, kw_only=True):
    """A role to define."""

    title: Title
    permissions: Rights


class RoleChange(Input, frozen=True, kw_only=True):
    """What to change of a role; what is left out stays."""

    title: Title | None = None
    permissions: Rights | None = None


class RoleOut(Struct, frozen=True, kw_only=True):
    """A role. Its `permissions` are with what they bring along."""

    name: str
    title: str
    permissions: list[str]
    builtin: bool

    @classmethod
    def of(cls, role: Role) -> RoleOut:
        """From the domain's."""
        return cls(name=role.name, title=role.title, permissions=sorted(role.permissions), builtin=role.builtin)


@get("/roles", opt=MANAGE)
async def listing(request: Req) -> list[RoleOut]:
    """All roles, the built-in ones first."""
    return [RoleOut.of(role) for role in await host_of(request).roles.all()]


@get("/permissions", opt=MANAGE)
async def permissions(request: Req) -> list[str]:
    """Everything that a role can allow."""
    return sorted(Permission)


@post("/roles", opt=MANAGE)
async def create(request: Req, data: JSONBody[NewRole]) -> RoleOut:
    """Define a role."""
    return RoleOut.of(await host_of(request).roles.create(request.user, title=data.title, permissions=data.permissions))


@patch("/roles/{name:str}", opt=MANAGE)
async def change(request: Req, name: FromPath[str], data: JSONBody[RoleChange]) -> RoleOut:
    """Change a role; its people feel it within seconds."""
    roles = host_of(request).roles
    return RoleOut.of(await roles.change(request.user, name, title=data.title, permissions=data.permissions))


@delete("/roles/{name:str}", opt=MANAGE, status_code=204)
async def remove(request: Req, name: FromPath[str]) -> None:
    """Remove a role that nobody has."""
    await host_of(request).roles.remove(request.user, name)


HANDLERS = [listing, permissions, create, change, remove]
