"""The description of this API, for programs; no page of it needs another server."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from vaderflix_core import __version__

from ..page import Req

REFUSAL_SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "description": "Stable, for programs."},
                "message": {"type": "string", "description": "For people."},
                "fields": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "What is wrong with each field.",
                },
            },
        }
    },
}
REFUSAL: dict[str, Any] = {
    "description": "Why it was not done. 429 also says in Retry-After when to come back, in seconds.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
}


@get("/openapi.json", opt={"permission": "public"}, include_in_schema=False)
async def description(request: Req) -> dict[str, Any]:
    """OpenAPI 3.1."""
    return with_refusals(request.app.openapi_schema.to_schema())


def with_refusals(schema: dict[str, Any]) -> dict[str, Any]:
    """The description with our one shape of a refusal for every call, in the place of the framework's own."""
    for operations in schema.get("paths", {}).values():
        for operation in operations.values():
            responses = operation.get("responses", {})
            responses.pop("400", None)
            responses["default"] = REFUSAL
    schema.setdefault("components", {}).setdefault("schemas", {})["Refusal"] = REFUSAL_SHAPE
    return schema


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
