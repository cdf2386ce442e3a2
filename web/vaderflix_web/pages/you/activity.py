"""What was done with one's own account, and what was asked for with it."""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery

from vaderflix_core.access.activity import ActivityFilter

from ...auth import host_of
from ...page import Page, Req
from ...words.deeds import about, deed_words, icon_of
from ..requests import request_row
from .common import OPT, you_page

SHOWN, REQUESTS = 50, 5


@get("/you/activity", opt=OPT)
async def activity(request: Req, before: FromQuery[int | None] = None) -> Page:
    """The entries of the log that are one's own, newest first."""
    host, viewer = host_of(request), request.user
    entries = await host.activity.find(ActivityFilter(actor_id=viewer.id), before=before, limit=SHOWN)
    asked = []
    if "request" in viewer.permissions and before is None:
        asked = await host.requests.list(viewer, scope="mine", limit=REQUESTS)
    return you_page(
        request,
        "you/activity.html",
        rows=[(entry, icon_of(entry), deed_words(entry.action), about(entry)) for entry in entries],
        asked=[request_row(request, one) for one in asked],
        older=entries[-1].id if len(entries) == SHOWN else None,
    )


HANDLERS = [activity]
