"""Requests for access: asking, for a stranger; answering, for those who look after accounts."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct, field

from vaderflix_core.access.requests import MAX_MESSAGE, MAX_NAME, MAX_REASON
from vaderflix_core.store.access_requests import AccessRequest

from ..auth import host_of
from ..page import Req
from .invitations import Libraries
from .shapes import Input

MANAGE = {"permission": "users.manage"}


class AskForAccess(Input, frozen=True, kw_only=True):
    """Who asks, where the answer goes, and why."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    email: Annotated[str, Meta(max_length=254)]
    message: Annotated[str, Meta(min_length=1, max_length=MAX_MESSAGE)]


class Approval(Input, frozen=True, kw_only=True):
    """As what somebody comes in."""

    role: Annotated[str, Meta(max_length=32)] = "viewer"
    note: Annotated[str, Meta(max_length=MAX_REASON)] = ""
    libraries: Libraries = field(default_factory=dict)


class Rejection(Input, frozen=True, kw_only=True):
    """Why not; they read it."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]


class Asked(Struct, frozen=True, kw_only=True):
    """That the request is kept, or was before: the answer is the same."""

    asked: bool = True


@post("/access-requests", opt={"permission": "public", "limit": "links"}, status_code=202)
async def ask(request: Req, data: JSONBody[AskForAccess]) -> Asked:
    """Ask for access; the answer comes by mail."""
    await host_of(request).access_requests.ask(name=data.name, email=data.email, message=data.message)
    return Asked()


@get("/access-requests", opt=MANAGE)
async def listing(
    request: Req, show: FromQuery[Literal["pending", "approved", "rejected"] | None] = None
) -> list[AccessRequest]:
    """Requests for access, newest first; `show` those of one state."""
    return await host_of(request).access_requests.newest(show or "")


@post("/access-requests/{request_id:int}/approve", opt=MANAGE, status_code=204)
async def approve(request: Req, request_id: FromPath[int], data: JSONBody[Approval]) -> None:
    """Mail an invitation that only their address can use."""
    await host_of(request).access_requests.approve(
        request.user, request_id, role=data.role, note=data.note, libraries=data.libraries
    )


@post("/access-requests/{request_id:int}/reject", opt=MANAGE, status_code=204)
async def reject(request: Req, request_id: FromPath[int], data: JSONBody[Rejection]) -> None:
    """Refuse; the reason is mailed."""
    await host_of(request).access_requests.reject(request.user, request_id, data.reason)


HANDLERS = [ask, listing, approve, reject]
