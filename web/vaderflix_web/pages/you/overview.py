"""The way to the sections of one's own account, each with how it stands."""

from __future__ import annotations

from litestar import get

from vaderflix_core.notify.wishes import offered

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req
from .common import OPT, you_page


@get("/you", opt=OPT)
async def overview(request: Req) -> Page:
    """The sections, and the way out."""
    sessions, viewer = host_of(request).sessions, request.user
    devices, keys = len(await sessions.devices(viewer)), len(await sessions.keys(viewer))
    muted = len({kind.news for kind in offered(viewer)} & set(viewer.muted))
    facts = {
        "/you/profile": viewer.email or _("No email address"),
        "/you/security": _("Password, passkeys, second factor"),
        "/you/devices": ngettext("%(n)s device is signed in", "%(n)s devices are signed in", devices) % {"n": devices},
        "/you/keys": ngettext("%(n)s key", "%(n)s keys", keys) % {"n": keys} if keys else _("None"),
        "/you/news": ngettext("%(n)s kind is off", "%(n)s kinds are off", muted) % {"n": muted}
        if muted
        else _("You hear of everything"),
        "/you/activity": _("What was done with this account"),
        "/you/data": _("Take a copy, or delete the account"),
    }
    return you_page(request, "you/overview.html", facts=facts)


HANDLERS = [overview]
