"""The viewer's own account: name, look, time zone."""

from __future__ import annotations

from zoneinfo import available_timezones

from litestar import get, post

from vaderflix_core.failures import Invalid

from ..auth import host_of, is_https
from ..i18n import _
from ..page import THEME_COOKIE, THEMES, Page, Req, go_to, page

YEAR = 365 * 86400


@get("/account", opt={"permission": "signed_in"})
async def account(request: Req) -> Page:
    """The account page."""
    return _account(request, {}, 200)


def _account(request: Req, errors: dict[str, str], status: int) -> Page:
    zones = sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/")))
    return page(request, "account.html", status=status, zones=["UTC", *zones], errors=errors)


@post("/account", opt={"permission": "signed_in"})
async def save_account(request: Req) -> Page:
    """Store the name, the look and the time zone."""
    form = await request.form()
    theme, zone = str(form.get("theme", "system")), str(form.get("time_zone", ""))
    name = str(form.get("display_name", "")).strip()
    if not name or len(name) > 80:
        return _account(request, {"display_name": _("Write a name of 1 to 80 letters.")}, 422)
    if zone and zone not in available_timezones():
        return _account(request, {"time_zone": _("Choose a time zone of the list.")}, 422)
    try:
        await host_of(request).access.change_user(request.user.id, display_name=name, time_zone=zone or None)
    except Invalid as failure:
        return _account(request, failure.fields, 422)
    answer = go_to(request, "/account", said=_("Saved"))
    if theme in THEMES:
        answer.set_cookie(
            THEME_COOKIE, theme, max_age=YEAR, path="/", samesite="lax", httponly=True, secure=is_https(request)
        )
    return answer


HANDLERS = [account, save_account]
