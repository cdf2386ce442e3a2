"""Answers to what goes wrong: what, why, what to do, as a page, a part of a page or JSON. Never a trace."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotAuthorizedException, NotFoundException
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import DataError, IntegrityError, StatementError

from vaderflix_core.access.models import Permission
from vaderflix_core.failures import Conflict, Failure, TooMany
from vaderflix_core.store import users

from .auth import host_of, local_path, signin_url, viewer_of
from .i18n import _, ngettext
from .methods import named
from .page import go_to, is_htmx, page

log = structlog.get_logger("web")
Req = Request[Any, Any, Any]


class NeedsSetup(Exception):
    """Nobody has an account yet: the way leads to the set-up page."""


def _wants_json(request: Req) -> bool:
    return request.url.path.startswith("/api/")


def _is_stream(request: Req) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")


def _as_json(status: int, code: str, message: str, fields: Any = None) -> Response[Any]:
    """The API's one shape of a refusal."""
    error = {"code": code, "message": message} | ({"fields": fields} if fields else {})
    return Response({"error": error}, status_code=status, media_type=MediaType.JSON)


def _bad_fields(error: HTTPException) -> dict[str, str]:
    """What Litestar found wrong with each parameter or field."""
    found = error.extra if isinstance(error.extra, list) else []
    return {str(one.get("key", "body")): str(one.get("message", "")) for one in found if isinstance(one, dict)}


def answer(
    request: Req,
    status: int,
    code: str,
    title: str,
    why: str,
    *,
    todo: str = "",
    reference: str = "",
    icon: str = "warn",
) -> Response[Any]:
    """One failure in the form that was asked for."""
    if _wants_json(request):
        return _as_json(status, code, why or title)
    if _is_stream(request) or request.method == "HEAD":
        return Response("", status_code=status, media_type=MediaType.TEXT)
    if is_htmx(request):
        # the headline alone may hold another alphabet, so it travels encoded
        said = quote(f"{title} {why}".strip())
        return Response(title, status_code=status, headers={"x-said": said}, media_type=MediaType.TEXT)
    viewer = viewer_of(request)
    return page(
        request,
        "error.html",
        status=status,
        title=title,
        why=why,
        todo=todo,
        reference=reference,
        icon_name=icon,
        action=_("Go to the home page") if viewer or "user" not in request.scope else _("Sign in"),
        action_href="/" if viewer or "user" not in request.scope else "/signin",
    )


def not_found(request: Req) -> Response[Any]:
    """404: nothing here, or nothing that this person may see."""
    return answer(
        request,
        404,
        "not_found",
        _("There is nothing here"),
        _("The address may be mistyped, or what it led to is gone."),
        todo=_("Go back, or start from the button below."),
        icon="search",
    )


def not_allowed(request: Req, why: str = "") -> Response[Any]:
    """403: known, and not allowed."""
    return answer(
        request,
        403,
        "not_allowed",
        _("Your account cannot do this"),
        why or _("It needs a permission that your account does not have."),
        todo=_("Ask an admin of this house if you need it."),
        icon="lock",
    )


def on_wrong_method(request: Req, error: MethodNotAllowedException) -> Response[Any]:
    """Where only forms go, a reload or the way back leads to the page that the form is on: the nearest one above."""
    steps = [step for step in request.url.path.split("/") if step][:-1]
    while steps and request.method == "GET" and not (_wants_json(request) or is_htmx(request) or _is_stream(request)):
        above = "/" + "/".join(steps)
        try:
            request.app.asgi_router.handle_routing(path=above, method="GET")
        except (NotFoundException, MethodNotAllowedException):
            steps.pop()
        else:
            return go_to(request, local_path(above))
    refusal = on_http(request, error)
    refusal.headers["allow"] = named((error.headers or {}).get("allow", "").split(", "))
    return refusal


def on_http(request: Req, error: HTTPException) -> Response[Any]:
    """Litestar's own failures."""
    status = error.status_code
    if status == 404:
        return not_found(request)
    if status == 403:
        if "CSRF" in error.detail:
            return answer(
                request,
                403,
                "stale_form",
                _("This form was open for too long"),
                _("So that nobody presses buttons in your name, a form is good for one browser and one visit."),
                todo=_("Go back, load the page again, and send it once more."),
                icon="shield",
            )
        return not_allowed(request)
    if status >= 500:
        return on_bug(request, error)
    if _wants_json(request):
        code = "bad_request" if status == 400 else f"http_{status}"
        return _as_json(status, code, _("Something in the address or the body is not as expected."), _bad_fields(error))
    return answer(
        request,
        status,
        "bad_request" if status == 400 else f"http_{status}",
        _("That could not be understood"),
        _("Something in the address or the form is not as expected."),
        todo=_("Go back and try once more."),
    )


def on_too_deep(request: Req, error: RecursionError) -> Response[Any]:
    """A body that is nested deeper than anybody needs; the trace of our own such bug goes to the log."""
    log.warning("nested too deep", path=request.url.path, exc_info=error)
    return on_http(request, HTTPException(status_code=400, detail="nested too deep"))


def on_stranger(request: Req, error: NotAuthorizedException) -> Response[Any]:
    """Nobody is signed in: to the sign-in page, and back here afterwards."""
    if _wants_json(request) or _is_stream(request):
        return answer(request, 401, "not_signed_in", _("Sign in first"), _("This needs an account."))
    back = request.url.path if request.method == "GET" and not is_htmx(request) else "/"
    return go_to(request, signin_url(back, request.url.query if back != "/" else ""))


def on_needs_setup(request: Req, error: NeedsSetup) -> Response[Any]:
    """The first start leads to the set-up page."""
    if _wants_json(request) or _is_stream(request):
        return answer(request, 401, "needs_setup", _("Not set up yet"), _("Make the first account in a browser."))
    return go_to(request, "/setup")


def on_failure(request: Req, error: Failure) -> Response[Any]:
    """What a domain refused, in its own words; what a service said of its trouble is for admins."""
    viewer = viewer_of(request)
    evidence = getattr(error, "evidence", "") if viewer is not None and viewer.may(Permission.DASHBOARD) else ""
    if _wants_json(request):
        message = f"{error.message} {evidence}".strip()
        return _as_json(error.status, error.code, message, getattr(error, "fields", None))
    if error.status == 404:
        return not_found(request)
    if error.status == 403:
        return not_allowed(request, error.message)
    return answer(request, error.status, error.code, _("That was not possible"), error.message, todo=evidence)


def on_too_many(request: Req, error: TooMany) -> Response[Any]:
    """Asked too often: when to come back, in words and in the header for programs."""
    refusal = answer(
        request,
        error.status,
        error.code,
        _("Too many tries"),
        error.message,
        todo=ngettext("Try again in %(n)s second.", "Try again in %(n)s seconds.", error.retry_after)
        % {"n": error.retry_after},
        icon="clock",
    )
    refusal.headers["retry-after"] = str(error.retry_after)
    return refusal


def on_unfit(request: Req, error: DataError | OverflowError) -> Response[Any]:
    """Something was sent that no database keeps: a NUL within a text, a number or a time without end."""
    log.warning("what was sent does not fit the database", path=request.url.path, kind=type(error).__name__)
    return on_http(request, HTTPException(status_code=400))


def on_clash(request: Req, error: IntegrityError) -> Response[Any]:
    """Two calls at once made the same thing, or one used what the other took away: the database let one of them win."""
    if _removed(request):
        return on_stranger(request, NotAuthorizedException())
    log.warning("of two calls at once one was refused", path=request.url.path, exc_info=error)
    return on_failure(request, Conflict(_("Somebody did this, or undid it, at the same moment. Look at it again.")))


def _removed(request: Req) -> bool:
    """Whether another process has removed the account that asks: this one knows its sessions for a moment longer."""
    viewer = viewer_of(request)
    return viewer is not None and host_of(request).db.read_sync(lambda conn: users.get(conn, viewer.id)) is None


def on_statement(request: Req, error: StatementError) -> Response[Any]:
    """A statement that could not even be made: of what was sent, or of a bug of ours."""
    return on_unfit(request, error.orig) if isinstance(error.orig, OverflowError) else on_bug(request, error)


def on_bug(request: Req, error: Exception) -> Response[Any]:
    """A bug of ours: the person gets a reference, the log gets the trace."""
    reference = secrets.token_hex(4)
    log.error("request_failed", path=request.url.path, reference=reference, exc_info=error)
    return answer(
        request,
        500,
        "internal",
        _("Something broke on our side"),
        _("Nothing that was saved before is lost."),
        todo=_("Try again. If it stays, show an admin the reference below; the log says more under it."),
        reference=reference,
    )


HANDLERS: ExceptionHandlersMap = {
    NotAuthorizedException: on_stranger,
    NeedsSetup: on_needs_setup,
    TooMany: on_too_many,
    Failure: on_failure,
    MethodNotAllowedException: on_wrong_method,
    HTTPException: on_http,
    RecursionError: on_too_deep,
    DataError: on_unfit,
    IntegrityError: on_clash,
    StatementError: on_statement,
    OverflowError: on_unfit,
    Exception: on_bug,
}
