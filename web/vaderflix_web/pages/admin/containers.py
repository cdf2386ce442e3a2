"""Containers: how they are, what they write, and the restart of one."""

from __future__ import annotations

import hashlib
from datetime import datetime, tzinfo
from urllib.parse import quote

from litestar import get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from msgspec import Struct

from vaderflix_core.api.models import LogLine
from vaderflix_core.failures import Failure, Missing, SourceFailed

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to, is_htmx, page, zone_of
from ...words.states import container_chip
from .common import admin_page

LINES = 200
VIEW = {"permission": "containers.view"}
HERE = "/admin/containers"


class Line(Struct, frozen=True, kw_only=True):
    """One line of a log: its time of day in the viewer's zone, and the moment where a new day begins."""

    clock: str
    stream: str
    text: str
    new_day: datetime | None = None


class Log(Struct, frozen=True, kw_only=True):
    """The lines of a log; `mark` changes when they do, `trouble` says why there are none."""

    lines: tuple[Line, ...] = ()
    mark: str = ""
    trouble: str = ""


@get(HERE, opt=VIEW)
async def containers(request: Req) -> Page:
    """The list, or its part that is read again while the page is open."""
    reports = await host_of(request).containers.reports(request.user)
    if is_htmx(request):
        return page(request, "parts/containers.html", reports=reports, chip=container_chip)
    return await admin_page(request, "admin/containers.html", reports=reports, chip=container_chip)


@get(HERE + "/{instance:str}/{container_id:str}/logs", opt={"permission": "logs.view"})
async def logs(
    request: Req,
    instance: FromPath[str],
    container_id: FromPath[str],
    mark: FromQuery[str] = "",
    follow: FromQuery[str] = "yes",
) -> Page:
    """What one container wrote last; asked for as a part, nothing when no line is new since `mark`."""
    path = f"{HERE}/{quote(instance, safe='')}/{quote(container_id, safe='')}/logs"
    if is_htmx(request):
        log = await _log(request, instance, container_id)
        if log.mark and log.mark == mark:
            return Response("", status_code=204, media_type=MediaType.HTML)
        return page(request, "parts/container_log.html", log=log, path=path, follow=True)
    report, container = await host_of(request).containers.get(request.user, instance, container_id)
    return await admin_page(
        request,
        "admin/container_logs.html",
        report=report,
        container=container,
        log=await _log(request, instance, container_id),
        path=path,
        follow=follow != "no",
    )


@get(HERE + "/{instance:str}/{container_id:str}/restart", opt={"permission": "containers.restart"})
async def ask_restart(request: Req, instance: FromPath[str], container_id: FromPath[str]) -> Page:
    """The question before a restart, naming the container."""
    report, container = await host_of(request).containers.get(request.user, instance, container_id)
    return await admin_page(request, "parts/container_restart.html", report=report, container=container)


@post(HERE + "/{instance:str}/{container_id:str}/restart", opt={"permission": "containers.restart"})
async def restart(request: Req, instance: FromPath[str], container_id: FromPath[str]) -> Page:
    """Restart it, and go back to the list."""
    try:
        container = await host_of(request).containers.restart(request.user, instance, container_id)
    except Failure as failure:
        return go_to(request, HERE, refused=failure.message)
    return go_to(request, HERE, said=_("“%(name)s” was restarted") % {"name": container.name})


async def _log(request: Req, instance: str, container_id: str) -> Log:
    try:
        found = await host_of(request).containers.logs(request.user, instance, container_id, LINES)
    except (Missing, SourceFailed) as failure:
        return Log(trouble=failure.message)
    told = "\n".join(f"{line.at} {line.stream} {line.text}" for line in found)
    mark = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]
    return Log(lines=_lines(found, zone_of(request)), mark=mark)


def _lines(found: list[LogLine], zone: tzinfo) -> tuple[Line, ...]:
    lines, last = [], None
    for one in found:
        local = one.at.astimezone(zone) if one.at else None
        new_day = local if local is not None and local.date() != last else None
        last = local.date() if local else last
        clock = f"{local:%H:%M:%S}" if local else ""
        lines.append(Line(clock=clock, stream=one.stream, text=one.text, new_day=new_day))
    return tuple(lines)


HANDLERS = [containers, logs, ask_restart, restart]
