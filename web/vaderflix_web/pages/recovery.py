"""Help by mail: a link for a forgotten password, and the confirmation of a new address."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.access.links import EMAIL, RESET, LinkEnded
from vaderflix_core.failures import Invalid

from ..auth import host_of
from ..guards import PUBLIC
from ..i18n import _
from ..page import Page, Req, go_to, page, text

OPEN = {"permission": PUBLIC, "limit": "links"}
LONGEST_TOKEN = 200


@get("/forgot", opt={"permission": PUBLIC})
async def forgot_form(request: Req) -> Page:
    """Where to ask for a link."""
    mails = host_of(request).mails
    return page(request, "doors/forgot.html", possible=mails.possible and mails.has_address, sent=False)


@post("/forgot", opt=OPEN)
async def forgot(request: Req) -> Page:
    """Ask for a link. The answer is the same whoever has an account."""
    await host_of(request).passwords.forgot(text(await request.form(), "name"))
    return page(request, "doors/forgot.html", possible=True, sent=True)


@get("/reset/{token:str}", opt=OPEN)
async def reset_form(request: Req, token: FromPath[str]) -> Page:
    """Choose a new password. Opening the page uses nothing up: mail programs open links too."""
    try:
        await host_of(request).links.look(RESET, token[:LONGEST_TOKEN])
    except LinkEnded:
        return _ended(request, "/forgot")
    return page(request, "doors/reset.html", token=token, error="")


@post("/reset/{token:str}", opt=OPEN)
async def reset(request: Req, token: FromPath[str]) -> Page:
    """Set the new password, and sign out everywhere."""
    new = text(await request.form(), "password")
    try:
        await host_of(request).passwords.reset(token[:LONGEST_TOKEN], new)
    except LinkEnded:
        return _ended(request, "/forgot")
    except Invalid as failure:
        return page(request, "doors/reset.html", status=422, token=token, error=failure.fields.get("new", ""))
    return go_to(request, "/signin", said=_("Your password is changed. Sign in with the new one"))


@get("/email/{token:str}", opt=OPEN)
async def email_form(request: Req, token: FromPath[str]) -> Page:
    """Confirm a new address."""
    try:
        link = await host_of(request).links.look(EMAIL, token[:LONGEST_TOKEN])
    except LinkEnded:
        return _ended(request, "/you/profile")
    return page(request, "doors/email.html", token=token, email=link.data.get("email", ""))


@post("/email/{token:str}", opt=OPEN)
async def email(request: Req, token: FromPath[str]) -> Page:
    """Take the new address."""
    try:
        await host_of(request).passwords.confirm_email(token[:LONGEST_TOKEN])
    except LinkEnded:
        return _ended(request, "/you/profile")
    return go_to(request, "/", said=_("The address is changed"))


def _ended(request: Req, again: str) -> Page:
    """A link that does not work; `again` is where the same kind is asked for."""
    return page(request, "doors/mail_link_ended.html", status=404, again=again)


HANDLERS = [forgot_form, forgot, reset_form, reset, email_form, email]
