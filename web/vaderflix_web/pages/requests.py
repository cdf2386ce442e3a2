"""Requests as their askers see them: the list, and one with its timeline that moves by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import ServerSentEvent

from vaderflix_core.api.events import DownloadsChanged, RequestChanged, RequestProgressed
from vaderflix_core.failures import Failure
from vaderflix_core.requests.models import RequestState
from vaderflix_core.requests.states import ENDED
from vaderflix_core.requests.verdicts import WORDS
from vaderflix_core.search.refs import ref_for

from ..auth import host_of
from ..cards import title_href
from ..formats import ready_at
from ..i18n import _
from ..live import Changes, Event, batches, event_stream
from ..page import Page, Req, fragment, go_to, page, place_of
from ..words.requests import card_line, steps, verdict, what
from ..words.states import chip_of

SHOWN = 60


def request_row(http: Request[Any, Any, Any], request: Any) -> dict[str, Any]:
    """What a card of a request shows."""
    ready = ready_at(request.eta_seconds, *place_of(http))
    return {"request": request, "what": what(request), "line": card_line(request, ready), "chip": chip_of(request)}


@get("/requests", opt={"permission": "request"})
async def my_requests(request: Req, before: FromQuery[int | None] = None) -> Page:
    """What the viewer asked for, newest first."""
    found = await host_of(request).requests.list(request.user, scope="mine", limit=SHOWN, before=before)
    moving = [r for r in found if r.state not in ENDED]
    ended = [r for r in found if r.state in ENDED]
    return page(
        request,
        "requests.html",
        moving=[request_row(request, r) for r in moving],
        ended=[request_row(request, r) for r in ended],
        older=found[-1].id if len(found) == SHOWN else None,
    )


async def _parts(http: Request[Any, Any, Any], request_id: int) -> dict[str, Any]:
    """Everything the page of one request shows. Raises `Missing` when it is not the viewer's to see."""
    requests, viewer = host_of(http).requests, http.user
    request = await requests.get(viewer, request_id)
    entries = await requests.timeline(viewer, request_id)
    ready = ready_at(request.eta_seconds, *place_of(http))
    manager = "requests.manage" in viewer.permissions
    return {
        "request": request,
        "what": what(request),
        "chip": chip_of(request),
        "verdict": verdict(request, ready),
        "steps": steps(request, entries, viewer.id),
        "words": WORDS.get(request.reason) if request.reason else None,
        "manager": manager,
        "mine": request.user_id == viewer.id,
        "open": request.state not in ENDED,
        "title_href": title_href(request.kind, ref_for(request.kind, request.ids)),
        "retry": manager and request.state is RequestState.FAILED,
        "decide": manager and request.state is RequestState.PENDING,
        "service": _service_name(http, request.instance),
    }


def _service_name(http: Request[Any, Any, Any], instance: str | None) -> str:
    record = host_of(http).supervisor.records.get(instance) if instance else None
    return record.config.name if record else ""


@get("/requests/{request_id:int}", opt={"permission": "request"})
async def one_request(request: Req, request_id: FromPath[int]) -> Page:
    """The page of one request."""
    return page(request, "request.html", **await _parts(request, request_id))


@get("/live/requests/{request_id:int}", opt={"permission": "request"})
async def live_request(request: Req, request_id: FromPath[int]) -> ServerSentEvent:
    """The parts of that page, as they change."""
    await host_of(request).requests.get(request.user, request_id)
    return event_stream(request, _changes(request, request_id))


async def _changes(http: Request[Any, Any, Any], request_id: int) -> AsyncIterator[Event]:
    host, changes = host_of(http), Changes()
    async with host.bus.subscribe(RequestChanged, RequestProgressed, DownloadsChanged) as events:
        async for batch in batches(events):
            # a download's figures are those of the request it serves, so any of them may be new
            if batch and not any(getattr(event, "request_id", request_id) == request_id for event in batch):
                continue
            host.downloads.watch()
            for change in changes.of(await _rendered(http, request_id)):
                yield change


async def _rendered(http: Request[Any, Any, Any], request_id: int) -> dict[str, str]:
    parts = await _parts(http, request_id)
    return {
        name: fragment(http, f"parts/request_{name}.html", **parts)
        for name in ("verdict", "figures", "steps", "actions")
    }


@post("/requests/{request_id:int}/cancel", opt={"permission": "request"})
async def cancel(request: Req, request_id: FromPath[int]) -> Page:
    """Take a request back."""
    await host_of(request).requests.cancel(request.user, request_id)
    return go_to(request, f"/requests/{request_id}", said=_("The request was cancelled."))


@post("/requests/{request_id:int}/retry", opt={"permission": "requests.manage"})
async def retry(request: Req, request_id: FromPath[int]) -> Page:
    """Send a failed request again."""
    try:
        await host_of(request).requests.retry(request.user, request_id)
    except Failure as failure:
        return go_to(request, f"/requests/{request_id}", refused=failure.message)
    return go_to(request, f"/requests/{request_id}", said=_("It was sent again."))


HANDLERS = [my_requests, one_request, live_request, cancel, retry]
