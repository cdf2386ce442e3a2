"""Checks of passwords and codes, counted where they were wrong; and the site that passkeys belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Response
from litestar.datastructures import Cookie

from vaderflix_core.access.models import PasswordProof
from vaderflix_core.access.passkeys import LONGEST, Begun, Site
from vaderflix_core.access.totp import WrongCode
from vaderflix_core.failures import Invalid

from .auth import Connection, address_of, host_of, is_https
from .limits import guessing

THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
PASSKEY_COOKIE = "vf_passkey"
PASSKEY_PATH = "/api/v1"


# wrong passwords have limits of their own, which the right ones of the same household do not feel
TRIES = {"permission": "public", "limit": "default"}


async def password_right(connection: Connection, username: str, password: str) -> PasswordProof | None:
    """Whose name and password these are. Raises `TooMany` after many wrong ones."""
    access = host_of(connection).access
    familiar = await access.familiar(username, address_of(connection))
    async with guessing(connection, username, familiar=familiar) as attempt:
        proof = await access.authenticate(username, password, familiar=familiar)
        attempt.right = proof is not None
    return proof


@asynccontextmanager
async def proving(connection: Connection, subject: str) -> AsyncIterator[None]:
    """Around a call that takes a password or a code: wrong ones count as at the door. Raises `TooMany`."""
    wrong: Invalid | None = None
    async with guessing(connection, subject) as attempt:
        try:
            yield
            attempt.right = True
        except Invalid as failure:
            # a new password that is too weak is no guess
            attempt.right = not isinstance(failure, WrongCode) and not {"password", "old"} & set(failure.fields)
            wrong = failure
    if wrong is not None:
        raise wrong


def site_of(connection: Connection) -> Site:
    """Where this house is, as the browser sees it: the configured public address, else the one it asked for.

    A public address that is only this machine is any of its names: browsers hold them apart.
    """
    asked, public = urlsplit(str(connection.base_url)), urlsplit(host_of(connection).config.base_url or "")
    url = asked if not public.netloc or {asked.hostname, public.hostname} <= THIS_MACHINE else public
    return Site(f"{url.scheme}://{url.netloc}")


def challenge(connection: Connection, begun: Begun) -> Response[dict[str, Any]]:
    """The answer that begins a ceremony: its options, and the cookie that its end needs."""
    return Response(msgspec.json.decode(begun.options), cookies=[challenge_cookie(connection, begun.state)])


def challenge_cookie(connection: Connection, state: str) -> Cookie:
    """Ties a challenge to the browser that asked for it; empty `state` forgets it."""
    return Cookie(
        key=PASSKEY_COOKIE,
        value=state,
        path=PASSKEY_PATH,
        httponly=True,
        samesite="strict",
        secure=is_https(connection),
        max_age=int(LONGEST.total_seconds()) if state else 0,
    )
