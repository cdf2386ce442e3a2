"""Which methods an address takes: `Allow` says so, and HEAD works wherever GET does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.routes import HTTPRoute

if TYPE_CHECKING:
    from litestar.routes import BaseRoute
    from litestar.types import ASGIApp, Message, Receive, Scope, Send


def named(methods: Iterable[str]) -> str:
    """The methods as `Allow` names them: with HEAD, where there is GET."""
    found = set(methods)
    return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))


def methods_of(routes: Iterable[BaseRoute]) -> dict[str, str]:
    """The methods of each path, as `Allow` names them."""
    return {route.path_format: named(route.methods) for route in routes if isinstance(route, HTTPRoute)}


async def name_methods(message: Message, scope: Scope) -> None:
    """Let an answer to OPTIONS name all methods of its path. A `before_send` hook: the framework's own answer knows
    those alone that were there when the first handler of the path was."""
    if message["type"] == "http.response.start" and scope.get("method") == "OPTIONS":
        headers = MutableScopeHeaders.from_message(message)
        if "allow" in headers:
            headers["allow"] = scope["app"].state.methods[scope["path_template"]]


class Heads:
    """ASGI application around the product's: HEAD is answered as GET is, without the body, where no handler is its own.

    Monitors and proxies ask so whether a page is there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        as_get: Any = {**scope, "method": "GET"}
        refused = False

        async def unless_refused(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 405:
                refused = "GET" in MutableScopeHeaders.from_message(message).get("allow", "")
            if not refused:
                await send(message)

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                end: Any = {"type": "http.response.body", "body": b"", "more_body": False}
                await send(end)

        await self._app(scope, receive, unless_refused)
        if refused:
            await self._app(as_get, receive, without_body)
