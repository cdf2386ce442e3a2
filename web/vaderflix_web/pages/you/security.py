"""How one signs in: the password, the second factor, passkeys, and linked accounts."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath
from markupsafe import Markup

from vaderflix_core.access.totp import Offer
from vaderflix_core.failures import Conflict, Failure, Invalid

from ...auth import host_of, session_id_of
from ...i18n import _
from ...linked import links_of
from ...page import Page, Req, go_to, text
from ...proof import proving
from .common import OPT, you_page

HERE = "/you/security"
DIALOGS = ("codes", "off", "remove")


def qr_code(data: str) -> Markup:
    """A QR code as inline SVG: no picture to fetch, no style to allow."""
    import segno  # loaded by those who use it

    code = segno.make(data, error="m")
    return Markup(code.svg_inline(border=3, svgclass="qr", lineclass=None, dark="#000", light="#fff", omitsize=True))


async def _security(request: Req, *, status: int = 200, **context: Any) -> Page:
    host = host_of(request)
    shown = {"errors": {}, "problem": "", "codes": [], **context}
    offer: Offer | None = shown.pop("offer", None)
    return you_page(
        request,
        "you/security.html",
        status=status,
        has_password=await host.passwords.has_password(request.user.id),
        factor=await host.second_factor.state(request.user.id),
        passkeys=await host.passkeys.of_user(request.user),
        links=await links_of(request),
        keys=len(await host.sessions.keys(request.user)),
        offer=offer,
        qr=qr_code(offer.uri) if offer else None,
        **shown,
    )


@get(HERE, opt=OPT)
async def security(request: Req) -> Page:
    """The page."""
    return await _security(request)


async def _failed(request: Req, failure: Failure, where: str, **context: Any) -> Page:
    """The page again, with what was wrong at the form that was sent."""
    fields = failure.fields if isinstance(failure, Invalid) else {}
    # a form in a dialog is closed again when the page comes back
    problem = "" if fields and where not in DIALOGS else failure.message
    return await _security(request, status=failure.status, errors={where: fields}, problem=problem, **context)


@post(f"{HERE}/password", opt=OPT)
async def change_password(request: Req) -> Page:
    """Change the password, or set a first one; signs out everywhere else."""
    form = await request.form()
    try:
        async with proving(request, request.user.username):
            await host_of(request).passwords.change(
                request.user, text(form, "old"), text(form, "new"), session_id_of(request)
            )
    except Failure as failure:
        return await _failed(request, failure, "password")
    return go_to(request, HERE, said=_("Your password is changed, and your other devices are signed out"))


@post(f"{HERE}/password/remove", opt=OPT)
async def remove_password(request: Req) -> Page:
    """Remove the password and the codes that protect it; signs out everywhere else."""
    form = await request.form()
    try:
        async with proving(request, request.user.username):
            await host_of(request).passwordless.remove(
                request.user, text(form, "password"), text(form, "code")[:64], session_id_of(request)
            )
    except Failure as failure:
        return await _failed(request, failure, "remove")
    return go_to(request, HERE, said=_("Your password is removed, and your other devices are signed out"))


@post(f"{HERE}/second", opt=OPT)
async def begin_second(request: Req) -> Page:
    """Show a new secret, to be confirmed with a code of it."""
    form = await request.form()
    try:
        async with proving(request, request.user.username):
            offer = await host_of(request).second_factor.begin(request.user, text(form, "password"))
    except Failure as failure:
        return await _failed(request, failure, "second")
    return await _security(request, offer=offer)


@post(f"{HERE}/second/confirm", opt=OPT)
async def confirm_second(request: Req) -> Page:
    """Turn it on; the answer is the only page that ever shows the recovery codes."""
    factor = host_of(request).second_factor
    code = text(await request.form(), "code")[:64]
    try:
        codes = await factor.confirm(request.user, code)
    except Failure as failure:
        return await _failed(request, failure, "confirm", offer=await factor.offered(request.user))
    return await _security(request, codes=codes)


@post(f"{HERE}/second/codes", opt=OPT)
async def renew_codes(request: Req) -> Page:
    """New recovery codes."""
    form = await request.form()
    try:
        async with proving(request, request.user.username):
            codes = await host_of(request).second_factor.renew_codes(
                request.user, text(form, "password"), text(form, "code")[:64]
            )
    except Failure as failure:
        return await _failed(request, failure, "codes")
    return await _security(request, codes=codes)


@post(f"{HERE}/second/off", opt=OPT)
async def second_off(request: Req) -> Page:
    """Turn it off."""
    form = await request.form()
    try:
        async with proving(request, request.user.username):
            await host_of(request).second_factor.off(request.user, text(form, "password"), text(form, "code")[:64])
    except Failure as failure:
        return await _failed(request, failure, "off")
    return go_to(request, HERE, said=_("Signing in needs no code any more"))


@post(f"{HERE}/passkeys/{{key_id:int}}/rename", opt=OPT)
async def rename_passkey(request: Req, key_id: FromPath[int]) -> Page:
    """Give a passkey another name."""
    try:
        await host_of(request).passkeys.rename(request.user, key_id, text(await request.form(), "name"))
    except Invalid as failure:
        return await _security(request, status=422, problem=failure.fields["name"])
    return go_to(request, HERE, said=_("Saved"))


@post(f"{HERE}/passkeys/{{key_id:int}}/remove", opt=OPT)
async def remove_passkey(request: Req, key_id: FromPath[int]) -> Page:
    """Remove a passkey, unless it is the only way in."""
    try:
        await host_of(request).passkeys.remove(request.user, key_id)
    except Conflict as failure:
        return await _security(request, status=failure.status, problem=failure.message)
    return go_to(request, HERE, said=_("The passkey is removed"))


HANDLERS = [
    security,
    change_password,
    remove_password,
    begin_second,
    confirm_second,
    renew_codes,
    second_off,
    rename_passkey,
    remove_passkey,
]
