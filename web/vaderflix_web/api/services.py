"""Plugins and the services they are configured with."""

from __future__ import annotations

from typing import Any

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody

from vaderflix_core.api.models import Choice
from vaderflix_core.api.settings import MASK, SettingField, fields
from vaderflix_core.plugins.records import InstanceConfig, PluginRecord, PluginState

from ..auth import host_of
from ..page import Req
from .shapes import SentTest, ServiceTest, ServiceValues

SETTINGS = {"permission": "settings"}


@get("/plugins", opt=SETTINGS)
async def plugins(request: Req) -> list[dict[str, Any]]:
    """Every installed plugin: its state, why it did not load if so, and the fields of its settings."""
    return [_plugin(record) for record in host_of(request).plugins.values()]


@get("/services", opt=SETTINGS)
async def listing(request: Req) -> list[dict[str, Any]]:
    """Every configured service and what it does now; secrets are masked."""
    host = host_of(request)
    return [_service(request, one) for one in await host.instances.list()]


@get("/services/{instance:str}", opt=SETTINGS)
async def one(request: Req, instance: FromPath[str]) -> dict[str, Any]:
    """One service."""
    return _service(request, await host_of(request).instances.get(instance))


@put("/services/{instance:str}", opt=SETTINGS)
async def save(request: Req, instance: FromPath[str], data: JSONBody[ServiceValues]) -> dict[str, Any]:
    """Add a service, or change it; it runs as it is now, without a restart.

    It is tested first when it is to run and is new, was off, or gets other settings. Where it does not answer as it
    should, this is 422 `service_not_reached` with what to mend, and nothing is saved; `anyway` saves it untested.
    """
    host = host_of(request)
    saved = await host.instances.save_tested(
        id=instance,
        plugin=data.plugin,
        name=data.name,
        settings=data.settings,
        enabled=data.enabled,
        priority=data.priority,
        anyway=data.anyway,
        actor=request.user,
    )
    if data.anyway:
        await host.monitor.check_now(saved.id)
    return _service(request, saved)


@delete("/services/{instance:str}", opt=SETTINGS, status_code=204)
async def remove(request: Req, instance: FromPath[str]) -> None:
    """Forget a service."""
    await host_of(request).instances.remove(instance, request.user)


@post("/services/{instance:str}/enable", opt=SETTINGS, status_code=204)
async def enable(request: Req, instance: FromPath[str]) -> None:
    """Switch a service on."""
    await host_of(request).instances.set_enabled(instance, True, request.user)


@post("/services/{instance:str}/disable", opt=SETTINGS, status_code=204)
async def disable(request: Req, instance: FromPath[str]) -> None:
    """Switch a service off; its settings are kept."""
    await host_of(request).instances.set_enabled(instance, False, request.user)


@post("/services/{instance:str}/retry", opt=SETTINGS, status_code=204)
async def retry(request: Req, instance: FromPath[str]) -> None:
    """Try a service now, whatever it waits for."""
    host = host_of(request)
    await host.instances.get(instance)
    await host.supervisor.retry(instance)


@post("/services/test", opt=SETTINGS, status_code=200)
async def test(request: Req, data: JSONBody[ServiceTest]) -> dict[str, Any]:
    """Reach the service behind these settings: `ok`, who answered, or what to mend."""
    host = host_of(request)
    stored = await host.instances.get(data.instance) if data.instance else None
    complete = host.instances.checked(data.plugin, data.settings, stored)
    result = await host.supervisor.test(data.plugin, complete)
    return {"ok": result.ok, "message": result.message, "info": result.info, "fields": result.errors}


@post("/services/{instance:str}/send-test", opt=SETTINGS, status_code=200)
async def send_test(request: Req, instance: FromPath[str]) -> SentTest:
    """Send a made-up notification to yourself over one service, now."""
    host = host_of(request)
    await host.instances.get(instance)
    answer = await host.notify.send_test(instance, request.user)
    await host.activity.log(request.user, "service.message_tested", instance)
    return SentTest(ok=answer.ok, message=answer.value.detail if answer.value is not None else answer.error)


@post("/services/choices", opt=SETTINGS, status_code=200)
async def choices(request: Req, data: JSONBody[ServiceTest]) -> dict[str, list[Choice]]:
    """The values that the service offers for its settings."""
    host = host_of(request)
    stored = await host.instances.get(data.instance) if data.instance else None
    return await host.supervisor.choices(data.plugin, host.instances.checked(data.plugin, data.settings, stored))


def _plugin(record: PluginRecord) -> dict[str, Any]:
    info = record.info
    return {
        "id": record.id,
        "name": info.name if info else record.id,
        "summary": info.summary if info else "",
        "distribution": record.distribution,
        "version": record.version,
        "state": record.state,
        "error": record.error,
        "trace": record.trace,
        "fields": [_field(field) for field in fields(info.settings)] if info else [],
    }


def _field(field: SettingField) -> dict[str, Any]:
    shown = {name: getattr(field, name) for name in field.__struct_fields__}
    return shown | ({"default": None} if field.kind == "secret" else {})


def _service(request: Req, config: InstanceConfig) -> dict[str, Any]:
    host = host_of(request)
    record = host.instances.record(config.id)
    plugin = host.plugins.get(config.plugin)
    loaded = plugin is not None and plugin.state is PluginState.LOADED and plugin.info is not None
    kinds = {f.name: f.kind for f in fields(plugin.info.settings)} if loaded and plugin and plugin.info else {}
    return {
        "id": config.id,
        "plugin": config.plugin,
        "name": config.name,
        "enabled": config.enabled,
        "priority": config.priority,
        "managed_by_file": config.managed_by_file,
        # a plugin that did not load cannot say which of its values are secret: all are masked then
        "settings": {
            name: (MASK if kinds.get(name, "secret") == "secret" and value else value)
            for name, value in config.settings.items()
        },
        "state": record.state if record else "stopped",
        "error": record.error if record else "",
        "retry_at": record.retry_at if record else None,
        "roles": list(record.roles) if record else [],
        "webhook": host.hints.address(config.id),
    }


HANDLERS = [plugins, listing, one, save, remove, enable, disable, retry, test, send_test, choices]
