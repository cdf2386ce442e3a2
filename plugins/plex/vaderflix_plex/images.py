"""Pictures, through Plex's own resizer."""

from __future__ import annotations

from vaderflix_core.api import BadAnswer, Image, Rejected

from .client import PlexClient
from .items import picture

_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")
LARGEST = 3840


class Pictures:
    """Images of one server."""

    def __init__(self, client: PlexClient) -> None:
        self.client = client

    async def image(self, ref: str, width: int) -> Image:
        """The picture at least `width` pixels wide, never larger than 3840."""
        if picture(ref) is None:
            raise Rejected("This is no picture of this library.")
        width = min(max(width, 16), LARGEST)
        height = width * 9 // 16 if "/art/" in ref else width * 3 // 2
        params = {"url": ref, "width": width, "height": height, "minSize": 1, "upscale": 0, "format": "jpeg"}
        http = await self.client.authorised()
        response = await http.request(
            "GET", "/photo/:/transcode", params=params, headers=self.client.headers({}), check=False
        )
        self.client.check(response)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in _TYPES or not response.content:
            raise BadAnswer(f"{self.client.url} answered a picture with {kind or 'nothing'}.")
        return Image(content_type=kind, data=response.content)
