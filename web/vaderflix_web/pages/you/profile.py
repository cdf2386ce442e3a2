"""Name, address, look and time zone."""

from __future__ import annotations

from litestar import get, post

from vaderflix_core.access.own_account import time_zones
from vaderflix_core.failures import Failure, Invalid

from ...auth import host_of, is_https, session_id_of
from ...i18n import _
from ...page import THEME_COOKIE, THEMES, Page, Req, go_to
from ...proof import proving
from .common import OPT, text, you_page

YEAR = 365 * 86400


async def _profile(
    request: Req, *, errors: dict[str, str] | None = None, problem: str = "", address: str = "", status: int = 200
) -> Page:
    host = host_of(request)
    return you_page(
        request,
        "you/profile.html",
        status=status,
        zones=time_zones(),
        errors=errors or {},
        problem=problem,
        address=address,
        awaited=await host.passwords.awaited_email(request.user),
        mails=host.mails.possible and host.mails.has_address,
        has_password=await host.passwords.has_password(request.user.id),
    )


@get("/you/profile", opt=OPT)
async def profile(request: Req) -> Page:
    """The profile."""
    return await _profile(request)


@post("/you/profile", opt=OPT)
async def save_profile(request: Req) -> Page:
    """Store the name, the look and the time zone."""
    form = await request.form()
    theme, zone = text(form, "theme"), text(form, "time_zone")
    try:
        await host_of(request).own_account.change_profile(
            request.user, display_name=text(form, "display_name"), time_zone=zone or None
        )
    except Invalid as failure:
        return await _profile(request, errors=failure.fields, status=422)
    answer = go_to(request, "/you/profile", said=_("Saved"))
    if theme in THEMES:
        answer.set_cookie(
            THEME_COOKIE, theme, max_age=YEAR, path="/", samesite="lax", httponly=True, secure=is_https(request)
        )
    return answer


@post("/you/profile/email", opt=OPT)
async def change_email(request: Req) -> Page:
    """Send a link to a new address; the old one stays until the link is followed."""
    form = await request.form()
    address = text(form, "email")
    try:
        async with proving(request, request.user.username):
            await host_of(request).passwords.ask_email(
                request.user, address, text(form, "password"), session_id_of(request)
            )
    except Invalid as failure:
        return await _profile(request, errors=failure.fields, address=address, status=422)
    except Failure as failure:
        return await _profile(request, problem=failure.message, address=address, status=failure.status)
    return go_to(request, "/you/profile", said=_("A link is on its way to %(address)s") % {"address": address.strip()})


@post("/you/profile/email/cancel", opt=OPT)
async def cancel_email(request: Req) -> Page:
    """Let the link to the new address work no more."""
    await host_of(request).passwords.cancel_email(request.user)
    return go_to(request, "/you/profile", said=_("The link no longer works; your address stays"))


HANDLERS = [profile, save_profile, change_email, cancel_email]
