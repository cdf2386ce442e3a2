"""The description of this API, for programs; no page of it needs another server."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from vaderflix_core import __version__

from ..page import Req


@get("/openapi.json", opt={"permission": "public"}, include_in_schema=False)
async def description(request: Req) -> dict[str, Any]:
    """OpenAPI 3.1."""
    return request.app.openapi_schema.to_schema()


def config(router: Any) -> OpenAPIConfig:
    """How the description is made. `router` holds no handlers: the route above serves it."""
    return OpenAPIConfig(
        title="Vader Flix",
        version=__version__,
        use_handler_docstrings=True,
        components=Components(
            security_schemes={"key": SecurityScheme(type="apiKey", name="X-Api-Key", security_scheme_in="header")}
        ),
        security=[{"key": []}],
        render_plugins=[JsonRenderPlugin(path="/unused.json")],
        openapi_router=router,
    )


HANDLERS = [description]
