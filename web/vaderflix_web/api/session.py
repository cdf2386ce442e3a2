"""Signing in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Response, delete, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from vaderflix_core.access.models import PasswordProof, User
from vaderflix_core.access.sessions import Tokens
from vaderflix_core.failures import NotAllowed

from ..auth import host_of, session_cookies, sign_out, start_session
from ..page import Req
from ..proof import TRIES, password_right
from .shapes import Credentials, Input

SIGNED_IN = {"permission": "signed_in"}


class RefreshToken(Input, frozen=True, kw_only=True):
    """A refresh token, good for one use."""

    refresh_token: Annotated[str, Meta(max_length=200)]


class TokensOut(Struct, frozen=True, kw_only=True):
    """Tokens of a session, for programs; browsers get them as cookies too."""

    access_token: str
    expires_at: datetime
    refresh_token: str

    @classmethod
    def of(cls, tokens: Tokens) -> TokensOut:
        """From the domain's."""
        return cls(access_token=tokens.access, expires_at=tokens.access_expires, refresh_token=tokens.refresh)


class SecondFactorNeeded(Struct, frozen=True, kw_only=True):
    """The password was right; `second_factor` goes to `/session/second` with a code, within five minutes."""

    error: dict[str, str]
    second_factor: str


@post("/session", opt=TRIES, status_code=200)
async def sign_in(request: Req, data: JSONBody[Credentials]) -> Response[TokensOut | SecondFactorNeeded]:
    """Sign in with a password: tokens for a program, and the same as cookies for a browser.

    An account with a second factor gets 401, `second_factor_needed`, and what the second step wants.
    """
    host = host_of(request)
    proof = await password_right(request, data.username, data.password)
    if proof is None:
        raise NotAllowed("Name or password is wrong.", code="wrong_credentials")
    ticket = await host.second_factor.ticket(proof)
    if ticket is not None:
        error = {"code": "second_factor_needed", "message": "Send a code to /api/v1/session/second as well."}
        return Response(SecondFactorNeeded(error=error, second_factor=ticket), status_code=401)
    return await entered(request, proof, "password")


async def entered(request: Req, who: User | PasswordProof, method: str) -> Response[Any]:
    """The answer to whoever came in: a session's tokens, and the same as cookies."""
    tokens = await start_session(request, who, method)
    return Response(TokensOut.of(tokens), cookies=session_cookies(request, tokens))


@post("/session/refresh", opt={"permission": "public"}, status_code=200)
async def refresh(request: Req, data: JSONBody[RefreshToken]) -> Response[TokensOut]:
    """New tokens for a refresh token. One that was used before ends its session: somebody has copied it."""
    tokens = await host_of(request).sessions.refresh(data.refresh_token)
    if tokens is None:
        raise NotAllowed("This token is no longer good. Sign in again.", code="token_ended")
    return Response(TokensOut.of(tokens))


@delete("/session", opt=SIGNED_IN, status_code=200)
async def end(request: Req) -> Response[dict[str, bool]]:
    """End this session."""
    return Response({"signed_out": True}, cookies=await sign_out(request))


HANDLERS = [sign_in, refresh, end]
