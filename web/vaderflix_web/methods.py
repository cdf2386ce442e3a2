"""Which methods an address takes, as `Allow` says it to whoever asks with OPTIONS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from litestar.datastructures import MutableScopeHeaders
from litestar.routes import HTTPRoute

if TYPE_CHECKING:
    from litestar.routes import BaseRoute
    from litestar.types import Message, Scope


def methods_of(routes: Iterable[BaseRoute]) -> dict[str, str]:
    """The methods of each path, as `Allow` names them."""
    return {route.path_format: ", ".join(sorted(route.methods)) for route in routes if isinstance(route, HTTPRoute)}


async def name_methods(message: Message, scope: Scope) -> None:
    """Let an answer to OPTIONS name all methods of its path. A `before_send` hook: the framework's own answer knows
    those alone that were there when the first handler of the path was."""
    if message["type"] == "http.response.start" and scope.get("method") == "OPTIONS":
        headers = MutableScopeHeaders.from_message(message)
        if "allow" in headers:
            headers["allow"] = scope["app"].state.methods[scope["path_template"]]
