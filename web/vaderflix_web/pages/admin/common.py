"""What every admin page has: the rail with its counts, and the links that plugins add."""

from __future__ import annotations

from typing import Any

from litestar import Request

from vaderflix_core.failures import Failure
from vaderflix_core.requests.models import RequestState

from ...auth import host_of
from ...nav import rail_for
from ...page import Page, go_to, is_htmx, page


async def admin_page(http: Request[Any, Any, Any], template: str, /, *, status: int = 200, **context: Any) -> Page:
    """A page with the admin rail beside it."""
    host, viewer = host_of(http), http.user
    counts: dict[str, int] = {}
    if "requests.manage" in viewer.permissions:
        by_state = await host.requests.counts(viewer)
        counts["/admin/requests"] = by_state.get(RequestState.PENDING, 0)
    if "problems.view" in viewer.permissions:
        counts["/admin/problems"] = await host.problems.open_count(viewer)
    if "downloads.manage" in viewer.permissions:
        moving = [d for r in host.downloads.reports() for d in r.downloads if d.state == "downloading"]
        counts["/admin/downloads"] = len(moving)
    if "users.manage" in viewer.permissions:
        counts["/admin/access"] = await host.access_requests.pending()
    return page(
        http,
        template,
        status=status,
        rail=rail_for(viewer, http.url.path, counts),
        plugin_menu=[item for _, item in host.supervisor.menu()],
        **context,
    )


def refused_within(request: Request[Any, Any, Any], here: str, failure: Failure) -> Page:
    """Why a dialog's form was refused: said within the dialog, so that the choice made there stays; else as a toast on
    the page `here`."""
    words = [failure.message, *getattr(failure, "fields", {}).values(), getattr(failure, "evidence", "")]
    why = " ".join(dict.fromkeys(words)).strip()
    if is_htmx(request):
        return page(request, "parts/refused.html", status=422, why=why)
    return go_to(request, here, refused=why)
