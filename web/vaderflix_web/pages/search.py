"""Search as you type: the library answers in the page, everybody else as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get
from litestar.params import FromQuery
from litestar.response import ServerSentEvent
from msgspec import Struct

from vaderflix_core.search.models import Hit

from ..auth import host_of
from ..i18n import _, ngettext
from ..live import Event, event_stream
from ..page import Page, Req, fragment, is_htmx, page
from ..results import rows
from ..words.states import Chip, outcome_words

LONGEST, SHORTEST = 200, 2


class SourceLine(Struct, frozen=True):
    """How one source fared, as its chip; `problem` when it did not answer."""

    chip: Chip
    name: str = ""
    problem: str = ""


def _clean(q: str) -> str:
    return " ".join(q.split())[:LONGEST]


@get("/search", opt={"permission": "browse", "limit": "search"})
async def search(request: Req, q: FromQuery[str] = "") -> Page:
    """The search page; only its results when the field asks for them."""
    q = _clean(q)
    hits = await host_of(request).search.library(q, limit=20) if q else []
    context: dict[str, Any] = {
        "q": q,
        "rows": await rows(request, hits),
        "ask_others": len(q) >= SHORTEST and "request" in request.user.permissions,
    }
    if is_htmx(request):
        return page(request, "parts/search_results.html", headers={"vary": "hx-request"}, **context)
    return page(request, "search.html", headers={"vary": "hx-request"}, **context)


@get("/live/search", opt={"permission": "request", "limit": "search"})
async def search_elsewhere(request: Req, q: FromQuery[str] = "") -> ServerSentEvent:
    """What the other sources find, as each of them answers."""
    return event_stream(request, _elsewhere(request, _clean(q)))


async def _elsewhere(request: Request[Any, Any, Any], q: str) -> AsyncIterator[Event]:
    host = host_of(request)
    asked = {b.instance: b.name for b in host.pool.bindings("Requester")}
    waiting = dict(asked)
    shown = {(h.kind, h.ref) for h in await host.search.library(q, limit=20)}
    found: dict[tuple[str, str], Hit] = {}
    lines: list[SourceLine] = []
    async for outcome, hits in host.search.elsewhere(q):
        waiting.pop(outcome.instance, None)
        lines.append(_line(outcome))
        for hit in hits:
            key = (hit.kind, hit.ref)
            if key not in shown:
                found.setdefault(key, hit)
        yield "elsewhere", await _render(request, q, found, lines, waiting)
    yield "elsewhere", await _render(request, q, found, lines, {})
    yield "done", ""


def _line(outcome: Any) -> SourceLine:
    if outcome.ok:
        words = ngettext("%(name)s: %(n)s found", "%(name)s: %(n)s found", outcome.count)
        return SourceLine(Chip(words % {"name": outcome.name, "n": outcome.count}, "check"))
    why = outcome_words(str(outcome.outcome))
    return SourceLine(Chip(f"{outcome.name}: {why}", "warn", "warn"), outcome.name, why)


async def _render(
    request: Request[Any, Any, Any],
    q: str,
    found: dict[tuple[str, str], Hit],
    lines: list[SourceLine],
    waiting: dict[str, str],
) -> str:
    pending = [Chip(_("%(name)s: still asking") % {"name": name}, "spin", "busy") for name in waiting.values()]
    return fragment(
        request,
        "parts/search_elsewhere.html",
        q=q,
        rows=await rows(request, list(found.values())[:30], first_primary=False),
        lines=lines,
        pending=pending,
    )


HANDLERS = [search, search_elsewhere]
