"""Who is asking: the session cookie, and where to go after signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

    from vaderflix_core.access.models import User
    from vaderflix_core.host import Host

SESSION_COOKIE = "vf_session"
Connection = ASGIConnection[Any, Any, Any, Any]


def host_of(connection: Connection) -> Host:
    """The host behind this application."""
    host: Host = connection.app.state.host
    return host


def viewer_of(connection: Connection) -> User | None:
    """Who is signed in, or None."""
    user: User | None = connection.scope.get("user")
    return user


class Sessions(ASGIMiddleware):
    """Finds the person behind the session cookie or, for the API, behind a key; anything else is nobody."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "no_session"

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Set `user` and `auth` of the scope and go on."""
        connection: Connection = ASGIConnection(scope, receive, send)
        access = host_of(connection).access
        key, token = api_key_of(connection), connection.cookies.get(SESSION_COOKIE)
        if key is not None:
            user, token = await access.user_for_api_key(key), None
        else:
            user = await access.user_for_session(token) if token else None
        scope["user"], scope["auth"] = user, token if user else None
        await next_app(scope, receive, send)


def api_key_of(connection: Connection) -> str | None:
    """The API key that a program sends, if it does; then the cookie does not count."""
    if not connection.scope["path"].startswith("/api/"):
        return None
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    return connection.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else None)


def is_https(connection: Connection) -> bool:
    """Whether the person's browser speaks https to us, a proxy's word included where the server trusts the proxy."""
    base = host_of(connection).config.base_url or ""
    return connection.scope.get("scheme") == "https" or base.startswith("https:")


def session_cookie(connection: Connection, token: str) -> Cookie:
    """The cookie that keeps a person signed in: unreadable for scripts, not sent by foreign sites."""
    days = host_of(connection).config.session_days
    return Cookie(
        key=SESSION_COOKIE,
        value=token,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(connection),
        max_age=days * 86400,
    )


def ended_cookie(connection: Connection) -> Cookie:
    """The cookie that forgets the session."""
    return Cookie(
        key=SESSION_COOKIE, value="", path="/", httponly=True, samesite="lax", secure=is_https(connection), max_age=0
    )


def local_path(target: str | None) -> str:
    """A path of our own to go on to; `/` for anything that could lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return "/"
    if any(ord(c) < 32 for c in target):
        return "/"
    split = urlsplit(target)
    return target if not split.scheme and not split.netloc else "/"


def signin_url(path: str, query: str) -> str:
    """The sign-in page that comes back to this address afterwards."""
    target = f"{path}?{query}" if query else path
    return "/signin" if target == "/" else f"/signin?next={quote(target, safe='/')}"
