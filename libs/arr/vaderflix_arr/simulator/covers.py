"""Posters: behind the key as the products' covers, and in the open as the metadata service's images."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from vaderflix_core.testing import Title

from .http import Reply, Row

if TYPE_CHECKING:
    from .engine import ArrSimulator

# a grey JPEG of one pixel, for a title without art
_PIXEL = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300ff"
    + "ff" * 63
    + "ffc0000b080001000101011100ffc40014000100000000000000000000000000000009"
    "ffc40014100100000000000000000000000000000000"
    "ffda0008010100003f0054df7fffd9"
)


def images(sim: ArrSimulator, title: Title, ident: int | None, local: bool, written: bool = True) -> list[Row]:
    """The image rows of a title. `ident` is None for one that is not in the library; `local` adds the product's url."""
    rows = []
    for kind in sim.cover_kinds:
        remote = f"{sim.host}/_simulator/images/{title.slug}-{kind}.jpg"
        row: Row = {"coverType": kind}
        if local and ident is None:
            digest = hashlib.sha256(remote.encode()).hexdigest()
            row["url"] = f"{sim.url_base}/MediaCoverProxy/{digest}/{title.slug}-{kind}.jpg"
        elif local:
            write = "?lastWrite=639309914829623768" if written else ""
            row["url"] = f"{sim.url_base}/MediaCover/{ident}/{kind}.jpg{write}"
        rows.append({**row, "remoteUrl": remote})
    return rows


def cover(sim: ArrSimulator, path: str) -> Reply | None:
    """The image at a path; None when the path is none of an image."""
    stored = re.match(r"/(?:api/v3/)?MediaCover/(\d+)/(\w+?)(?:-\d+)?\.(?:jpg|png)$", path, re.IGNORECASE)
    named = re.match(r"/(?:MediaCoverProxy/\w+|_simulator/images)/([\w-]+)-(\w+)\.jpg$", path)
    if stored:
        item = sim.store.get(sim.table, int(stored[1]))
        title, kind = (sim.title_of(item) if item else None), stored[2]
    elif named:
        title, kind = next((title for title in sim.titles if title.slug == named[1]), None), named[2]
    else:
        return None
    if title is None:
        return Reply(status=404, content_type=None)
    file = title.poster if kind == "poster" else title.still
    body = file.read_bytes() if file.exists() else _PIXEL
    return Reply(body=body, content_type="image/jpeg", headers={"Cache-Control": "public, max-age=3600"})
