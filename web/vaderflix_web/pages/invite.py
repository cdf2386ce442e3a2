"""The visitor's path: an invitation is opened, a way in chosen, an account made, and they are at home."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from vaderflix_core.failures import Conflict, Invalid, Missing
from vaderflix_core.store.invites import Invite

from ..auth import host_of, sign_in, viewer_of
from ..guards import PUBLIC
from ..i18n import _
from ..page import Page, Req, go_to, page, text
from ..proof import site_of
from ..ways_in import Invited, ways_in
from ..words.invitations import gifts, uses_left

OPT = {"permission": PUBLIC, "limit": "links"}
LONGEST_CODE = 100


async def _ended(request: Req) -> Page:
    """One page for every link that does not work, whatever the reason: it tells nothing about codes.

    A closed house says that it is closed, whatever the code.
    """
    house = await host_of(request).house.get()
    return page(request, "doors/link_ended.html", status=404, house=house)


async def _open(request: Req, code: str) -> Invite | None:
    if len(code) > LONGEST_CODE:
        return None
    try:
        return await host_of(request).invites.open(code)
    except Missing:
        return None


@get("/invite/{code:str}", opt=OPT)
async def invitation(request: Req, code: FromPath[str]) -> Response[str]:
    """Who invites the visitor to what, and the ways in. Opening it uses nothing up."""
    host = host_of(request)
    invite = await _open(request, code)
    if invite is None:
        return await _ended(request)
    role = next((r for r in await host.access.roles() if r.name == invite.role), None)
    return page(
        request,
        "doors/invite.html",
        invite=invite,
        house=await host.house.get(),
        gifts=gifts(role.permissions if role else (), await host.promises.of(invite.libraries)),
        ways=await ways_in(host, Invited(code, invite, site_of(request).origin)),
        uses=uses_left(invite),
        here_already=viewer_of(request) is not None,
    )


async def _form(request: Req, code: str, invite: Invite, *, status: int = 200, **context: Any) -> Page:
    defaults: dict[str, Any] = {"form": {"username": "", "email": ""}, "errors": {}, "problem": ""}
    return page(
        request,
        "doors/invite_password.html",
        status=status,
        code=code,
        invite=invite,
        house=await host_of(request).house.get(),
        **(defaults | context),
    )


@get("/invite/{code:str}/password", opt=OPT)
async def password_form(request: Req, code: FromPath[str]) -> Response[str]:
    """Choose a name and a password."""
    invite = await _open(request, code)
    return await _ended(request) if invite is None else await _form(request, code, invite)


@post("/invite/{code:str}/password", opt=OPT)
async def make_account(request: Req, code: FromPath[str]) -> Response[str]:
    """Make the account, sign it in, and go home."""
    invite = await _open(request, code)
    if invite is None:
        return await _ended(request)
    sent = await request.form()
    form = {name: text(sent, name) for name in ("username", "email")}
    try:
        user = await host_of(request).invites.accept(
            code, username=form["username"], password=text(sent, "password"), email=form["email"]
        )
    except Missing:
        return await _ended(request)
    except Invalid as failure:
        return await _form(request, code, invite, status=422, form=form, errors=failure.fields)
    except Conflict as failure:
        return await _form(request, code, invite, status=422, form=form, errors={"username": failure.message})
    answer = go_to(request, "/", said=_("Welcome, %(name)s") % {"name": user.display_name})
    for cookie in await sign_in(request, user):
        answer.set_cookie(cookie)
    return answer


@get("/invite/{code:str}/passkey", opt=OPT)
async def passkey_form(request: Req, code: FromPath[str]) -> Response[str]:
    """Choose a name, and let the browser make a passkey; its script sends both to the API."""
    invite = await _open(request, code)
    if invite is None:
        return await _ended(request)
    house = await host_of(request).house.get()
    return page(
        request, "doors/invite_passkey.html", code=code, invite=invite, house=house, site=site_of(request).origin
    )


@get("/join", opt=OPT)
async def join(request: Req) -> Page:
    """For a visitor who has a code, or a link that cannot be tapped."""
    house = await host_of(request).house.get()
    if house.registration == "closed":
        return await _ended(request)
    return page(request, "doors/join.html", house=house, code="", problem="")


@post("/join", opt=OPT)
async def join_with(request: Req) -> Page:
    """Go on to the invitation of a code; a whole link will do as well."""
    code = text(await request.form(), "code").strip().split("?")[0].rstrip("/").rpartition("/")[2]
    house = await host_of(request).house.get()
    if (
        not code
        or len(code) > LONGEST_CODE
        or not code.replace("-", "").replace("_", "").isalnum()
        or not code.isascii()
    ):
        problem = _("This is not a code. Copy the whole link, or what stands behind its last stroke.")
        return page(request, "doors/join.html", status=422, house=house, code=code[:LONGEST_CODE], problem=problem)
    return go_to(request, f"/invite/{code}")


HANDLERS = [invitation, password_form, make_account, passkey_form, join, join_with]
