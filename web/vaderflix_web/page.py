"""Makes an answer of a template: who looks, where and when, the token of the forms, and the menu they may see."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any
from urllib.parse import quote, unquote

from litestar import Request, Response
from litestar.datastructures import Cookie, FormMultiDict
from litestar.enums import MediaType
from litestar.utils.scope.state import ScopeState

from vaderflix_core.access.models import User

from .auth import host_of, viewer_of
from .nav import menu_for
from .security import nonce_of
from .templating import Place, Templates, zone_named

Req = Request[User, str, Any]
Page = Response[str]

THEME_COOKIE, ZONE_COOKIE, SAID_COOKIE = "vf_theme", "vf_zone", "vf_said"
REFUSED = "!"
THEMES = ("system", "dark", "light")


def zone_of(request: Request[Any, Any, Any]) -> tzinfo:
    """The viewer's time zone: chosen on the account page, else the browser's."""
    viewer = viewer_of(request)
    return zone_named((viewer.time_zone if viewer else None) or request.cookies.get(ZONE_COOKIE))


def place_of(request: Request[Any, Any, Any]) -> Place:
    """The time now, and the viewer's zone."""
    return host_of(request).clock(), zone_of(request)


def templates_of(request: Request[Any, Any, Any]) -> Templates:
    """The templates of this application."""
    templates: Templates = request.app.state.templates
    return templates


def csrf_of(request: Request[Any, Any, Any]) -> str:
    """The token that every form that changes something carries; empty where the answer holds no form."""
    token = ScopeState.from_scope(request.scope).csrf_token
    return token if isinstance(token, str) else ""


def fragment(http: Request[Any, Any, Any], template: str, /, **context: Any) -> str:
    """A template as text, with what every template may use."""
    theme = http.cookies.get(THEME_COOKIE, "system")
    viewer = viewer_of(http)
    said = "" if is_htmx(http) else http.cookies.get(SAID_COOKIE, "")
    return templates_of(http).render(
        template,
        place_of(http),
        {
            "viewer": viewer,
            "may": viewer.permissions if viewer else frozenset(),
            "csrf": csrf_of(http),
            "nonce": nonce_of(http.scope),
            "theme": theme if theme in THEMES else "system",
            "menu": menu_for(viewer, http.url.path),
            "path": http.url.path,
            "query": http.query_params.get("q", ""),
            "said": unquote(said.removeprefix(REFUSED)),
            "refused": said.startswith(REFUSED),
            **context,
        },
    )


def page(
    http: Request[Any, Any, Any],
    template: str,
    /,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> Page:
    """A page, or a part of one."""
    answer = Response(
        fragment(http, template, **context),
        status_code=status,
        headers=headers,
        media_type=MediaType.HTML,
    )
    if SAID_COOKIE in http.cookies and not is_htmx(http):
        answer.delete_cookie(SAID_COOKIE)
    return answer


def text(form: FormMultiDict, name: str) -> str:
    """A field of a form; empty when it was not sent, or as a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def is_htmx(request: Request[Any, Any, Any]) -> bool:
    """Whether a part of a page is asked for rather than a whole one."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


def go_to(request: Request[Any, Any, Any], path: str, *, said: str = "", refused: str = "") -> Page:
    """Send the browser on after a form: 303, or htmx's header for the same. What is `said` there, of what was done or
    was `refused`, is shown once, as a toast."""
    if is_htmx(request):
        answer = Response("", status_code=204, headers={"hx-redirect": path}, media_type=MediaType.HTML)
    else:
        answer = Response("", status_code=303, headers={"location": path}, media_type=MediaType.HTML)
    if said or refused:
        answer.set_cookie(said_cookie(said, refused=refused))
    return answer


def said_cookie(said: str, *, refused: str = "") -> Cookie:
    """Makes the next page say something, once: what was done, or what was refused."""
    value = REFUSED + quote(refused) if refused else quote(said)  # quoted words have no such mark
    return Cookie(key=SAID_COOKIE, value=value, max_age=30, path="/", httponly=True, samesite="lax")
