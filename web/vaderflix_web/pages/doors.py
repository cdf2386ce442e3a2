"""The ways in and out: signing in, the second step of it, signing out, making the first account."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromQuery

from vaderflix_core.access.links import LIFETIMES, SECOND_FACTOR
from vaderflix_core.access.models import PasswordProof, User
from vaderflix_core.access.totp import TicketEnded, WrongCode
from vaderflix_core.failures import Conflict, Failure, Invalid

from ..auth import REFRESH_COOKIE, ended_cookies, host_of, is_https, local_path, sign_in, sign_out, viewer_of
from ..errors import not_found
from ..guards import PUBLIC
from ..i18n import _
from ..page import Page, Req, go_to, page, text
from ..proof import TRIES, password_right
from ..ways_in import ways_in

TICKET_COOKIE = "vf_ticket"
TICKET_PATH = "/signin"


async def _door(request: Req, target: str, *, status: int = 200, **context: Any) -> Page:
    host = host_of(request)
    shown = {"username": "", "problem": "", "problem_text": "", "error": "", "ended": False, **context}
    return page(
        request,
        "doors/signin.html",
        status=status,
        next=target,
        ways=await ways_in(host),
        forgot=host.mails.possible and host.mails.has_address,
        house=await host.house.get(),
        **shown,
    )


@get("/signin", opt={"permission": PUBLIC})
async def signin_form(request: Req, next: FromQuery[str] = "/") -> Page:
    """The sign-in page; the set-up page while there is no account."""
    if viewer_of(request) is not None:
        return go_to(request, local_path(next))
    if await host_of(request).access.needs_setup():
        return go_to(request, "/setup")
    ended = REFRESH_COOKIE in request.cookies
    answer = await _door(request, local_path(next), ended=ended)
    if ended:  # said once
        for cookie in ended_cookies(request):
            answer.set_cookie(cookie)
    return answer


@post("/signin", opt=TRIES)
async def signin(request: Req) -> Page:
    """Check name and password; begin a session, or ask for a code."""
    form = await request.form()
    username, target = text(form, "username"), local_path(text(form, "next"))
    try:
        proof = await password_right(request, username, text(form, "password"))
    except Failure as failure:
        return await _door(request, target, status=failure.status, username=username, error=failure.message)
    if proof is None:
        # said at the password, which has the focus: so whoever does not see the page hears it
        error = _("That did not match. Check the user name and the password. Capital letters count in the password.")
        return await _door(request, target, status=422, username=username, error=error)
    ticket = await host_of(request).second_factor.ticket(proof)
    if ticket is not None:
        answer = go_to(request, f"/signin/code?next={quote(target, safe='/')}")
        _set_ticket(request, answer, ticket)
        return answer
    return await _enter(request, proof, target)


async def _enter(request: Req, who: User | PasswordProof, target: str) -> Page:
    answer = go_to(request, target)
    for cookie in await sign_in(request, who):
        answer.set_cookie(cookie)
    return answer


def _set_ticket(request: Req, answer: Page, ticket: str) -> None:
    answer.set_cookie(
        TICKET_COOKIE,
        ticket,
        max_age=int(LIFETIMES[SECOND_FACTOR].total_seconds()) if ticket else 0,
        path=TICKET_PATH,
        httponly=True,
        samesite="strict",
        secure=is_https(request),
    )


@get("/signin/code", opt={"permission": PUBLIC})
async def code_form(request: Req, next: FromQuery[str] = "/") -> Page:
    """The second step: a code from the person's app."""
    if not request.cookies.get(TICKET_COOKIE):
        return go_to(request, "/signin")
    return page(request, "doors/code.html", next=local_path(next), error="")


@post("/signin/code", opt={"permission": PUBLIC})
async def code(request: Req) -> Page:
    """Check the code and begin a session."""
    form = await request.form()
    target = local_path(text(form, "next"))
    try:
        proof = await host_of(request).second_factor.finish(
            request.cookies.get(TICKET_COOKIE, ""), text(form, "code")[:64]
        )
    except WrongCode as failure:
        return page(request, "doors/code.html", status=422, next=target, error=failure.fields["code"])
    except TicketEnded as failure:
        answer = await _door(request, target, status=403, problem=_("Once more, please."), problem_text=failure.message)
        _set_ticket(request, answer, "")
        return answer
    answer = await _enter(request, proof, target)
    _set_ticket(request, answer, "")
    return answer


@get("/signout", opt={"permission": PUBLIC})
async def signout_form(request: Req) -> Page:
    """Ask first: a link or a reload signs nobody out."""
    if viewer_of(request) is None:
        return go_to(request, "/signin")
    return page(request, "doors/signout.html")


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
    token, username = text(form, "token"), text(form, "username")
    try:
        user = await access.complete_setup(token.strip(), username, text(form, "password"))
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
    return await _enter(request, user, "/")


HANDLERS = [signin_form, signin, code_form, code, signout_form, signout, setup_form, setup]
