"""Every route says which permission it needs; an application with one that does not refuses to start."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.routes import HTTPRoute

from vaderflix_core.access.models import Permission
from vaderflix_core.failures import NotAllowed

from .auth import ACCESS_COOKIE, REFRESH_COOKIE, Connection, host_of, session_id_of, token_of, viewer_of
from .errors import NeedsSetup

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler
    from litestar.routes import BaseRoute

PUBLIC, SIGNED_IN = "public", "signed_in"
IN_PERSON = "in_person"  # signed in with a session: a leaked key must not be able to make more keys, or end an account


class UndeclaredRoutes(Exception):
    """Routes without a known permission; the message lists them."""


def check_declared(routes: Iterable[BaseRoute], permissions: Collection[str]) -> None:
    """Raise `UndeclaredRoutes` when any handler lacks a permission, or names one that does not exist."""
    known = {PUBLIC, SIGNED_IN, IN_PERSON, *permissions}
    missing = []
    for route in routes:
        handlers: Iterable[Any] = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
        for handler in handlers:
            if isinstance(route, HTTPRoute) and _answers_options(handler):
                continue
            if handler is None or handler.opt.get("permission") not in known:
                missing.append(f"{route.path} ({getattr(handler, 'handler_name', 'no handler')})")
    if missing:
        raise UndeclaredRoutes("These routes do not declare a permission: " + ", ".join(sorted(missing)))


def _answers_options(handler: Any) -> bool:
    """Litestar's own answer to OPTIONS: it names the methods of a path and nothing else."""
    return set(handler.http_methods) == {"OPTIONS"} and handler.fn.__module__ == "litestar.routes.http"


async def permitted(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard of the whole application. Raises 401 for strangers, 403 for people who may not, `NeedsSetup` at first."""
    needed = handler.opt.get("permission", PUBLIC if _is_options(connection) else None)
    _check_forgery(connection)
    if needed == PUBLIC:
        return
    viewer = viewer_of(connection)
    if viewer is None:
        if await host_of(connection).access.needs_setup():
            raise NeedsSetup
        raise NotAuthorizedException
    if needed == IN_PERSON:
        if session_id_of(connection) is None:
            raise NotAllowed("This needs a person who is signed in, not a key.", code="person_needed")
    elif needed != SIGNED_IN and needed not in viewer.permissions:
        raise PermissionDeniedException


def key_needs(connection: Connection, *one_of: Permission) -> None:
    """Raise 403 for a key that got none of these rights. What is one's own, its owner changes with less; a key that was
    made to look does not."""
    auth, viewer = connection.scope.get("auth"), viewer_of(connection)
    if auth is not None and auth.key is not None and not (viewer and set(one_of) & viewer.permissions):
        raise PermissionDeniedException


def _check_forgery(connection: Connection) -> None:
    """An API call that changes something, in a browser's name, needs a header that no foreign site can add."""
    safe = connection.scope.get("method") in ("GET", "HEAD", "OPTIONS")
    if safe or not connection.scope["path"].startswith("/api/") or token_of(connection) is not None:
        return
    if {ACCESS_COOKIE, REFRESH_COOKIE} & set(connection.cookies) and "x-vaderflix" not in connection.headers:
        raise NotAllowed("A call with the session cookie also needs the header X-Vaderflix: 1.", code="header_missing")


def _is_options(connection: Connection) -> bool:
    return connection.scope.get("method") == "OPTIONS"
