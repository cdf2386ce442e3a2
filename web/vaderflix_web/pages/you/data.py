"""Taking a copy of everything that is kept about an account, and deleting it."""

from __future__ import annotations

from litestar import get, post
from litestar.response import Stream

from vaderflix_core.access.people import AFTERWARDS, Afterwards
from vaderflix_core.failures import Failure, Invalid

from ...auth import ended_cookies, host_of, session_id_of
from ...i18n import _
from ...page import Page, Req, go_to
from ...proof import proving
from ..admin.people import shared_with
from .common import OPT, text, you_page

EXPORT_HEADERS = {"content-disposition": 'attachment; filename="vaderflix-account.json"'}


def afterwards(value: str) -> Afterwards:
    """What becomes of the requests; what was not offered means that they are cancelled."""
    return next((known for known in AFTERWARDS if known == value), "cancel")


async def _data(
    request: Req,
    *,
    errors: dict[str, str] | None = None,
    problem: str = "",
    chosen: Afterwards = "cancel",
    status: int = 200,
) -> Page:
    host, viewer = host_of(request), request.user
    return you_page(
        request,
        "you/data.html",
        status=status,
        stake=await host.own_data.stake(viewer.id),
        needed=await host.own_data.is_needed(viewer),
        has_password=await host.passwords.has_password(viewer.id),
        errors=errors or {},
        chosen=chosen,
        shared=await shared_with(request, viewer.id),
        problem=problem,
    )


@get("/you/data", opt=OPT)
async def data(request: Req) -> Page:
    """What can be done with the data, and what deleting would mean."""
    return await _data(request)


@post("/you/data/export", opt=OPT, status_code=200)
async def export(request: Req) -> Stream:
    """Everything about the account as a file."""
    return Stream(host_of(request).own_data.export(request.user), media_type="application/json", headers=EXPORT_HEADERS)


@post("/you/data/delete", opt=OPT)
async def delete(request: Req) -> Page:
    """Delete the account, once its owner has typed its name and proven who they are."""
    host, viewer, form = host_of(request), request.user, await request.form()
    chosen = afterwards(text(form, "requests"))
    if text(form, "username").strip().casefold() != viewer.username.casefold():
        wrong = _("Write %(name)s, the user name of this account") % {"name": viewer.username}
        return await _data(request, errors={"username": wrong}, chosen=chosen, status=422)
    if await host.own_data.is_needed(viewer):
        return await _data(request, status=409)
    try:
        async with proving(request, viewer.username):
            await host.passwords.prove(viewer, text(form, "password"), session_id_of(request))
        await host.people.leave(viewer, requests=chosen)
        host.jobs.wake()
    except Invalid as failure:
        return await _data(request, errors=failure.fields, chosen=chosen, status=422)
    except Failure as failure:
        return await _data(request, problem=failure.message, chosen=chosen, status=failure.status)
    answer = go_to(request, "/signin", said=_("The account was deleted"))
    for cookie in ended_cookies(request):
        answer.set_cookie(cookie)
    return answer


HANDLERS = [data, export, delete]
