"""Static files under hashed names: cached for a year, answered with 304 or in parts."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from pathlib import Path

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Response

from .ranges import Span, parse_range

ROOT = Path(__file__).parent / "static"
IMMUTABLE = "public, max-age=31536000, immutable"
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")


class Assets:
    """The files below one folder. One hash over all of them names their addresses: modules that import each other by
    relative addresses are then as immutable as the page's own links."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root.resolve()
        whole = hashlib.sha256()
        for path in sorted(p for p in self.root.rglob("*") if p.is_file()):
            whole.update(str(path.relative_to(self.root)).encode() + path.read_bytes())
        self.version = whole.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file. Raises `FileNotFoundError` for a name that is not there."""
        self.path(name)
        return f"/static/{self.version}/{name}"

    def path(self, name: str) -> Path:
        """The file of that name. Raises `FileNotFoundError` for anything outside the folder."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root) or not path.is_file():
            raise FileNotFoundError(name)
        return path


_OPT = {"permission": "public", "exclude_from_csrf": True, "no_session": True, "limit": "none"}


@get("/static/{digest:str}/{name:path}", opt=_OPT, include_in_schema=False)
async def static_file(request: Request, digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:  # type: ignore[type-arg]
    """One static file."""
    assets: Assets = request.app.state.assets
    try:
        path = assets.path(name.lstrip("/"))
    except (FileNotFoundError, ValueError, OSError):
        raise NotFoundException from None
    body = await asyncio.to_thread(path.read_bytes)
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        # An old page may ask for a hash that is gone: it gets today's file, but not for a year.
        "cache-control": IMMUTABLE if digest == assets.version else "no-cache",
    }
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if etag in (request.headers.get("if-none-match") or ""):
        return Response(b"", status_code=304, headers=headers, media_type=media)
    span = parse_range(request.headers.get("range"), len(body))
    if span is Span.UNSATISFIABLE:
        return Response(b"", status_code=416, headers={**headers, "content-range": f"bytes */{len(body)}"})
    if isinstance(span, slice):
        headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{len(body)}"
        return Response(body[span], status_code=206, headers=headers, media_type=media)
    return Response(body, headers=headers, media_type=media)


HANDLERS = [static_file]
