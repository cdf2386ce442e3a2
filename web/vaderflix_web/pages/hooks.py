"""Calls that services make to us. Each address holds a secret of its instance; a call only says “read again”."""

from __future__ import annotations

from typing import Any

from litestar import Response, post, put
from litestar.params import FromPath

from vaderflix_core.failures import Missing

from ..auth import host_of
from ..guards import PUBLIC
from ..page import Req

MAX_BODY = 1024 * 1024
OPT = {"permission": PUBLIC, "exclude_from_csrf": True, "no_session": True, "limit": "webhooks"}
PATH = "/hooks/{instance:str}/{token:str}"


@post(PATH, opt=OPT, request_max_body_size=MAX_BODY)
async def hook(request: Req, instance: FromPath[str], token: FromPath[str]) -> Response[Any]:
    """Take a call and answer at once; what it hints at is read afterwards."""
    return await _take(request, instance, token)


@put(PATH, opt=OPT, request_max_body_size=MAX_BODY)
async def hook_put(request: Req, instance: FromPath[str], token: FromPath[str]) -> Response[Any]:
    """The same, for services that are set to PUT."""
    return await _take(request, instance, token)


async def _take(request: Req, instance: str, token: str) -> Response[Any]:
    host = host_of(request)
    if not host.hints.address_is(instance, token):
        raise Missing("There is no such address.")
    body = await request.body()
    host.hints.take_call(instance, dict(request.headers), body)
    return Response(b"", status_code=200)


HANDLERS = [hook, hook_put]
