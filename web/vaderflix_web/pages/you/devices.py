"""The devices that are signed in, and signing them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import MediaType, get, post
from litestar.params import FromPath
from msgspec import Struct

from vaderflix_core.access.agents import Agent, agent_of
from vaderflix_core.failures import Missing

from ...auth import host_of, session_id_of
from ...guards import SIGNED_IN
from ...i18n import _, ngettext
from ...page import Page, Req, go_to
from .common import OPT, you_page

if TYPE_CHECKING:
    from vaderflix_core.store.sessions import Session


class Row(Struct, frozen=True, kw_only=True):
    """A device as the page shows it."""

    session: Session
    agent: Agent
    how: str
    here: bool


def method_words(method: str) -> str:
    """How somebody signed in."""
    known = {"password": _("with the password"), "passkey": _("with a passkey")}
    return known.get(method, _("with %(name)s") % {"name": method})


@get("/you/devices", opt=OPT)
async def devices(request: Req) -> Page:
    """The devices, this one first."""
    here = session_id_of(request)
    rows = [
        Row(session=one, agent=agent_of(one.user_agent), how=method_words(one.method), here=one.id == here)
        for one in await host_of(request).sessions.devices(request.user)
    ]
    rows.sort(key=lambda row: not row.here)
    return you_page(request, "you/devices.html", rows=rows)


@post("/you/devices/{device_id:int}/end", opt=OPT)
async def end(request: Req, device_id: FromPath[int]) -> Page:
    """Sign one of one's own devices out."""
    if not await host_of(request).own_account.end_device(request.user, device_id):
        raise Missing("There is no such device.")
    return go_to(request, "/you/devices", said=_("The device was signed out"))


@post("/you/devices/end-others", opt=OPT)
async def end_others(request: Req) -> Page:
    """Sign all devices out but this one."""
    n = await host_of(request).own_account.end_other_devices(request.user, session_id_of(request))
    said = ngettext("%(n)s device was signed out", "%(n)s devices were signed out", n) % {"n": n}
    return go_to(request, "/you/devices", said=said)


@get("/here", opt={"permission": SIGNED_IN}, media_type=MediaType.TEXT)
async def here(request: Req) -> str:
    """Whether the session still lives: what an open page asks, so that a device signed out elsewhere shows it."""
    return ""


HANDLERS = [devices, end, end_others, here]
