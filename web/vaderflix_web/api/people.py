"""Accounts."""

from __future__ import annotations

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody

from ..auth import host_of
from ..page import Req
from .shapes import AccountChange, NewAccount, UserOut

MANAGE = {"permission": "users.manage"}


@get("/users", opt=MANAGE)
async def listing(request: Req) -> list[UserOut]:
    """All accounts, by name."""
    return [UserOut.of(user) for user in await host_of(request).access.list_users()]


@post("/users", opt=MANAGE)
async def add(request: Req, data: JSONBody[NewAccount]) -> UserOut:
    """Make an account."""
    user = await host_of(request).access.create_user(
        data.username, data.password, role=data.role, display_name=data.display_name, email=data.email
    )
    return UserOut.of(user)


@patch("/users/{user_id:int}", opt=MANAGE)
async def change(request: Req, user_id: FromPath[int], data: JSONBody[AccountChange]) -> UserOut:
    """Change an account; a new role, or switching it off, signs it out."""
    access = host_of(request).access
    await access.user(user_id)
    changed = await access.change_user(
        user_id, role=data.role, disabled=data.disabled, display_name=data.display_name, email=data.email
    )
    return UserOut.of(changed)


HANDLERS = [listing, add, change]
