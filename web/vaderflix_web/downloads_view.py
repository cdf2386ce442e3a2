"""Downloads as rows: joined with the requests they serve."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from litestar import Request as HttpRequest
from msgspec import Struct

from vaderflix_core.api import Download
from vaderflix_core.requests.states import FOLLOWED

from .auth import host_of
from .formats import duration, part, size, speed
from .i18n import _, ngettext
from .words.requests import what
from .words.states import Chip, download_chip

if TYPE_CHECKING:
    from vaderflix_core.requests.models import Request

ORDER = ("downloading", "stalled", "failed", "checking", "moving", "queued", "paused", "unknown", "complete")


class Row(Struct, frozen=True, kw_only=True):
    """One download: its figures in one line, and whose request it is."""

    instance: str
    service: str
    download: Download
    name: str
    request: Request | None
    chip: Chip
    line: str
    percent: float


class Source(Struct, frozen=True, kw_only=True):
    """A downloader that did not answer: what is shown of it is as old as `read_at`, None when it never answered."""

    name: str
    error: str
    read_at: datetime | None


class Overview(Struct, frozen=True, kw_only=True):
    """All downloads, and what the downloaders that answer come to."""

    rows: tuple[Row, ...]
    silent: tuple[Source, ...]
    down: int
    moving: int
    none: bool  # there is no downloader at all

    @property
    def sentence(self) -> str:
        """What the page opens with."""
        if self.none:
            return _("No download client is connected.")
        if not self.moving:
            return _("What is downloading is not known right now.") if self.silent else _("Nothing is downloading now.")
        words = ngettext(
            "%(n)s download is moving at %(speed)s.", "%(n)s downloads are moving at %(speed)s.", self.moving
        )
        return words % {"n": self.moving, "speed": speed(self.down)}


def _line(download: Download) -> str:
    if download.state == "complete":
        return size(download.size)
    parts = [part(download.size - download.left, download.size) if download.size else ""]
    if download.down:
        parts.append(speed(download.down))
    if download.eta_seconds is not None and download.left:
        parts.append(_("%(time)s left") % {"time": duration(download.eta_seconds)})
    if download.error:
        parts.append(download.error)
    return " · ".join(p for p in parts if p)


async def overview(http: HttpRequest[Any, Any, Any]) -> Overview:
    """What all downloaders do now, the moving ones first."""
    host = host_of(http)
    host.downloads.watch()
    asked: dict[str, Request] = {}
    if "requests.manage" in http.user.permissions:
        for request in await host.requests.list(http.user, scope="all", states=FOLLOWED, limit=200):
            asked.update(dict.fromkeys(request.download_ids, request))
    rows, silent = [], []
    reports = host.downloads.reports()
    for report in reports:
        if report.outcome != "ok":
            silent.append(Source(name=report.name, error=report.error, read_at=report.read_at))
        for download in report.downloads:
            served = next((asked[i] for i in (download.id, *download.aliases) if i in asked), None)
            rows.append(
                Row(
                    instance=report.instance,
                    service=report.name,
                    download=download,
                    name=what(served) if served else download.name,
                    request=served,
                    chip=download_chip(str(download.state)),
                    line=_line(download),
                    percent=100 * download.progress,
                )
            )
    rows.sort(key=lambda r: (ORDER.index(str(r.download.state)), r.name.casefold()))
    known = {report.instance for report in reports if report.outcome == "ok"}
    moving = [r.download for r in rows if r.instance in known and r.download.state == "downloading"]
    return Overview(
        rows=tuple(rows),
        silent=tuple(silent),
        down=sum(download.down for download in moving),
        moving=len(moving),
        none=not host.pool.bindings("Downloader"),
    )
