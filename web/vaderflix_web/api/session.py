"""Signing in and out, and who one is."""

from __future__ import annotations

from litestar import Response, delete, get, post
from litestar.params import JSONBody

from vaderflix_core.failures import NotAllowed

from ..auth import ended_cookie, host_of, session_cookie
from ..page import Req
from .shapes import Credentials, KeyOut, NewKey, UserOut


@post("/session", opt={"permission": "public"}, status_code=200)
async def sign_in(request: Req, data: JSONBody[Credentials]) -> Response[UserOut]:
    """Sign in with a password; the answer sets the session cookie."""
    host = host_of(request)
    user = await host.access.authenticate(data.username, data.password)
    if user is None:
        raise NotAllowed("Name or password is wrong.", code="wrong_credentials")
    token = await host.access.start_session(user, request.headers.get("user-agent", ""))
    return Response(UserOut.of(user), cookies=[session_cookie(request, token)])


@delete("/session", opt={"permission": "signed_in"}, status_code=200)
async def sign_out(request: Req) -> Response[dict[str, bool]]:
    """End this session."""
    if isinstance(request.auth, str):
        await host_of(request).access.end_session(request.auth)
    return Response({"signed_out": True}, cookies=[ended_cookie(request)])


@get("/me", opt={"permission": "signed_in"})
async def me(request: Req) -> UserOut:
    """The account that asks."""
    return UserOut.of(request.user)


@post("/me/keys", opt={"permission": "signed_in"})
async def new_key(request: Req, data: JSONBody[NewKey]) -> KeyOut:
    """Make an API key for one's own account."""
    return KeyOut(key=await host_of(request).access.create_api_key(request.user, data.name))


HANDLERS = [sign_in, sign_out, me, new_key]
