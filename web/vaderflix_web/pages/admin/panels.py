"""The panels that plugins and services fill: each its own guarded request, so a broken one is a card and no more."""

from __future__ import annotations

import structlog
from litestar import get
from litestar.params import FromPath

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, page

log = structlog.get_logger("web.panels")
SECONDS = 8.0


@get("/admin/panels/{instance:str}/{panel_id:str}", opt={"permission": "dashboard"})
async def panel(request: Req, instance: FromPath[str], panel_id: FromPath[str]) -> Page:
    """One plugin panel, or the card that says why it is not there."""
    host = host_of(request)
    found = next(((r, p) for r, p in host.supervisor.panels() if r.config.id == instance and p.id == panel_id), None)
    if found is None:
        return page(request, "parts/panel_failed.html", name=panel_id, error=_("The service was switched off."))
    record, wanted = found
    answer = await host.guard.run(instance, record.config.name, f"panel {panel_id}", wanted.data, timeout=SECONDS)
    if not answer.ok:
        return page(request, "parts/panel_failed.html", name=record.config.name, error=answer.error)
    try:
        template = f"{record.config.plugin}::{wanted.template}"
        return page(request, template, data=answer.value, instance=record.config)
    except Exception as error:
        log.warning("panel_template_failed", instance=instance, panel=panel_id, exc_info=error)
        return page(
            request, "parts/panel_failed.html", name=record.config.name, error=_("Its template could not be shown.")
        )


@get("/admin/parts/storage", opt={"permission": "dashboard"})
async def storage(request: Req) -> Page:
    """The disks of all services that know theirs; one that several see is shown once."""
    answers = await host_of(request).fanout.all("Storage", "volumes", timeout=SECONDS)
    seen: dict[tuple[str, int | None], tuple[str, object]] = {}
    for answer in answers:
        for volume in answer.value or ():
            seen.setdefault((volume.path, volume.total), (answer.name, volume))
    return page(
        request,
        "parts/storage.html",
        volumes=list(seen.values()),
        silent=[a for a in answers if not a.ok],
        asked=len(answers),
    )


HANDLERS = [panel, storage]
