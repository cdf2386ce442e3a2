"""Finding titles."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import get
from litestar.params import FromPath, FromQuery

from vaderflix_core.access.models import Permission
from vaderflix_core.api.models import MediaKind
from vaderflix_core.failures import Missing
from vaderflix_core.search.models import SourceOutcome

from ..auth import host_of
from ..page import Req
from .requests import is_manager
from .shapes import RequestOut
from .title_shapes import HitOut, SearchOut, TitleOut, told

BROWSE = {"permission": "browse"}
SEARCH = {**BROWSE, "limit": "search"}


def _heard(request: Req, sources: Iterable[SourceOutcome]) -> tuple[SourceOutcome, ...]:
    """How the sources fared of which this account may hear."""
    unspoken = host_of(request).requests.unspoken_to(request.user)
    heard = (source for source in sources if source.instance not in unspoken)
    return told(heard, admin=request.user.may(Permission.DASHBOARD))


@get("/search", opt=SEARCH)
async def search(request: Req, q: FromQuery[str], kind: FromQuery[MediaKind | None] = None) -> SearchOut:
    """The library and every service that could get a title, merged; waits for each up to its time limit."""
    report = await host_of(request).search.report(q[:200], kind)
    sources = _heard(request, report.sources)
    return SearchOut(query=report.query, hits=[HitOut.of(hit) for hit in report.hits], sources=list(sources))


@get("/search/library", opt=SEARCH)
async def search_library(
    request: Req, q: FromQuery[str], kind: FromQuery[MediaKind | None] = None, limit: FromQuery[int] = 20
) -> list[HitOut]:
    """The library alone, at once: for search as one types."""
    hits = await host_of(request).search.library(q[:200], kind, max(1, min(limit, 100)))
    return [HitOut.of(hit) for hit in hits]


@get("/titles/{kind:str}/{ref:str}", opt=BROWSE)
async def title(request: Req, kind: FromPath[MediaKind], ref: FromPath[str]) -> TitleOut:
    """All about one title."""
    host = host_of(request)
    page = await host.titles.get(kind, ref)
    if page is None:
        raise Missing("Nobody here knows this title.")
    asked = await host.requests.for_title(kind, page.hit.ids)
    manager = is_manager(request)
    mine = [r for r in asked if manager or r.user_id == request.user.id]
    sources = _heard(request, page.sources)
    return TitleOut.of(page, sources, [RequestOut.of(r, manager=manager) for r in mine])


HANDLERS = [search, search_library, title]
