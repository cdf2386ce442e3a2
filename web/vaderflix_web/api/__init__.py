"""The JSON API under `/api/v1`: everything the pages do, for scripts and other programs.

Signed in by API key (`X-Api-Key`, or `Authorization: Bearer`) or by the session cookie. With the cookie, a call that
changes something also needs the header `X-Vaderflix: 1`: a foreign site cannot make a browser send it. Every refusal
has one shape: `{"error": {"code", "message", "fields"?}}`.
"""

from __future__ import annotations

from litestar import Router

from . import (
    access,
    admin,
    downloads,
    events,
    house,
    invitations,
    library,
    me,
    me_security,
    openapi,
    outside,
    people,
    problems,
    requests,
    roles,
    search,
    services,
    session,
)

PREFIX = "/api/v1"

ROUTER = Router(
    path=PREFIX,
    route_handlers=[
        *session.HANDLERS,
        *me_security.HANDLERS,
        *me.HANDLERS,
        *search.HANDLERS,
        *library.HANDLERS,
        *requests.HANDLERS,
        *problems.HANDLERS,
        *downloads.HANDLERS,
        *services.HANDLERS,
        *people.HANDLERS,
        *roles.HANDLERS,
        *invitations.HANDLERS,
        *access.HANDLERS,
        *house.HANDLERS,
        *outside.HANDLERS,
        *admin.HANDLERS,
        *events.HANDLERS,
        *openapi.HANDLERS,
    ],
    # the header that keys travel in cannot be forged by a site; the cookie's calls are checked in `guards.py`
    opt={"exclude_from_csrf": True},
    include_in_schema=True,
)

OPENAPI = openapi.config(Router(path=f"{PREFIX}/description", route_handlers=[], opt={"permission": "public"}))
