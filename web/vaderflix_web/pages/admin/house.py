"""The house as a whole: its name, and how new people come in."""

from __future__ import annotations

from litestar import get, post

from vaderflix_core.failures import Invalid

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to, text
from .common import admin_page

OPT = {"permission": "settings"}


async def _house(request: Req, *, status: int = 200, form: dict[str, str] | None = None, **context: object) -> Page:
    host = host_of(request)
    house = await host.house.get()
    return await admin_page(
        request,
        "admin/house.html",
        status=status,
        form=form or {"name": house.name, "registration": house.registration},
        ways=[
            ("closed", _("Closed"), _("Nobody comes in by themselves. Admins make every account; links do not work.")),
            ("invitation", _("By invitation"), _("Whoever has a link comes in.")),
            ("request", _("By invitation or request"), _("Strangers may also ask, and an admin answers.")),
        ],
        base_url=host.config.base_url,
        **{"errors": {}, "problem": "", **context},
    )


@get("/admin/house", opt=OPT)
async def house(request: Req) -> Page:
    """The form."""
    return await _house(request)


@post("/admin/house", opt=OPT)
async def save(request: Req) -> Page:
    """Keep it."""
    sent = await request.form()
    form = {name: text(sent, name) for name in ("name", "registration")}
    try:
        await host_of(request).house.change(request.user, **form)
    except Invalid as failure:
        return await _house(request, status=422, form=form, errors=failure.fields, problem=failure.message)
    return go_to(request, "/admin/house", said=_("Saved"))


HANDLERS = [house, save]
