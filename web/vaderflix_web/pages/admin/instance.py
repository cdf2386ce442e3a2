"""Adding and editing one service: the form made of its plugin's settings, tested before it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath

from vaderflix_core.api import Choice, Notifier
from vaderflix_core.api.settings import fields
from vaderflix_core.failures import Conflict, Failure, Invalid, Missing, NotAllowed
from vaderflix_core.instances import NotReached
from vaderflix_core.plugins.records import InstanceConfig, PluginRecord
from vaderflix_core.plugins.supervisor import TestResult

from ...auth import host_of
from ...forms import values_of, views
from ...i18n import _
from ...page import Page, Req, go_to, is_htmx, page
from ...proof import site_of
from ...words.states import health_chip, service_chip
from .common import admin_page


def _plugin(request: Req, plugin: str) -> PluginRecord:
    record = host_of(request).plugins.get(plugin)
    if record is None or record.info is None or record.state != "loaded":
        raise Missing("There is no such plugin.")
    return record


async def _form_page(
    request: Req,
    plugin: PluginRecord,
    *,
    config: InstanceConfig | None,
    values: Mapping[str, Any] | None = None,
    base: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    base_errors: Mapping[str, str] | None = None,
    problem: str = "",
    offered: Mapping[str, list[Choice]] | None = None,
    can_anyway: bool = False,
    status: int = 200,
) -> Page:
    assert plugin.info is not None
    host = host_of(request)
    stored = config.settings if config else {}
    record = host.supervisor.records.get(config.id) if config else None
    calls = host.hints.address(config.id) if config else None
    health = next((h for h in host.monitor.status() if config and h.instance == config.id), None)
    shown = views(
        plugin.info.settings,
        values if values is not None else stored,
        stored=stored,
        errors=errors,
        choices=offered,
    )
    base = base or {
        "name": config.name if config else plugin.info.name,
        "priority": str(config.priority if config else 50),
        "enabled": "on" if config is None or config.enabled else "",
    }
    return await admin_page(
        request,
        "admin/instance.html",
        status=status,
        plugin=plugin,
        info=plugin.info,
        config=config,
        record=record,
        chip=service_chip(str(record.state), health.severity if health else None) if record else None,
        health=health,
        webhook=f"{site_of(request).origin}{calls}" if calls else "",
        health_chip=health_chip(health.severity) if health else None,
        plain=[f for f in shown if not f.advanced],
        advanced=[f for f in shown if f.advanced],
        advanced_open=any(f.error for f in shown if f.advanced),
        dynamic=any(f.dynamic for f in shown),
        base=base,
        errors=base_errors or {},
        problem=problem,
        can_anyway=can_anyway,
        notifies=bool(config and host.pool.bindings(Notifier, instance=config.id)),
        locked=bool(config and config.managed_by_file),
    )


@get("/admin/services/new/{plugin_id:str}", opt={"permission": "settings"})
async def new(request: Req, plugin_id: FromPath[str]) -> Page:
    """The empty form."""
    return await _form_page(request, _plugin(request, plugin_id), config=None)


@get("/admin/services/{instance_id:str}", opt={"permission": "settings"})
async def edit(request: Req, instance_id: FromPath[str]) -> Page:
    """The form of an existing service."""
    config = await host_of(request).instances.get(instance_id)
    plugin = host_of(request).plugins.get(config.plugin)
    if plugin is None or plugin.info is None:
        return await admin_page(request, "admin/instance_broken.html", config=config, plugin=plugin)
    return await _form_page(request, plugin, config=config)


def slug(name: str, taken: set[str]) -> str:
    """An id made of a name, free among those that are taken: `Films 4K` is `films-4k`."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "service"
    number, found = 2, plain
    while found in taken or found == "new":
        found, number = f"{plain}-{number}", number + 1
    return found


async def _refused(
    request: Req,
    plugin: PluginRecord,
    config: InstanceConfig | None,
    form: FormMultiDict,
    *,
    problem: str = "",
    errors: Mapping[str, str] | None = None,
    base_errors: Mapping[str, str] | None = None,
    result: TestResult | None = None,
) -> Page:
    """The form with what is wrong. Where a script runs only that is sent: what was typed, keys and all, stays there."""
    assert plugin.info is not None
    host, settings = host_of(request), plugin.info.settings
    values, errors = values_of(settings, form), errors or {}
    if is_htmx(request):
        shown = views(settings, values, stored=config.settings if config else {}, errors=errors)
        return page(
            request,
            "parts/save_refused.html",
            headers={"hx-trigger-after-settle": "refused"},
            problem=problem or next(iter((base_errors or {}).values()), ""),
            result=result,
            errors=errors,
            labels={f.name: f.label for f in fields(settings)},
            fields=[f for f in shown if f.error or not (f.dynamic or f.kind == "secret")],
            can_anyway=result is not None,
        )
    offered: dict[str, list[Choice]] = {}
    if any(f.dynamic for f in fields(settings)):
        try:
            offered = await host.supervisor.choices(plugin.id, host.instances.checked(plugin.id, values, config))
        except Invalid:
            pass  # what is not complete cannot be asked
    return await _form_page(
        request,
        plugin,
        config=config,
        values=values,
        base={k: str(form.get(k, "")) for k in ("name", "priority", "enabled")},
        errors=errors,
        base_errors=base_errors,
        problem=problem or (result.message if result else ""),
        offered=offered,
        can_anyway=result is not None,
        status=422,
    )


async def _save(request: Req, plugin: PluginRecord, config: InstanceConfig | None, form: FormMultiDict) -> Page:
    assert plugin.info is not None
    host, instances = host_of(request), host_of(request).instances
    name, priority, enabled = (str(form.get(k, "")) for k in ("name", "priority", "enabled"))
    values = values_of(plugin.info.settings, form)
    if not priority.isdigit() or not 1 <= int(priority) <= 999:
        wrong = {"priority": _("Use a number from 1 to 999. 1 is asked first.")}
        return await _refused(request, plugin, config, form, base_errors=wrong)
    if not name.strip():
        return await _refused(request, plugin, config, form, base_errors={"name": _("A name is needed")})
    try:
        saved = await instances.save_tested(
            id=config.id if config else slug(name, {c.id for c in await instances.list()}),
            plugin=plugin.id,
            name=name,
            settings=values,
            enabled=bool(enabled),
            priority=int(priority),
            new=config is None,
            anyway=bool(form.get("anyway")),
            actor=request.user,
        )
    except NotReached as failure:
        return await _refused(request, plugin, config, form, errors=failure.fields, result=failure.result)
    except Invalid as failure:
        return await _refused(request, plugin, config, form, errors=failure.fields, problem=failure.message)
    except (Conflict, NotAllowed) as failure:
        return await _refused(request, plugin, config, form, problem=failure.message)
    if form.get("anyway"):
        await host.monitor.check_now(saved.id)
    said = _("%(name)s was added") if config is None else _("%(name)s was saved")
    return go_to(request, f"/admin/services/{saved.id}", said=said % {"name": saved.name})


@post("/admin/services/new/{plugin_id:str}", opt={"permission": "settings"})
async def create(request: Req, plugin_id: FromPath[str]) -> Page:
    """Add a service."""
    return await _save(request, _plugin(request, plugin_id), None, await request.form())


@post("/admin/services/{instance_id:str}", opt={"permission": "settings"})
async def save(request: Req, instance_id: FromPath[str]) -> Page:
    """Save a service."""
    config = await host_of(request).instances.get(instance_id)
    return await _save(request, _plugin(request, config.plugin), config, await request.form())


async def _settings(request: Req) -> tuple[PluginRecord, InstanceConfig | None, dict[str, Any]]:
    """The complete settings that a sent form means, stored secrets included. Raises `Invalid`."""
    form = await request.form()
    plugin = _plugin(request, str(form.get("plugin", "")))
    assert plugin.info is not None
    instances = host_of(request).instances
    known = str(form.get("instance", ""))
    config = await instances.get(known) if known else None
    if config is not None and config.plugin != plugin.id:
        raise Missing("There is no such service.")
    if config is not None and config.managed_by_file:
        return plugin, config, dict(config.settings)
    return plugin, config, instances.checked(plugin.id, values_of(plugin.info.settings, form), config)


@post("/admin/test-connection", opt={"permission": "settings"})
async def test_connection(request: Req) -> Page:
    """Ask the service behind the form who it is; the result is its own part beside the form."""
    template = "parts/test_result.html"
    record = _plugin(request, str((await request.form()).get("plugin", "")))
    labels = {f.name: f.label for f in fields(record.info.settings)} if record.info else {}
    try:
        plugin, _config, settings = await _settings(request)
    except Invalid as failure:
        shown: dict[str, Any] = {"problem": failure.message, "errors": failure.fields, "labels": labels}
        return page(request, template, result=None, **shown)
    result = await host_of(request).supervisor.test(plugin.id, settings)
    headers = {"hx-trigger": "tested"} if result.ok else None
    return page(request, template, headers=headers, result=result, problem="", errors=result.errors, labels=labels)


@post("/admin/services/{instance_id:str}/send-test", opt={"permission": "settings"})
async def send_test(request: Req, instance_id: FromPath[str]) -> Page:
    """Send a made-up notification to whoever asks; what the channel says is its own part beside the form."""
    host, viewer = host_of(request), request.user
    config = await host.instances.get(instance_id)
    try:
        answer = await host.notify.send_test(config.id, viewer)
    except Conflict as failure:
        return page(request, "parts/sent_test.html", ok=False, said=failure.message)
    await host.activity.log(viewer, "service.message_tested", config.id)
    said = answer.value.detail if answer.value is not None else answer.error
    return page(request, "parts/sent_test.html", ok=answer.ok, said=said)


@post("/admin/choices", opt={"permission": "settings"})
async def choices(request: Req) -> Page:
    """The fields whose values the service offers, with what it offers now."""
    form = await request.form()
    try:
        plugin, config, settings = await _settings(request)
    except Failure:
        return page(request, "parts/choices.html", fields=[])
    assert plugin.info is not None
    offered = await host_of(request).supervisor.choices(plugin.id, settings)
    stored = config.settings if config else {}
    shown = views(plugin.info.settings, values_of(plugin.info.settings, form), stored=stored, choices=offered)
    return page(request, "parts/choices.html", fields=[f for f in shown if f.dynamic and f.name in offered])


@post("/admin/services/{instance_id:str}/remove", opt={"permission": "settings"})
async def remove(request: Req, instance_id: FromPath[str]) -> Page:
    """Forget a service."""
    instances = host_of(request).instances
    try:
        config = await instances.get(instance_id)
        await instances.remove(instance_id, request.user)
    except Failure as failure:
        return go_to(request, "/admin/services", refused=failure.message)
    return go_to(request, "/admin/services", said=_("%(name)s was removed") % {"name": config.name})


HANDLERS = [new, edit, create, save, test_connection, send_test, choices, remove]
