"""Who is asking: the session cookie, and where to go after signing in."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import ASGIMiddleware

from vaderflix_core.access.activity import asking_from
from vaderflix_core.access.models import PasswordProof
from vaderflix_core.access.sessions import FRESH, SignedIn

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from vaderflix_core.access.models import User
    from vaderflix_core.access.sessions import Tokens
    from vaderflix_core.host import Host

ACCESS_COOKIE, REFRESH_COOKIE = "vf_access", "vf_refresh"
SESSION_COOKIES = (b"vf_access=", b"vf_refresh=")
ROTATED = "rotated_cookies"
KEY_PREFIX = "vf_"
PATH_SIGNS = "/?#[]@!$&'()*+,;=%:~"  # that have a meaning in an address, or are quoted already
# a page's parallel calls all bring the token that the first of them rotated, and an answer can get lost on its way, or
# be given up: one that waits for several services that hang takes that long
PARALLEL = timedelta(minutes=2)
Connection = ASGIConnection[Any, Any, Any, Any]


def host_of(connection: Connection) -> Host:
    """The host behind this application."""
    host: Host = connection.app.state.host
    return host


def viewer_of(connection: Connection) -> User | None:
    """Who is signed in, or None."""
    user: User | None = connection.scope.get("user")
    return user


class SignIn(ASGIMiddleware):
    """Finds who asks: a session by its cookies, or a program by its key or token; anything else is nobody.

    A browser whose access token has run out gets new ones with the same answer, if its refresh token is good.
    """

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "no_session"

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Set `user` and `auth` of the scope and go on."""
        connection: Connection = ASGIConnection(scope, receive, send)
        asking_from.set(address_of(connection))
        found, tokens = await _who(connection)
        scope["user"], scope["auth"] = (found.user, found) if found is not None else (None, None)
        if tokens is not None:
            scope["state"][ROTATED] = [cookie.to_encoded_header() for cookie in session_cookies(connection, tokens)]
        await next_app(scope, watched(connection, receive) if found is not None else receive, send)


def watched(connection: Connection, receive: Receive) -> Receive:
    """The same, for bodies that take their time: who was signed out before theirs was there does nothing with it."""
    began = monotonic()

    async def receive_while_here() -> Any:
        message = await receive()
        complete = message["type"] == "http.request" and not message.get("more_body")
        if complete and monotonic() - began > FRESH and not await still_here(connection):
            raise NotAuthorizedException
        return message

    return receive_while_here


async def viewer_now(connection: Connection) -> User | None:
    """Who was signed in when the call began, as they are now; None once the session or key has ended."""
    sessions, auth = host_of(connection).sessions, connection.scope.get("auth")
    if auth is None:
        return None
    by_session = auth.session_id is not None
    return await (sessions.user_of(auth.session_id) if by_session else sessions.user_of_key(auth.key))


async def still_here(connection: Connection) -> bool:
    """Whether the session or key still lives, with the rights that it had when the call began."""
    user = viewer_of(connection)
    if user is None:
        return True  # open to all
    now = await viewer_now(connection)
    return now is not None and now.permissions == user.permissions


async def hand_over(message: Message, scope: Scope) -> None:
    """Give the browser the tokens that `SignIn` rotated for it, with whatever answer it gets. A `before_send` hook: a
    form without its token is refused where middleware does not see the answer.

    An answer that begins or ends a session says itself what the browser holds from now on.
    """
    if message["type"] == "http.response.start":
        headers = [*message.get("headers", [])]
        if not any(name.lower() == b"set-cookie" and value.startswith(SESSION_COOKIES) for name, value in headers):
            message["headers"] = headers + scope.get("state", {}).pop(ROTATED, [])


async def _who(connection: Connection) -> tuple[SignedIn | None, Tokens | None]:
    sessions, ip = host_of(connection).sessions, address_of(connection)
    sent = token_of(connection)
    if sent is not None:
        by = sessions.by_key(sent) if sent.startswith(KEY_PREFIX) else sessions.by_access(sent, ip)
        return await by, None
    access, refresh = connection.cookies.get(ACCESS_COOKIE), connection.cookies.get(REFRESH_COOKIE)
    found = await sessions.by_access(access, ip) if access else None
    if found is not None or not refresh:
        return found, None
    tokens = await sessions.refresh(refresh, grace=PARALLEL)
    if tokens is None:
        return None, None
    user = await sessions.user_of(tokens.session.id, ip)
    return (SignedIn(user=user, session_id=tokens.session.id), tokens) if user is not None else (None, None)


def token_of(connection: Connection) -> str | None:
    """The API key or access token that a program sends, if it does; then cookies do not count."""
    if not connection.scope["path"].startswith("/api/"):
        return None
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    return connection.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else None)


def address_of(connection: Connection) -> str:
    """The client's address, as the server believes it: a proxy's word counts only where the proxy is trusted."""
    client = connection.scope.get("client")
    return client[0] if client else ""


def session_id_of(connection: Connection) -> int | None:
    """The session that asks; None for programs with a key, and for strangers."""
    auth = connection.scope.get("auth")
    return auth.session_id if auth is not None else None


def is_https(connection: Connection) -> bool:
    """Whether the person's browser speaks https to us, a proxy's word included where the server trusts the proxy."""
    return is_https_scope(connection.scope)


def is_https_scope(scope: Scope) -> bool:
    """The same, of a connection's bare scope."""
    base = scope["app"].state.host.config.base_url or ""
    return scope.get("scheme") == "https" or base.startswith("https:")


def session_cookies(connection: Connection, tokens: Tokens) -> list[Cookie]:
    """The cookies that keep a person signed in: unreadable for scripts, not sent by foreign sites."""
    days, secure = host_of(connection).config.session_days, is_https(connection)

    def cookie(key: str, value: str) -> Cookie:
        return Cookie(
            key=key, value=value, path="/", httponly=True, samesite="lax", secure=secure, max_age=days * 86400
        )

    return [cookie(ACCESS_COOKIE, tokens.access), cookie(REFRESH_COOKIE, tokens.refresh)]


def ended_cookies(connection: Connection) -> list[Cookie]:
    """The cookies that forget the session."""
    secure = is_https(connection)
    return [
        Cookie(key=key, value="", path="/", httponly=True, samesite="lax", secure=secure, max_age=0)
        for key in (ACCESS_COOKIE, REFRESH_COOKIE)
    ]


async def start_session(connection: Connection, who: User | PasswordProof, method: str = "password") -> Tokens:
    """Start a session on this device. Raises `Conflict` for the proof of a password that was changed meanwhile."""
    user, password = (who.user, who.password) if isinstance(who, PasswordProof) else (who, None)
    agent, ip = connection.headers.get("user-agent", ""), address_of(connection)
    sessions = host_of(connection).sessions
    return await sessions.start(user, method=method, user_agent=agent, ip=ip, password=password)


async def sign_in(connection: Connection, who: User | PasswordProof, method: str = "password") -> list[Cookie]:
    """The same for a browser; gives its cookies."""
    return session_cookies(connection, await start_session(connection, who, method))


async def sign_out(connection: Connection) -> list[Cookie]:
    """End this browser's session; gives the cookies that forget it."""
    session_id = session_id_of(connection)
    if session_id is not None:
        host, viewer = host_of(connection), viewer_of(connection)
        await host.sessions.end(session_id)
        await host.activity.log(viewer, "session.ended", viewer.username if viewer else "")
    return ended_cookies(connection)


def local_path(target: str | None) -> str:
    """A path of our own to go on to; `/` for anything that could lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return "/"
    if not target.isprintable():
        return "/"
    split = urlsplit(target)
    # what a header cannot carry is written as in any address
    return quote(target, safe=PATH_SIGNS) if not split.scheme and not split.netloc else "/"


def signin_url(path: str, query: str) -> str:
    """The sign-in page that comes back to this address afterwards."""
    target = f"{path}?{query}" if query else path
    return "/signin" if target == "/" else f"/signin?next={quote(target, safe='/')}"
