"""Pictures and streams of the services, through us, under opaque names: a page never holds a service's address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

from litestar import Response, get, head
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from vaderflix_core.access.models import Permission

from ..auth import host_of, viewer_now
from ..live import LOOK
from ..page import Req

WIDTHS = (160, 400, 640, 1280, 1920)
PASSED_ON = ("content-type", "content-length", "content-range", "accept-ranges", "last-modified", "etag")
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/avif")


@get("/images/{image_id:str}", opt={"permission": "browse", "exclude_from_csrf": True, "limit": "media"})
async def image(request: Req, image_id: FromPath[str], w: FromQuery[int] = 400) -> Response[bytes]:
    """A picture, at the nearest of a few widths."""
    width = next((size for size in WIDTHS if size >= w), WIDTHS[-1])
    etag = f'"{image_id[-24:]}-{width}"'
    headers = {"cache-control": "private, max-age=86400", "etag": etag}
    if etag in (request.headers.get("if-none-match") or ""):
        return Response(b"", status_code=304, headers=headers)
    found = await host_of(request).images.fetch(image_id, width)
    media = found.content_type.partition(";")[0].strip().lower()
    if media not in _IMAGE_TYPES:
        # whatever a service sends, it must not run as a page of ours
        media = "application/octet-stream"
    return Response(found.data, headers=headers, media_type=media)


@get("/play/{token:str}", opt={"permission": "play", "exclude_from_csrf": True, "limit": "media"})
async def play(request: Req, token: FromPath[str]) -> Stream:
    """The bytes of a file, or the part that the browser asks for."""
    stream = await host_of(request).playback.open(request.user, token, request.headers.get("range"))
    passed = {k.lower(): v for k, v in stream.headers.items() if k.lower() in PASSED_ON}
    media = passed.pop("content-type", "application/octet-stream")
    if not media.startswith(("video/", "audio/")):
        media = "application/octet-stream"
    return Stream(
        _chunks(request, stream),
        status_code=stream.status,
        headers={**passed, "cache-control": "private, no-store", "content-security-policy": "sandbox"},
        media_type=media,
    )


async def _chunks(request: Req, stream: Any) -> AsyncIterator[bytes]:
    """A film is one answer of hours: it breaks off once its viewer is signed out, or may not play any more."""
    look = monotonic() + LOOK
    try:
        async for chunk in stream.chunks():
            if monotonic() >= look:
                viewer = await viewer_now(request)
                if viewer is None or not viewer.may(Permission.PLAY):
                    return
                look = monotonic() + LOOK
            yield chunk
    finally:
        await stream.close()


@head("/play/{token:str}", opt={"permission": "play", "exclude_from_csrf": True, "limit": "media"})
async def play_head(request: Req, token: FromPath[str]) -> Response[None]:
    """The headers of a file."""
    stream = await host_of(request).playback.open(request.user, token, None)
    await stream.close()
    passed = {k.lower(): v for k, v in stream.headers.items() if k.lower() in PASSED_ON}
    return Response(None, status_code=stream.status, headers=passed)


HANDLERS = [image, play, play_head]
