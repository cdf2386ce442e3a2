"""All downloads, live, with the few things that can be done to one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from vaderflix_core.api import DownloadAction
from vaderflix_core.api.events import DownloadsChanged, InstanceChanged
from vaderflix_core.failures import Failure, Missing

from ...auth import host_of
from ...downloads_view import overview
from ...i18n import _
from ...live import Changes, Event, batches, event_stream
from ...page import Page, Req, fragment, go_to
from .common import admin_page

SAID = {
    DownloadAction.PAUSE: "Paused",
    DownloadAction.RESUME: "Going on",
    DownloadAction.RECHECK: "Its files are being checked",
    DownloadAction.FIRST: "Moved to the front",
    DownloadAction.DELETE: "Removed; its files stay",
    DownloadAction.DELETE_WITH_FILES: "Removed with its files",
}


@get("/admin/downloads", opt={"permission": "downloads.manage"})
async def downloads(request: Req) -> Page:
    """The page of downloads."""
    return await admin_page(request, "admin/downloads.html", view=await overview(request))


@get("/live/downloads", opt={"permission": "downloads.manage"})
async def live_downloads(request: Req) -> ServerSentEvent:
    """The rows of that page, as they change."""
    return event_stream(request, _changes(request))


async def _changes(request: Request[Any, Any, Any]) -> AsyncIterator[Event]:
    changes = Changes()
    async with host_of(request).bus.subscribe(DownloadsChanged, InstanceChanged) as events:
        async for _batch in batches(events):
            view = await overview(request)
            parts = {
                "sentence": fragment(request, "parts/text.html", text=view.sentence),
                "rows": fragment(request, "parts/download_rows.html", view=view),
            }
            for change in changes.of(parts):
                yield change


@get("/admin/downloads/{instance:str}/{download_id:str}/remove", opt={"permission": "downloads.manage"})
async def ask_remove(request: Req, instance: FromPath[str], download_id: FromPath[str]) -> Page:
    """The question before something is removed, with how much it is."""
    view = await overview(request)
    row = next((r for r in view.rows if r.instance == instance and r.download.id == download_id), None)
    if row is None:
        raise Missing("This download is gone.")
    return await admin_page(request, "parts/download_remove.html", row=row)


@post("/admin/downloads/{instance:str}/{download_id:str}", opt={"permission": "downloads.manage"})
async def act(request: Req, instance: FromPath[str], download_id: FromPath[str]) -> Page:
    """Do one thing to one download."""
    form = await request.form()
    try:
        action = DownloadAction(str(form.get("action", "")))
        await host_of(request).downloads.act(request.user, instance, download_id, action)
    except ValueError:
        return go_to(request, "/admin/downloads", refused=_("There is no such action."))
    except Failure as failure:
        return go_to(request, "/admin/downloads", refused=failure.message)
    return go_to(request, "/admin/downloads", said=_(SAID[action]))


HANDLERS = [downloads, live_downloads, ask_remove, act]
