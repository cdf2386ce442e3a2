"""The queue of requests: approve, decline with a reason, send again."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery

from vaderflix_core.failures import Failure
from vaderflix_core.requests.models import Request, RequestState
from vaderflix_core.requests.verdicts import WORDS

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to
from ..requests import request_row
from .common import admin_page

SHOWN = 60
MOVING = (
    RequestState.APPROVED,
    RequestState.SENT,
    RequestState.SEARCHING,
    RequestState.DOWNLOADING,
    RequestState.IMPORTING,
)
SCOPES: dict[str, tuple[RequestState, ...]] = {
    "waiting": (RequestState.PENDING,),
    "moving": (*MOVING, RequestState.PARTLY_AVAILABLE),
    "stuck": (*MOVING, RequestState.FAILED),
    "done": (RequestState.AVAILABLE, RequestState.DECLINED, RequestState.CANCELLED),
    "all": (),
}


def is_stuck(request: Request) -> bool:
    """Whether somebody has to do something about it."""
    reason = WORDS.get(request.reason) if request.reason else None
    return request.state is RequestState.FAILED or (reason is not None and reason.stuck and request.state in MOVING)


def headline(waiting: int, stuck: int) -> str:
    """The sentence the page opens with."""
    parts = []
    if waiting:
        parts.append(
            ngettext("%(n)s request waits for an answer.", "%(n)s requests wait for an answer.", waiting)
            % {"n": waiting}
        )
    if stuck:
        parts.append(ngettext("%(n)s needs a hand.", "%(n)s need a hand.", stuck) % {"n": stuck})
    return " ".join(parts) or _("Nobody waits for an answer, and nothing is stuck.")


@get("/admin/requests", opt={"permission": "requests.manage"})
async def queue(request: Req, show: FromQuery[str] = "", before: FromQuery[int | None] = None) -> Page:
    """The queue. It opens with those that wait for an answer, or with all when none does."""
    host, viewer = host_of(request), request.user
    counts = await host.requests.counts(viewer)
    waiting = counts.get(RequestState.PENDING, 0)
    stuck = [r for r in await host.requests.list(viewer, scope="all", states=SCOPES["stuck"], limit=200) if is_stuck(r)]
    show = show if show in SCOPES else ("waiting" if waiting else "all")
    found = (
        stuck
        if show == "stuck"
        else await host.requests.list(viewer, scope="all", states=SCOPES[show], limit=SHOWN, before=before)
    )
    names = {i: r.config.name for i, r in host.supervisor.records.items()}
    rows = [
        {
            **request_row(request, r),
            "pending": r.state is RequestState.PENDING,
            "failed": r.state is RequestState.FAILED,
            "service": names.get(r.instance or "", ""),
            "fix": WORDS[r.reason].fix if r.reason and is_stuck(r) else "",
        }
        for r in found
    ]
    tabs = [
        ("waiting", _("Waiting"), waiting),
        ("moving", _("Moving"), 0),
        ("stuck", _("Stuck"), len(stuck)),
        ("done", _("Done"), 0),
        ("all", _("All"), 0),
    ]
    older = found[-1].id if show != "stuck" and len(found) == SHOWN else None
    return await admin_page(
        request,
        "admin/requests.html",
        rows=rows,
        tabs=tabs,
        show=show,
        older=older,
        headline=headline(waiting, len(stuck)),
        any_pending=any(row["pending"] for row in rows),
    )


@post("/admin/requests/approve", opt={"permission": "requests.manage"})
async def approve(request: Req) -> Page:
    """Approve the chosen requests."""
    form = await request.form()
    chosen = [int(v) for v in form.getall("id", []) if isinstance(v, str) and v.isdigit()]
    done, refused = 0, ""
    for request_id in chosen:
        try:
            await host_of(request).requests.approve(request.user, request_id)
            done += 1
        except Failure as failure:
            refused = failure.message
    said = ngettext("%(n)s request approved", "%(n)s requests approved", done) % {"n": done} if done else ""
    if refused:
        return go_to(request, "/admin/requests", refused=" · ".join(p for p in (said, refused) if p))
    return go_to(request, "/admin/requests", said=said)


@post("/admin/requests/{request_id:int}/decline", opt={"permission": "requests.manage"})
async def decline(request: Req, request_id: FromPath[int]) -> Page:
    """Decline a request, with the reason its asker reads."""
    form = await request.form()
    try:
        await host_of(request).requests.decline(request.user, request_id, str(form.get("reason", "")))
    except Failure as failure:
        return go_to(request, "/admin/requests", refused=failure.message)
    return go_to(request, "/admin/requests", said=_("Declined; the asker is told why."))


HANDLERS = [queue, approve, decline]
