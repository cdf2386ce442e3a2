"""All films and all series, as pages of posters."""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery

from vaderflix_core.api import MediaKind

from ..auth import host_of
from ..cards import held_card
from ..i18n import _
from ..page import Page, Req, page

PER_PAGE = 48


async def _browse(request: Req, kind: MediaKind, number: int, path: str, title: str) -> Page:
    host = host_of(request)
    number = max(1, min(number, 10_000))
    found, total = await host.library.browse(kind, (number - 1) * PER_PAGE, PER_PAGE)
    return page(
        request,
        "browse.html",
        heading=title,
        cards=[held_card(host, held) for held in found],
        total=total,
        page=number,
        pages=max(1, -(-total // PER_PAGE)),
        base=path,
    )


@get("/films", opt={"permission": "browse"})
async def films(request: Req, page: FromQuery[int] = 1) -> Page:
    """The films of the library."""
    return await _browse(request, MediaKind.MOVIE, page, "/films", _("Films"))


@get("/series", opt={"permission": "browse"})
async def series(request: Req, page: FromQuery[int] = 1) -> Page:
    """The series of the library."""
    return await _browse(request, MediaKind.SERIES, page, "/series", _("Series"))


HANDLERS = [films, series]
