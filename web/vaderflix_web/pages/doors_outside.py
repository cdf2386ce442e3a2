"""Signing in with an account elsewhere, and linking one: begun with a button, finished by the browser that began."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from litestar import Response, get, post
from litestar.params import FromPath

from vaderflix_core.access.identities import LIVES
from vaderflix_core.access.outside import Begun, CannotAsk, Finished, SignInOver, SignInTaken
from vaderflix_core.failures import Failure

from ..auth import host_of, is_https, local_path, session_id_of, sign_in, viewer_of
from ..guards import IN_PERSON, PUBLIC
from ..i18n import _
from ..page import Page, Req, go_to, is_htmx, page, text
from ..proof import proving, site_of

BROWSER_COOKIE = "vf_outside"
OPEN = {"permission": PUBLIC, "limit": "sign_in"}
ASKS = {"permission": PUBLIC, "limit": "default"}  # a waiting page asks every other second
MINE = {"permission": IN_PERSON}
LINK = "/you/security/link"
LONGEST = 200
STOP_ASKING = 286  # htmx's own: swap this in, and ask no more


def _browser(request: Req) -> str:
    return request.cookies.get(BROWSER_COOKIE, "")[:LONGEST]


def _other_ways(code: str) -> str:
    """Where the other ways in are: those of the invitation that the visitor came with, or all."""
    return f"/invite/{quote(code, safe='')}" if code else "/signin"


def _problem(request: Req, failure: Failure, code: str = "") -> Page:
    """What went wrong, and the ways to go on; `code` is an invitation's."""
    back = "/you/security" if viewer_of(request) is not None else _other_ways(code)
    if is_htmx(request):
        # swapped into the waiting page; only a provider that is away is worth asking again
        status = 200 if isinstance(failure, CannotAsk) else STOP_ASKING
        return page(request, "parts/outside_problem.html", status=status, why=failure.message, back=back)
    return page(request, "doors/outside_problem.html", status=failure.status, why=failure.message, back=back, code=code)


async def _led_nowhere(request: Req, failure: Failure, token: str) -> Page:
    """The same for a sign-in that had begun: its invitation is not lost."""
    return _problem(request, failure, await host_of(request).identities.invitation(token, _browser(request)))


def _go_on(request: Req, begun: Begun, browser: str) -> Page:
    """Tie the sign-in to this browser and go on: to our waiting page, or to the provider.

    A form's answer may not redirect to another site (the policy's `form-action`), so the page there leads on.
    """
    if begun.waits:
        answer = go_to(request, f"/signin/wait/{begun.token}")
    else:
        answer = page(request, "doors/leaving.html", url=begun.url)
    answer.set_cookie(
        BROWSER_COOKIE,
        browser,
        max_age=int(LIVES.total_seconds()),
        path="/signin",
        httponly=True,
        samesite="lax",  # the provider sends the browser back with a plain navigation
        secure=is_https(request),
    )
    return answer


@post("/signin/with/{way:str}", opt=OPEN)
async def begin(request: Req, way: FromPath[str]) -> Page:
    """Begin to sign in, or to accept an invitation."""
    form = await request.form()
    code = text(form, "code")[:LONGEST]
    browser = _browser(request) or secrets.token_urlsafe(32)
    try:
        begun = await host_of(request).identities.begin(
            way,
            browser=browser,
            site=site_of(request).origin,
            target=local_path(text(form, "next")),
            code=code,
        )
    except Failure as failure:
        return _problem(request, failure, code)
    return _go_on(request, begun, browser)


async def _arrived(request: Req, finished: Finished) -> Page:
    if finished.linked:
        return go_to(request, "/you/security", said=_("Linked. You can sign in with it from now on"))
    said = _("Welcome, %(name)s") % {"name": finished.user.display_name} if finished.new else ""
    answer = go_to(request, local_path(finished.target), said=said)
    for cookie in await sign_in(request, finished.user, finished.way[:32]):
        answer.set_cookie(cookie)
    return answer


@get("/signin/wait/{token:str}", opt=OPEN)
async def wait(request: Req, token: FromPath[str]) -> Response[str]:
    """Where the person confirms, and a page that goes on by itself once they have."""
    token = token[:LONGEST]
    try:
        waiting = await host_of(request).identities.waiting(token, _browser(request))
    except SignInOver as failure:
        # the other tab was quicker
        return go_to(request, "/") if viewer_of(request) is not None else _problem(request, failure)
    except Failure as failure:
        return await _led_nowhere(request, failure, token)
    if waiting.brought_to and viewer_of(request) is not None:
        return go_to(request, local_path(waiting.brought_to))
    return page(request, "doors/waiting.html", waiting=waiting, token=token, back=_other_ways(waiting.code))


@post("/signin/wait/{token:str}", opt=ASKS)
async def ask(request: Req, token: FromPath[str]) -> Page:
    """Whether the person has confirmed yet."""
    token = token[:LONGEST]
    finished = None
    try:
        finished = await host_of(request).identities.poll(token, _browser(request), viewer_of(request))
    except SignInOver as failure:
        # the provider sends people back to this page in another tab, and that one may be quicker
        target = failure.target if isinstance(failure, SignInTaken) else ""
        if viewer_of(request) is not None:
            return go_to(request, local_path(target))
        if not target:
            return await _led_nowhere(request, failure, token)
    except Failure as failure:
        return await _led_nowhere(request, failure, token)
    if finished is None:
        return Response("", status_code=204) if is_htmx(request) else go_to(request, f"/signin/wait/{token}")
    return await _arrived(request, finished)


@get("/signin/back/{way:str}", opt=OPEN)
async def back(request: Req, way: FromPath[str]) -> Page:
    """The browser comes back from a provider."""
    answer = {name: request.query_params.get(name, "")[:4000] for name in ("state", "code", "error", "iss")}
    given = {name: value for name, value in answer.items() if value}
    try:
        finished = await host_of(request).identities.come_back(way, given, _browser(request), viewer_of(request))
    except Failure as failure:
        return await _led_nowhere(request, failure, given.get("state", "")[:LONGEST])
    return await _arrived(request, finished)


@get(f"{LINK}/{{way:str}}", opt=MINE)
async def link_form(request: Req, way: FromPath[str]) -> Page:
    """Prove who you are before another way into your account is opened."""
    return await _link_form(request, way)


async def _link_form(request: Req, way: str, *, status: int = 200, error: str = "", problem: str = "") -> Page:
    host = host_of(request)
    return page(
        request,
        "you/link.html",
        status=status,
        way=await host.identities.way(way),
        has_password=await host.passwords.has_password(request.user.id),
        error=error,
        problem=problem,
    )


@post(f"{LINK}/{{way:str}}", opt=MINE)
async def link(request: Req, way: FromPath[str]) -> Page:
    """Begin to link."""
    host, form = host_of(request), await request.form()
    browser = _browser(request) or secrets.token_urlsafe(32)
    try:
        async with proving(request, request.user.username):
            await host.passwords.prove(request.user, text(form, "password"), session_id_of(request))
        begun = await host.identities.begin(
            way, browser=browser, site=site_of(request).origin, target="/you/security", link_to=request.user
        )
    except Failure as failure:
        error = getattr(failure, "fields", {}).get("password", "")
        return await _link_form(
            request, way, status=failure.status, error=error, problem="" if error else failure.message
        )
    return _go_on(request, begun, browser)


@post("/you/security/unlink", opt=MINE)
async def unlink(request: Req) -> Page:
    """Take a linked account away, unless it is the only way in."""
    form = await request.form()
    try:
        await host_of(request).identities.unlink(request.user, text(form, "provider"), text(form, "subject"))
    except Failure as failure:
        return go_to(request, "/you/security", refused=failure.message)
    return go_to(request, "/you/security", said=_("It is not linked any more"))


HANDLERS = [begin, wait, ask, back, link_form, link, unlink]
