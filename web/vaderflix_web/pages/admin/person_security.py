"""Helping somebody back in: a link for a new password, and a second factor that is lost."""

from __future__ import annotations

from litestar import post
from litestar.params import FromPath

from vaderflix_core.failures import Failure

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to
from ...proof import site_of
from .common import admin_page

OPT = {"permission": "users.manage"}


@post("/admin/people/{user_id:int}/password-link", opt=OPT)
async def password_link(request: Req, user_id: FromPath[int]) -> Page:
    """Make a link to hand over; the answer is the only page that ever shows it."""
    host = host_of(request)
    person = await host.access.user(user_id)
    try:
        token = await host.passwords.link_for(request.user, user_id)
    except Failure as failure:
        return go_to(request, f"/admin/people/{user_id}", refused=failure.message)
    link = f"{site_of(request).origin}/reset/{token}"
    return await admin_page(request, "admin/password_link.html", person=person, link=link)


@post("/admin/people/{user_id:int}/second-factor/reset", opt=OPT)
async def reset_second_factor(request: Req, user_id: FromPath[int]) -> Page:
    """Turn the codes of an account off, and sign it out."""
    try:
        await host_of(request).second_factor.reset(request.user, user_id)
    except Failure as failure:
        return go_to(request, f"/admin/people/{user_id}", refused=failure.message)
    return go_to(request, f"/admin/people/{user_id}", said=_("Signing in needs no code any more"))


HANDLERS = [password_link, reset_second_factor]
