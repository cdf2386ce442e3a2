"""The ways in and out: signing in, signing out, making the first account."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromQuery

from vaderflix_core.failures import Conflict, Failure, Invalid

from ..auth import host_of, local_path, sign_in, sign_out, viewer_of
from ..errors import not_found
from ..guards import PUBLIC
from ..i18n import _
from ..page import Page, Req, go_to, page


def _text(form: object, name: str) -> str:
    value = form.get(name, "") if hasattr(form, "get") else ""
    return value if isinstance(value, str) else ""


@get("/signin", opt={"permission": PUBLIC})
async def signin_form(request: Req, next: FromQuery[str] = "/") -> Page:
    """The sign-in page; the set-up page while there is no account."""
    if viewer_of(request) is not None:
        return go_to(request, local_path(next))
    if await host_of(request).access.needs_setup():
        return go_to(request, "/setup")
    return page(request, "doors/signin.html", next=local_path(next), username="", problem="", problem_text="")


@post("/signin", opt={"permission": PUBLIC})
async def signin(request: Req) -> Page:
    """Check name and password and begin a session."""
    access = host_of(request).access
    form = await request.form()
    username, target = _text(form, "username"), local_path(_text(form, "next"))
    problem = _("That did not match.")
    problem_text = _("Check the user name and the password. Capital letters count in the password.")
    status = 422
    try:
        user = await access.authenticate(username, _text(form, "password"))
    except Failure as failure:
        user, problem, problem_text, status = None, _("Not now."), failure.message, failure.status
    if user is None:
        return page(
            request,
            "doors/signin.html",
            status=status,
            next=target,
            username=username,
            problem=problem,
            problem_text=problem_text,
        )
    answer = go_to(request, target)
    for cookie in await sign_in(request, user, "password"):
        answer.set_cookie(cookie)
    return answer


@post("/signout", opt={"permission": PUBLIC})
async def signout(request: Req) -> Page:
    """End the session."""
    answer = go_to(request, "/signin")
    for cookie in await sign_out(request):
        answer.set_cookie(cookie)
    return answer


@get("/setup", opt={"permission": PUBLIC})
async def setup_form(request: Req, token: FromQuery[str] = "") -> Response[str]:
    """The page for the first account; gone once there is one. The link in the log brings its token along."""
    if not await host_of(request).access.needs_setup():
        return not_found(request)
    return page(request, "doors/setup.html", token=token[:100], username="", problem="", problem_text="", errors={})


@post("/setup", opt={"permission": PUBLIC})
async def setup(request: Req) -> Response[str]:
    """Make the first account and sign it in."""
    access = host_of(request).access
    if not await access.needs_setup():
        return not_found(request)
    form = await request.form()
    token, username = _text(form, "token"), _text(form, "username")
    try:
        user = await access.complete_setup(token.strip(), username, _text(form, "password"))
    except Conflict:
        return not_found(request)
    except Invalid as failure:
        return page(
            request,
            "doors/setup.html",
            status=422,
            token=token,
            username=username,
            problem=failure.message,
            problem_text="",
            errors=failure.fields,
        )
    answer = go_to(request, "/")
    for cookie in await sign_in(request, user, "password"):
        answer.set_cookie(cookie)
    return answer


HANDLERS = [signin_form, signin, signout, setup_form, setup]
