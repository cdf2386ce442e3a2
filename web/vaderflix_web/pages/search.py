"""Search as you type: the library answers in the page, everybody else as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from litestar import Request, get
from litestar.params import FromQuery
from litestar.response import ServerSentEvent
from msgspec import Struct

from vaderflix_core.plugins.guard import Outcome
from vaderflix_core.search.models import Hit
from vaderflix_core.search.titles import PATIENCE

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


class Elsewhere:
    """What the services that get titles say of a search, as far as they have answered. Nobody hears of those that
    get only copies they may not ask for."""

    def __init__(self, request: Request[Any, Any, Any], q: str) -> None:
        self._request, self._q, self._host = request, q, host_of(request)
        self._unspoken = self._host.requests.unspoken_to(request.user)
        bindings = self._host.pool.bindings("Requester")
        self._waiting = {b.instance: b.name for b in bindings if b.instance not in self._unspoken}
        self._found: dict[tuple[str, str], Hit] = {}
        self._lines: list[SourceLine] = []

    async def answers(self) -> AsyncGenerator[None]:
        """Once for each answer."""
        shown = {(h.kind, h.ref) for h in await self._host.search.library(self._q, limit=20)}
        async for outcome, hits in self._host.search.elsewhere(self._q):
            if outcome.instance in self._unspoken:
                continue
            self._waiting.pop(outcome.instance, None)
            self._lines.append(_line(outcome))
            for hit in hits:
                if (hit.kind, hit.ref) not in shown:
                    self._found.setdefault((hit.kind, hit.ref), hit)
            yield
        self._waiting.clear()

    async def wait(self) -> None:
        """Wait for the answers as long as a page does; whoever is later did not answer."""
        try:
            async with asyncio.timeout(PATIENCE), aclosing(self.answers()) as answers:
                async for _one in answers:
                    pass
        except TimeoutError:
            late = outcome_words(Outcome.TIMEOUT)
            self._lines += [SourceLine(Chip(f"{n}: {late}", "warn", "warn"), n, late) for n in self._waiting.values()]
            self._waiting.clear()

    async def context(self) -> dict[str, Any]:
        """What its part of the page shows now."""
        pending = [Chip(_("%(name)s: still asking") % {"name": n}, "spin", "busy") for n in self._waiting.values()]
        hits = list(self._found.values())[:30]
        found = await rows(self._request, hits, first_primary=False)
        return {"q": self._q, "rows": found, "lines": self._lines, "pending": pending}


@get("/search", opt={"permission": "browse", "limit": "search"})
async def search(request: Req, q: FromQuery[str] = "", wait: FromQuery[bool] = False) -> Page:
    """The search page; only its results when the field asks for them. With `wait` the others' answers are in it too."""
    q = _clean(q)
    hits = await host_of(request).search.library(q, limit=20) if q else []
    ask_others = len(q) >= SHORTEST and "request" in request.user.permissions
    context: dict[str, Any] = {"q": q, "rows": await rows(request, hits), "ask_others": ask_others, "elsewhere": None}
    if ask_others and wait:
        elsewhere = Elsewhere(request, q)
        await elsewhere.wait()
        context["elsewhere"] = await elsewhere.context()
    template = "parts/search_results.html" if is_htmx(request) else "search.html"
    return page(request, template, headers={"vary": "hx-request"}, **context)


@get("/live/search", opt={"permission": "request", "limit": "search"})
async def search_elsewhere(request: Req, q: FromQuery[str] = "") -> ServerSentEvent:
    """What the other sources find, as each of them answers."""
    return event_stream(request, _stream(request, _clean(q)))


async def _stream(request: Request[Any, Any, Any], q: str) -> AsyncIterator[Event]:
    elsewhere = Elsewhere(request, q)
    async for _one in elsewhere.answers():
        yield "elsewhere", fragment(request, "parts/search_elsewhere.html", **await elsewhere.context())
    yield "elsewhere", fragment(request, "parts/search_elsewhere.html", **await elsewhere.context())
    yield "done", ""


def _line(outcome: Any) -> SourceLine:
    if outcome.ok:
        words = ngettext("%(name)s: %(n)s found", "%(name)s: %(n)s found", outcome.count)
        return SourceLine(Chip(words % {"name": outcome.name, "n": outcome.count}, "check"))
    why = outcome_words(str(outcome.outcome))
    return SourceLine(Chip(f"{outcome.name}: {why}", "warn", "warn"), outcome.name, why)


HANDLERS = [search, search_elsewhere]
