"""Invitations: making one, showing its link and QR code once, and what became of the others."""

from __future__ import annotations

import io
from typing import Any

import segno
from litestar import Response, get, post
from litestar.params import FromPath

from vaderflix_core.access.invites import MAX_DAYS, MAX_USES
from vaderflix_core.failures import Failure, Invalid, Missing
from vaderflix_core.store.invites import Invite

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to, text
from ...words.invitations import invite_chip, shared, uses_left
from .common import admin_page
from .people import role_choices

OPT = {"permission": "users.invite"}
FORM = {"role": "viewer", "uses": "1", "days": "7", "note": "", "email": "", "send": ""}


def link_to(request: Req, code: str) -> str:
    """The address of an invitation: the house's public one, or the one that this admin uses."""
    base = host_of(request).config.base_url or str(request.base_url)
    return f"{base.rstrip('/')}/invite/{code}"


async def _invitations(
    request: Req, *, status: int = 200, form: dict[str, str] | None = None, **context: object
) -> Page:
    host = host_of(request)
    now = host.clock()
    rows: list[dict[str, Any]] = [
        {"invite": one.invite, "uses": one.uses, "state": one.state(now), "left": uses_left(one.invite)}
        for one in await host.invites.newest()
    ]
    for row in rows:
        row["chip"] = invite_chip(row["state"])
        row["shares"] = [(shared(one), one.name) for one in await host.promises.of(row["invite"].libraries)]
    open_ones = sum(1 for row in rows if row["state"] == "open")
    house = await host.house.get()
    headline = ngettext("%(n)s invitation is open.", "%(n)s invitations are open.", open_ones)
    if house.registration == "closed":
        headline = ngettext(
            "%(n)s invitation rests while the house is closed.",
            "%(n)s invitations rest while the house is closed.",
            open_ones,
        )
        for row in rows:
            row["chip"] = invite_chip("resting" if row["state"] == "open" else row["state"])
    return await admin_page(
        request,
        "admin/invitations.html",
        status=status,
        rows=rows,
        headline=headline % {"n": open_ones},
        roles=await role_choices(request, within=True),
        role_names={role: name for role, name, _what in await role_choices(request)},
        house=house,
        mails=host.mails.possible,
        has_address=host.mails.has_address,
        sharing=host.sharing.possible,
        form=form or FORM,
        limits={"uses": MAX_USES, "days": MAX_DAYS},
        **{"errors": {}, "problem": "", "code": "", "link": "", "fresh": None, "chosen": [], **context},
    )


async def _shown_once(request: Req, code: str, invite: Invite) -> Page:
    """The answer that shows a new link. It is not kept anywhere, so there is no page to come back to."""
    return await _invitations(request, code=code, link=link_to(request, code), fresh=invite)


@get("/admin/invitations", opt=OPT)
async def invitations(request: Req) -> Page:
    """The list and the form for a new one."""
    return await _invitations(request)


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 0


@post("/admin/invitations", opt=OPT)
async def create(request: Req) -> Page:
    """Make an invitation."""
    sent = await request.form()
    form = {name: text(sent, name) for name in FORM}
    chosen = [str(one) for one in sent.getall("library", [])]
    host = host_of(request)
    try:
        code, invite = await host.invites.create(
            request.user,
            role=form["role"],
            uses=_number(form["uses"]),
            days=_number(form["days"]),
            note=form["note"],
            email=form["email"],
            libraries=chosen_libraries(chosen),
            send=form["send"] == "yes",
        )
    except Invalid as failure:
        return await _invitations(
            request, status=422, form=form, chosen=chosen, errors=failure.fields, problem=failure.message
        )
    host.jobs.wake()
    return await _shown_once(request, code, invite)


def chosen_libraries(chosen: list[Any]) -> dict[str, list[str]]:
    """The chosen libraries, each sent as `instance/library`."""
    found: dict[str, list[str]] = {}
    for one in chosen:
        instance, _slash, library = str(one).partition("/")
        if instance and library:
            found.setdefault(instance[:64], []).append(library[:120])
    return found


@post("/admin/invitations/{invite_id:int}/reissue", opt=OPT)
async def reissue(request: Req, invite_id: FromPath[int]) -> Page:
    """A new link for an invitation; the old one ends."""
    host = host_of(request)
    send = text(await request.form(), "send") == "yes"
    try:
        code, invite = await host.invites.reissue(request.user, invite_id, send=send)
    except Missing:
        raise
    except Failure as failure:
        return go_to(request, "/admin/invitations", refused=failure.message)
    host.jobs.wake()
    return await _shown_once(request, code, invite)


@post("/admin/invitations/{invite_id:int}/revoke", opt=OPT)
async def revoke(request: Req, invite_id: FromPath[int]) -> Page:
    """End an invitation."""
    try:
        await host_of(request).invites.revoke(request.user, invite_id)
    except Failure as failure:
        return go_to(request, "/admin/invitations", refused=failure.message)
    return go_to(request, "/admin/invitations", said=_("The link does not work any more"))


@get("/admin/invitations/qr/{code:str}", opt=OPT)
async def qr(request: Req, code: FromPath[str]) -> Response[bytes]:
    """The link of a code as a QR code (SVG). It says nothing about whether the code is good."""
    if len(code) > 100 or not code.isascii():
        raise Missing("There is no such code.")
    out = io.BytesIO()
    segno.make(link_to(request, code), error="m", micro=False).save(
        out, kind="svg", scale=6, border=4, dark="#000", light="#fff", xmldecl=False
    )
    return Response(out.getvalue(), media_type="image/svg+xml")


HANDLERS = [invitations, create, reissue, revoke, qr]
