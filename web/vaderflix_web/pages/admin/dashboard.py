"""The dashboard: first the answer, then the evidence; every panel is its own request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from vaderflix_core.api.events import DownloadsChanged, HealthChanged, InstanceChanged, RequestChanged
from vaderflix_core.requests.models import RequestState

from ...auth import host_of
from ...downloads_view import overview
from ...i18n import ngettext
from ...live import Changes, Event, batches, event_stream
from ...page import Page, Req, fragment, go_to
from ...words.dashboard import (
    Need,
    access_need,
    headline,
    instance_needs,
    log_need,
    plugin_needs,
    problem_need,
    removal_needs,
    request_need,
    share_end_need,
    share_need,
)
from ...words.states import health_chip
from .common import admin_page
from .requests import MOVING, is_stuck


async def _view(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Everything the live parts of the page show."""
    host, viewer = host_of(request), request.user
    may = viewer.permissions
    health = host.monitor.status()
    names = {i: r.config.name for i, r in host.supervisor.records.items()}
    needs: list[Need] = [*instance_needs(health), *plugin_needs(host.plugins.values())]
    needs += removal_needs(await host.library.pending_removals(), names)
    waiting = stuck = 0
    if "requests.manage" in may:
        counts = await host.requests.counts(viewer)
        waiting = counts.get(RequestState.PENDING, 0)
        open_ones = await host.requests.list(viewer, scope="all", states=(*MOVING, RequestState.FAILED), limit=200)
        stuck = sum(1 for r in open_ones if is_stuck(r))
        needs += request_need(waiting, stuck)
    if "problems.manage" in may:
        needs += problem_need(await host.problems.open_count(viewer))
    if "activity.view" in may:
        needs += log_need(await host.log_seal.alarm())
    if "users.manage" in may:
        needs += access_need(await host.access_requests.pending())
        needs += share_need(await host.sharing.given_up())
        needs += share_end_need(sum(1 for one in await host.share_ends.waiting() if one.retry_at is None))
    view = await overview(request)
    held = await host.library.count()
    return {
        "headline": headline(needs, services=len(health)),
        "needs": needs,
        "health": [(h, health_chip(h.severity), [b.severity for b in h.history]) for h in health],
        "downloads": view,
        "waiting": waiting,
        "stuck": stuck,
        "held": {str(kind): count for kind, count in held.items()},
        "now": host.clock(),
        "first_time": not health and not host.supervisor.records,
    }


@get("/admin", opt={"permission": "dashboard"})
async def dashboard(request: Req) -> Page:
    """The dashboard."""
    panels = [(record.config.id, panel) for record, panel in host_of(request).supervisor.panels()]
    return await admin_page(request, "admin/dashboard.html", panels=panels, **await _view(request))


@get("/live/dashboard", opt={"permission": "dashboard"})
async def live_dashboard(request: Req) -> ServerSentEvent:
    """The parts of the dashboard, as they change."""
    return event_stream(request, _changes(request))


async def _changes(request: Request[Any, Any, Any]) -> AsyncIterator[Event]:
    changes = Changes()
    async with host_of(request).bus.subscribe(
        HealthChanged, DownloadsChanged, InstanceChanged, RequestChanged
    ) as events:
        async for _batch in batches(events, 0.5):
            view = await _view(request)
            parts = {
                name: fragment(request, f"parts/dash_{name}.html", **view)
                for name in ("headline", "needs", "glance", "health", "downloads")
            }
            for change in changes.of(parts):
                yield change


@post("/admin/library/{instance:str}/removals", opt={"permission": "settings"})
async def confirm_removals(request: Req, instance: FromPath[str]) -> Page:
    """Take the titles out that a library no longer shows: an admin says that they are gone."""
    count = await host_of(request).library.confirm_removals(instance)
    said = ngettext("%(n)s title taken out", "%(n)s titles taken out", count) % {"n": count}
    return go_to(request, "/admin", said=said)


HANDLERS = [dashboard, live_dashboard, confirm_removals]
