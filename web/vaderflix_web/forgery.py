"""Calls that change something come from our own pages or from programs, never from a foreign site's page.

Forms carry a token, and API calls with the session's cookies a header (`guards.py`). This stands beside them: it needs
nothing of the page, and holds where there is no session yet, so that no site can sign a browser in as somebody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vaderflix_core.failures import Failure, NotAllowed

from .auth import Connection, token_of
from .i18n import _

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

JSON = ("application/json", "application/merge-patch+json")


class NotJson(Failure):
    """The body is not said to be JSON."""

    code = "not_json"
    status = 415


async def own_pages_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard of the whole application. Raises `NotAllowed` for a browser that a foreign page sends."""
    if connection.scope.get("method") in ("GET", "HEAD", "OPTIONS"):
        return
    api = connection.scope["path"].startswith("/api/")
    if token_of(connection) is not None or (handler.opt.get("exclude_from_csrf") and not api):
        return
    if _foreign(connection):
        raise NotAllowed(_("This came from another site."), code="foreign_site")
    # browsers ask us first before they send JSON for another site
    kind = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if api and kind not in JSON and (kind or _has_body(connection)):
        raise NotJson(_("Send JSON, with the header Content-Type: application/json."))


def _foreign(connection: Connection) -> bool:
    """Browsers say where a call comes from, and no page can change what they say.

    Over plain http, unless it is to the same machine, they say it by the origin alone.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != connection.headers.get("host", "").lower()


def _has_body(connection: Connection) -> bool:
    return connection.headers.get("content-length", "0") != "0" or "transfer-encoding" in connection.headers
