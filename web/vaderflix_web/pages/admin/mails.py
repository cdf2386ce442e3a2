"""Mails: how each kind reads, a test of each, and what became of all messages that were sent."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, FromQuery

from vaderflix_core.failures import Failure
from vaderflix_core.notify.letters import KINDS, TITLES

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to, text
from ...words.states import Chip
from .common import admin_page

OPT = {"permission": "settings"}
STATES = ("queued", "delivered", "refused", "dropped")


def delivery_chip(state: str) -> Chip:
    """The chip of a message's state."""
    return {
        "queued": Chip(_("Waits"), "clock"),
        "delivered": Chip(_("Delivered"), "check", "ok"),
        "refused": Chip(_("Refused"), "x", "bad"),
        "dropped": Chip(_("Unsent"), "x"),
    }.get(state, Chip(state, "info"))


@get("/admin/mails", opt=OPT)
async def mails(request: Req, show: FromQuery[str] = "") -> Page:
    """The kinds of mails, and the delivery log."""
    host = host_of(request)
    show = show if show in STATES else ""
    found = await host.notify.deliveries(200, show)
    names = {one.id: one.name for one in await host.instances.list()}
    return await admin_page(
        request,
        "admin/mails.html",
        kinds=[(kind, _(TITLES[kind])) for kind in KINDS],
        rows=[(one, delivery_chip(one.state), names.get(one.instance, one.instance) or _("Mail")) for one in found],
        show=show,
        tabs=[
            ("", _("All")),
            ("queued", _("Waiting")),
            ("delivered", _("Delivered")),
            ("refused", _("Refused")),
            ("dropped", _("Unsent")),
        ],
        possible=host.mails.possible,
        has_address=host.mails.has_address,
        headline=_("Mails can be sent.") if host.mails.possible else _("Nothing that sends mails is connected."),
    )


@get("/admin/mails/{kind:str}", opt=OPT)
async def preview(request: Req, kind: FromPath[str]) -> Page:
    """How a kind of mail reads, with made-up people."""
    host = host_of(request)
    note = host.mails.preview(kind)
    return await admin_page(
        request,
        "admin/mail.html",
        kind=kind,
        title=_(TITLES[kind]),
        note=note,
        paragraphs=[part for part in note.text.split("\n\n") if part.strip()],
        possible=host.mails.possible,
        to=request.user.email or "",
    )


@post("/admin/mails/{kind:str}/test", opt=OPT)
async def send_test(request: Req, kind: FromPath[str]) -> Page:
    """Send a made-up mail to the address that was given."""
    to = text(await request.form(), "to").strip()
    host = host_of(request)
    try:
        await host.mails.send_test(kind, to)
    except Failure as failure:
        return go_to(request, f"/admin/mails/{kind}", refused=failure.message)
    await host.activity.log(request.user, "mail.tested", kind, after={"to": to})
    host.jobs.wake()
    return go_to(request, "/admin/mails#log", said=_("The mail is on its way; the list below says how it goes"))


@post("/admin/mails/again/{mail_id:str}", opt=OPT)
async def send_again(request: Req, mail_id: FromPath[str]) -> Page:
    """Try a refused mail once more."""
    host = host_of(request)
    try:
        await host.mails.send_again(mail_id)
    except Failure as failure:
        return go_to(request, "/admin/mails", refused=failure.message)
    await host.activity.log(request.user, "mail.sent_again", mail_id)
    host.jobs.wake()
    return go_to(request, "/admin/mails#log", said=_("It is tried again now"))


HANDLERS = [mails, preview, send_test, send_again]
