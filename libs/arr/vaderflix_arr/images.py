"""Pictures of titles: paths of the service's own, fetched with our key, never an address from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx

from vaderflix_core.api import BadAnswer, Image, NotFound, Rejected

from .client import API, ArrClient
from .wire import Picture

OWN = re.compile(
    r"/(MediaCover|MediaCoverProxy)/([\w-]+)/([\w-]+(?:\.[\w-]+)*\.(?:jpe?g|png|gif|webp))(?:\?lastWrite=\d+)?",
    re.ASCII,
)
RESIZED = {"poster.jpg": (250, 500), "fanart.jpg": (360,)}  # widths that the services keep beside the original


def reference(pictures: Iterable[Picture], cover_type: str) -> str | None:
    """The first picture of a type as a reference: its path from `/MediaCover` on, without the URL base before it."""
    for picture in pictures:
        if picture.cover_type == cover_type and picture.url:
            start = picture.url.find("/MediaCover")
            if start >= 0 and OWN.fullmatch(picture.url[start:]):
                return picture.url[start:]
    return None


async def fetch(client: ArrClient, ref: str, width: int) -> Image:
    """The picture a reference leads to. Raises `Rejected` for anything that is no reference of ours."""
    found = OWN.fullmatch(ref)
    if found is None:
        raise Rejected("This is not a picture of the service.")
    folder, owner, name = found.groups()
    paths = [f"/{folder}/{owner}/{name}"]
    if folder == "MediaCover":
        # the pages' own path ignores the key when the service asks people to sign in; the API's does not
        fitting = [size for size in RESIZED.get(name, ()) if size >= width]
        small = name.replace(".jpg", f"-{fitting[0]}.jpg") if fitting else name
        paths = [f"{API}/mediacover/{owner}/{small}", f"{API}/mediacover/{owner}/{name}", *paths]
    for path in dict.fromkeys(paths):
        try:
            response = await client.http.request("GET", path)
        except NotFound:
            continue
        return _image(response)
    raise NotFound("The service has no such picture.")


def _image(response: httpx.Response) -> Image:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html":
        raise NotFound("The service asks to sign in before it shows this picture.")
    if not kind.startswith("image/") or kind == "image/svg+xml":
        raise BadAnswer("The service answered with something that is no picture.")
    return Image(content_type=kind, data=response.content)
