"""Signing in and out, the devices and keys of one's own account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from vaderflix_core.access.models import Permission
from vaderflix_core.access.sessions import Tokens
from vaderflix_core.failures import Missing, NotAllowed
from vaderflix_core.store.sessions import ApiKey

from ..auth import address_of, host_of, session_cookies, session_id_of, sign_out
from ..page import Req
from .shapes import Credentials, Input, UserOut

SIGNED_IN = {"permission": "signed_in"}


class RefreshToken(Input, frozen=True, kw_only=True):
    """A refresh token, good for one use."""

    refresh_token: Annotated[str, Meta(max_length=200)]


class NewKey(Input, frozen=True, kw_only=True):
    """A name for an API key, and what it may do: without scopes, what the account may."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    scopes: list[Permission] | None = None


class TokensOut(Struct, frozen=True, kw_only=True):
    """Tokens of a session, for programs; browsers get them as cookies too."""

    access_token: str
    expires_at: datetime
    refresh_token: str | None

    @classmethod
    def of(cls, tokens: Tokens) -> TokensOut:
        """From the domain's."""
        return cls(access_token=tokens.access, expires_at=tokens.access_expires, refresh_token=tokens.refresh)


class DeviceOut(Struct, frozen=True, kw_only=True):
    """A signed-in device. `here` is the one that asks."""

    id: int
    method: str
    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    here: bool


class KeyOut(Struct, frozen=True, kw_only=True):
    """A key as it is listed; the key itself is shown once, when it is made."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> KeyOut:
        """From the domain's."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=list(key.scopes),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
        )


class KeyMade(Struct, frozen=True, kw_only=True):
    """A new API key, shown this once."""

    key: str
    made: KeyOut


@post("/session", opt={"permission": "public"}, status_code=200)
async def sign_in(request: Req, data: JSONBody[Credentials]) -> Response[TokensOut]:
    """Sign in with a password: tokens for a program, and the same as cookies for a browser."""
    host = host_of(request)
    user = await host.access.authenticate(data.username, data.password)
    if user is None:
        raise NotAllowed("Name or password is wrong.", code="wrong_credentials")
    agent = request.headers.get("user-agent", "")
    tokens = await host.sessions.start(user, method="password", user_agent=agent, ip=address_of(request))
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


@get("/me", opt=SIGNED_IN)
async def me(request: Req) -> UserOut:
    """The account that asks."""
    return UserOut.of(request.user)


@get("/me/devices", opt=SIGNED_IN)
async def devices(request: Req) -> list[DeviceOut]:
    """The signed-in devices, the one used last first."""
    here = session_id_of(request)
    return [
        DeviceOut(
            id=one.id,
            method=one.method,
            user_agent=one.user_agent,
            ip=one.ip,
            created_at=one.created_at,
            last_seen_at=one.last_seen_at,
            here=one.id == here,
        )
        for one in await host_of(request).sessions.devices(request.user)
    ]


@delete("/me/devices/{device_id:int}", opt=SIGNED_IN, status_code=204)
async def end_device(request: Req, device_id: FromPath[int]) -> None:
    """Sign a device out; it feels it within seconds."""
    if not await host_of(request).sessions.end(device_id, owner=request.user.id):
        raise Missing("There is no such device.")


@get("/me/keys", opt=SIGNED_IN)
async def keys(request: Req) -> list[KeyOut]:
    """The API keys of the account."""
    return [KeyOut.of(key) for key in await host_of(request).sessions.keys(request.user)]


@post("/me/keys", opt=SIGNED_IN)
async def new_key(request: Req, data: JSONBody[NewKey]) -> KeyMade:
    """Make an API key for one's own account."""
    scopes = frozenset(data.scopes) & request.user.permissions if data.scopes is not None else None
    key, made = await host_of(request).sessions.create_key(request.user, data.name, scopes)
    return KeyMade(key=key, made=KeyOut.of(made))


@delete("/me/keys/{key_id:int}", opt=SIGNED_IN, status_code=204)
async def revoke_key(request: Req, key_id: FromPath[int]) -> None:
    """Revoke an API key."""
    if not await host_of(request).sessions.revoke_key(request.user, key_id):
        raise Missing("There is no such key.")


HANDLERS = [sign_in, refresh, end, me, devices, end_device, keys, new_key, revoke_key]
