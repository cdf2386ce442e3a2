"""Asking for titles, and deciding."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from vaderflix_core.access.models import Permission
from vaderflix_core.failures import Missing
from vaderflix_core.requests.copies import refuse_held
from vaderflix_core.requests.models import Request, RequestState

from ..auth import host_of
from ..guards import key_needs
from ..page import Req
from .shapes import Ask, Decline, RequestOut

MANAGE = {"permission": "requests.manage"}
SIGNED_IN = {"permission": "browse"}


def is_manager(request: Req) -> bool:
    """Whether the asker sees everybody's requests."""
    return bool(request.user.may(Permission.MANAGE_REQUESTS))


def _out(request: Req, found: Request) -> RequestOut:
    return RequestOut.of(found, manager=is_manager(request))


@post("/requests", opt={"permission": "request"})
async def ask(request: Req, data: JSONBody[Ask]) -> RequestOut:
    """Request a title, in standard quality or in 4K.

    409 `already_requested` when that copy is asked for already, `in_library` when the library holds it.
    """
    host = host_of(request)
    page = await host.titles.get(data.kind, data.ref)
    if page is None:
        raise Missing("Nobody here knows this title.")
    refuse_held(page, data.quality, data.seasons)
    made = await host.requests.create(
        request.user,
        kind=data.kind,
        ids=page.hit.ids,
        title=page.hit.title,
        year=page.hit.year,
        seasons=tuple(data.seasons),
        poster=page.hit.poster,
        quality=data.quality,
    )
    return _out(request, made)


@get("/requests", opt=SIGNED_IN)
async def listing(
    request: Req,
    whose: Annotated[Literal["mine", "all"], QueryParameter(name="scope")] = "mine",
    states: FromQuery[list[RequestState] | None] = None,
    limit: FromQuery[int] = 50,
    before: FromQuery[int | None] = None,
) -> list[RequestOut]:
    """Requests, newest first. `scope` is mine or all, `states` keeps only those, `before` is the last id of a page."""
    found = await host_of(request).requests.list(
        request.user, scope=whose, states=tuple(states or ()), limit=max(1, min(limit, 200)), before=before
    )
    return [_out(request, one) for one in found]


@get("/requests/{request_id:int}", opt=SIGNED_IN)
async def one(request: Req, request_id: FromPath[int]) -> RequestOut:
    """One request with its timeline."""
    requests = host_of(request).requests
    found = await requests.get(request.user, request_id)
    timeline = await requests.timeline(request.user, request_id)
    return RequestOut.of(found, manager=is_manager(request), timeline=timeline)


@post("/requests/{request_id:int}/approve", opt=MANAGE, status_code=200)
async def approve(request: Req, request_id: FromPath[int]) -> RequestOut:
    """Let a request go on."""
    return _out(request, await host_of(request).requests.approve(request.user, request_id))


@post("/requests/{request_id:int}/decline", opt=MANAGE, status_code=200)
async def decline(request: Req, request_id: FromPath[int], data: JSONBody[Decline]) -> RequestOut:
    """Refuse a request, with a reason."""
    return _out(request, await host_of(request).requests.decline(request.user, request_id, data.reason))


@post("/requests/{request_id:int}/retry", opt=MANAGE, status_code=200)
async def retry(request: Req, request_id: FromPath[int]) -> RequestOut:
    """Send a failed request again."""
    return _out(request, await host_of(request).requests.retry(request.user, request_id))


@post("/requests/{request_id:int}/cancel", opt=SIGNED_IN, status_code=200)
async def cancel(request: Req, request_id: FromPath[int]) -> RequestOut:
    """Take a request back. A key needs the right to request, or to manage requests."""
    key_needs(request, Permission.REQUEST, Permission.MANAGE_REQUESTS)
    return _out(request, await host_of(request).requests.cancel(request.user, request_id))


HANDLERS = [ask, listing, one, approve, decline, retry, cancel]
