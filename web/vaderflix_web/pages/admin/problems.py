"""The problems that people report: what is open, answered and solved here."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery

from vaderflix_core.failures import Conflict
from vaderflix_core.problems.models import ProblemState

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to, text
from ..problems import SHOWN, problem_row
from .common import admin_page

SCOPES = {"open": ProblemState.OPEN, "solved": ProblemState.SOLVED, "all": None}


@get("/admin/problems", opt={"permission": "problems.view"})
async def problems(request: Req, show: FromQuery[str] = "open", before: FromQuery[int | None] = None) -> Page:
    """Everybody's problems, newest first; those that are open unless another state is asked for."""
    host, viewer = host_of(request), request.user
    show = show if show in SCOPES else "open"
    found = await host.problems.list(viewer, scope="all", state=SCOPES[show], limit=SHOWN, before=before)
    still_open = await host.problems.open_count(viewer)
    said = ngettext("%(n)s problem is open.", "%(n)s problems are open.", still_open) % {"n": still_open}
    return await admin_page(
        request,
        "admin/problems.html",
        rows=[problem_row(one) for one in found],
        tabs=[("open", _("Open"), still_open), ("solved", _("Solved"), 0), ("all", _("All"), 0)],
        show=show,
        older=found[-1].id if len(found) == SHOWN else None,
        headline=said if still_open else _("No problem is open."),
        manager="problems.manage" in viewer.permissions,
    )


@post("/admin/problems/{problem_id:int}/solve", opt={"permission": "problems.manage"})
async def solve(request: Req, problem_id: FromPath[int]) -> Page:
    """Say that a problem is solved, with the answer that its reporter reads."""
    answer = text(await request.form(), "answer")
    try:
        await host_of(request).problems.solve(request.user, problem_id, answer)
    except Conflict as failure:
        return go_to(request, "/admin/problems", refused=failure.message)
    return go_to(request, "/admin/problems", said=_("The problem is solved."))


@post("/admin/problems/{problem_id:int}/reopen", opt={"permission": "problems.manage"})
async def reopen(request: Req, problem_id: FromPath[int]) -> Page:
    """Open a solved problem again."""
    try:
        await host_of(request).problems.reopen(request.user, problem_id)
    except Conflict as failure:
        return go_to(request, "/admin/problems", refused=failure.message)
    return go_to(request, "/admin/problems", said=_("It is open again."))


HANDLERS = [problems, solve, reopen]
