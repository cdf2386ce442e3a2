"""Services: every configured instance with its state, and every plugin with the reason why one does not run."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from litestar import get, post
from litestar.params import FromPath

from vaderflix_core.api import Quality
from vaderflix_core.failures import Failure
from vaderflix_core.monitor.service import InstanceHealth
from vaderflix_core.plugins.records import InstanceConfig, InstanceRecord, PluginRecord
from vaderflix_core.requests.copies import copies_of

from ...auth import host_of
from ...i18n import _, ngettext
from ...page import Page, Req, go_to
from ...words.states import Chip, service_chip
from .common import admin_page

ROLE_WORDS = {
    "MediaSource": "holds titles",
    "Requester": "finds titles",
    "Downloader": "downloads",
    "Notifier": "tells people",
}


def plugin_chip(record: PluginRecord, off: bool) -> Chip:
    """The chip of a plugin."""
    if off or record.state == "disabled":
        return Chip(_("Off"), "circle")
    return {
        "loaded": Chip(_("Loaded"), "check", "ok"),
        "failed": Chip(_("Failed"), "x", "bad"),
        "incompatible": Chip(_("Does not fit"), "warn", "warn"),
    }.get(str(record.state), Chip(str(record.state), "info"))


def roles_line(record: InstanceRecord | None, copies: Collection[Quality] = ()) -> str:
    """What a running instance does, in a few words; `copies` are those that it gets."""
    words = {role: _(said) for role, said in ROLE_WORDS.items()}
    if Quality.FOUR_K in copies:
        words["Requester"] = _("finds titles, also in 4K") if len(copies) > 1 else _("finds titles in 4K")
    return ", ".join(words[r] for r in (record.roles if record else ()) if r in words)


def _headline(services: int, bad: int) -> str:
    if not services:
        return _("Nothing is connected yet. Add your library first.")
    if bad:
        return ngettext("%(n)s service needs a look.", "%(n)s services need a look.", bad) % {"n": bad}
    return _("All services run.")


def _row(request: Req, config: InstanceConfig, health: InstanceHealth | None) -> dict[str, Any]:
    """One service. One that runs is still down when its last check says so: it may answer nothing but nonsense."""
    host = host_of(request)
    record = host.supervisor.records.get(config.id)
    running = record is not None and record.state == "running"
    ails = running and health is not None and health.severity in ("warning", "error")
    down = ails and health is not None and health.severity == "error"
    return {
        "config": config,
        "record": record,
        "error": health.message if ails and health else record.error if record else "",
        "chip": service_chip(str(record.state) if record else "disabled", health.severity if health else None),
        "plugin": host.plugins.get(config.plugin),
        "roles": roles_line(record, copies_of(host.pool, config.id)),
        "retry": down or (record is not None and record.state in ("failed", "needs_attention", "retrying")),
    }


@get("/admin/services", opt={"permission": "settings"})
async def services(request: Req) -> Page:
    """The list."""
    host = host_of(request)
    configured = await host.instances.list()
    off = await host.instances.plugins_off()
    health = {one.instance: one for one in host.monitor.status()}
    rows = [_row(request, config, health.get(config.id)) for config in configured]
    plugins = [
        {
            "record": record,
            "chip": plugin_chip(record, record.id in off),
            "off": record.id in off,
            "by_file": record.id in host.config.disabled_plugins,
            "usable": record.state == "loaded" and record.id not in off,
        }
        for record in sorted(host.plugins.values(), key=lambda r: r.id)
    ]
    headline = _headline(len(rows), sum(1 for row in rows if row["retry"]))
    return await admin_page(request, "admin/services.html", rows=rows, plugins=plugins, headline=headline)


@post("/admin/services/{instance_id:str}/retry", opt={"permission": "settings"})
async def try_now(request: Req, instance_id: FromPath[str]) -> Page:
    """Try an instance at once, whatever it waits for."""
    host = host_of(request)
    await host.supervisor.retry(instance_id)
    await host.monitor.check_now(instance_id)
    record = host.supervisor.records.get(instance_id)
    back = request.headers.get("referer", "")
    path = "/admin" if back.endswith("/admin") else "/admin/services"
    if record is None:
        return go_to(request, path, refused=_("There is no such service."))
    health = next((h.severity for h in host.monitor.status() if h.instance == instance_id), None)
    works = record.state == "running" and not host.guard.breaker(instance_id).open and health != "error"
    said = _("%(name)s works again.") if works else _("%(name)s still does not work.")
    return go_to(request, path, said=said % {"name": record.config.name})


@post("/admin/services/{instance_id:str}/enabled", opt={"permission": "settings"})
async def set_enabled(request: Req, instance_id: FromPath[str]) -> Page:
    """Switch an instance on or off."""
    form = await request.form()
    on = form.get("on") == "yes"
    try:
        await host_of(request).instances.set_enabled(instance_id, on, request.user)
    except Failure as failure:
        return go_to(request, "/admin/services", refused=failure.message)
    return go_to(request, "/admin/services", said=_("Switched on") if on else _("Switched off"))


@post("/admin/plugins/{plugin:str}/enabled", opt={"permission": "settings"})
async def switch_plugin(request: Req, plugin: FromPath[str]) -> Page:
    """Switch all instances of a plugin on or off."""
    form = await request.form()
    on = form.get("on") == "yes"
    await host_of(request).instances.switch_plugin(plugin, on, request.user)
    return go_to(request, "/admin/services", said=_("Switched on") if on else _("Switched off"))


HANDLERS = [services, try_now, set_enabled, switch_plugin]
