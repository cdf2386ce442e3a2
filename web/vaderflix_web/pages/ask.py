"""A visitor without a link asks for access. Everybody who asks gets the same answer."""

from __future__ import annotations

from litestar import Response, get, post

from vaderflix_core.failures import Invalid, NotAllowed

from ..auth import host_of, viewer_of
from ..guards import PUBLIC
from ..page import Page, Req, go_to, page, text

OPT = {"permission": PUBLIC, "limit": "links"}
FIELDS = ("name", "email", "message")


async def _ask(request: Req, *, status: int = 200, form: dict[str, str], errors: dict[str, str]) -> Page:
    house = await host_of(request).house.get()
    return page(request, "doors/ask.html", status=status, house=house, form=form, errors=errors)


async def _closed(request: Req) -> Page:
    """Where nobody may ask; it says how people come in instead."""
    return page(request, "doors/ask_closed.html", status=404, house=await host_of(request).house.get())


@get("/ask", opt=OPT)
async def ask_form(request: Req) -> Response[str]:
    """The form, where strangers may ask."""
    if viewer_of(request) is not None:
        return go_to(request, "/")
    if (await host_of(request).house.get()).registration != "request":
        return await _closed(request)
    return await _ask(request, form=dict.fromkeys(FIELDS, ""), errors={})


@post("/ask", opt=OPT)
async def ask(request: Req) -> Response[str]:
    """Keep the request and say what happens next."""
    sent = await request.form()
    form = {name: text(sent, name) for name in FIELDS}
    host = host_of(request)
    try:
        await host.access_requests.ask(**form)
    except NotAllowed:
        return await _closed(request)
    except Invalid as failure:
        return await _ask(request, status=422, form=form, errors=failure.fields)
    return page(request, "doors/asked.html", house=await host.house.get())


HANDLERS = [ask_form, ask]
