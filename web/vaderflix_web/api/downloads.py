"""What is being downloaded."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.api.models import Download, DownloadAction

from ..auth import host_of
from ..page import Req
from .shapes import DownloadOut


@get("/downloads", opt={"permission": "downloads.manage"})
async def listing(request: Req) -> dict[str, object]:
    """All downloads, and for each downloader whether it answered: a silent one shows its last known downloads."""
    downloads = host_of(request).downloads
    downloads.watch()
    reports = downloads.reports()
    return {
        "downloads": [_out(report.instance, one) for report in reports for one in report.downloads],
        "sources": [
            {"instance": r.instance, "name": r.name, "outcome": r.outcome, "error": r.error, "read_at": r.read_at}
            for r in reports
        ],
    }


@post(
    "/downloads/{instance:str}/{download_id:str}/{action:str}", opt={"permission": "downloads.manage"}, status_code=204
)
async def act(
    request: Req, instance: FromPath[str], download_id: FromPath[str], action: FromPath[DownloadAction]
) -> None:
    """Do one thing to one download."""
    await host_of(request).downloads.act(request.user, instance, download_id, action)


def _out(instance: str, download: Download) -> DownloadOut:
    return DownloadOut(
        instance=instance,
        id=download.id,
        name=download.name,
        state=download.state,
        progress=download.progress,
        size=download.size,
        left=download.left,
        down=download.down,
        up=download.up,
        eta_seconds=download.eta_seconds,
        category=download.category,
        error=download.error,
        actions=list(DownloadAction),
    )


HANDLERS = [listing, act]
