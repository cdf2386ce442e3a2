"""Requests for access: strangers who ask to come in, and the answer to each."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery

from vaderflix_core.failures import Failure

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to, text
from ...words.invitations import request_chip
from .common import admin_page, refused_within
from .invitations import chosen_libraries
from .people import role_choices

OPT = {"permission": "users.manage"}
STATES = ("pending", "approved", "rejected")


@get("/admin/access", opt=OPT)
async def access(request: Req, show: FromQuery[str] = "pending") -> Page:
    """Those who wait, or those who were answered."""
    host = host_of(request)
    show = show if show in STATES else "pending"
    found = await host.access_requests.newest(show)
    waiting = await host.access_requests.pending()
    invited = {one.invite.id: one for one in await host.invites.newest()} if show == "approved" else {}
    known = {p.user.email.casefold(): p.user for p in await host.people.all() if p.user.email}
    headline = (
        ngettext("%(n)s person waits for an answer.", "%(n)s people wait for an answer.", waiting) % {"n": waiting}
        if waiting
        else _("Nobody waits for an answer.")
    )
    return await admin_page(
        request,
        "admin/access.html",
        rows=[
            (one, request_chip(one.state), known.get(one.email.casefold()), invited.get(one.invite_id or 0))
            for one in found
        ],
        now=host.clock(),
        show=show,
        tabs=[
            ("pending", _("Waiting"), waiting),
            ("approved", _("Approved"), 0),
            ("rejected", _("Rejected"), 0),
        ],
        headline=headline,
        house=await host.house.get(),
        roles=await role_choices(request, within=True),
        mails=host.mails.possible and host.mails.has_address,
        sharing=host.sharing.possible,
    )


@post("/admin/access/{request_id:int}/approve", opt=OPT)
async def approve(request: Req, request_id: FromPath[int]) -> Page:
    """Mail an invitation."""
    form = await request.form()
    host = host_of(request)
    try:
        invite = await host.access_requests.approve(
            request.user,
            request_id,
            role=text(form, "role"),
            note=text(form, "note"),
            libraries=chosen_libraries(form.getall("library", [])),
        )
    except Failure as failure:
        return refused_within(request, "/admin/access", failure)
    return go_to(request, "/admin/access", said=_("An invitation goes to %(email)s") % {"email": invite.email})


@post("/admin/access/{request_id:int}/reject", opt=OPT)
async def reject(request: Req, request_id: FromPath[int]) -> Page:
    """Refuse, with a reason that is mailed."""
    reason = text(await request.form(), "reason")
    try:
        await host_of(request).access_requests.reject(request.user, request_id, reason)
    except Failure as failure:
        return refused_within(request, "/admin/access", failure)
    return go_to(request, "/admin/access", said=_("Rejected; they read the reason in a mail"))


HANDLERS = [access, approve, reject]
