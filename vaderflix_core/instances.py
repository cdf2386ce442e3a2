"""The configured instances: the file's and the admins', merged, edited at run time."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from .access.activity import changed, note
from .access.models import User
from .access.outside import provider_of
from .access.rights import check_above, check_everything
from .api.events import InstanceChanged
from .api.settings import BadSettings, Settings, dump, fields, leads_elsewhere, parse
from .bus import Bus
from .config import Config, ConfigError, load_config
from .failures import Conflict, Invalid, Missing
from .plugins.records import InstanceConfig, InstanceRecord, PluginRecord, PluginState
from .plugins.supervisor import Supervisor, TestResult
from .store import identities as identity_store
from .store import instances as store
from .store import users as user_store
from .store.database import Database
from .vault import Vault

Configs = list[InstanceConfig]  # the method `list` hides the type of that name inside the class
log = structlog.get_logger("instances")

ID = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")


class NotReached(Invalid):
    """The service behind some settings did not pass its test; `result` says how."""

    code = "service_not_reached"

    def __init__(self, result: TestResult) -> None:
        super().__init__(f"{result.message} Nothing was saved.", result.errors)
        self.result = result


class Instances:
    """All instances. Every change is stored, and then carried out without a restart."""

    def __init__(
        self,
        db: Database,
        config: Config,
        vault: Vault,
        bus: Bus,
        supervisor: Supervisor,
        plugins: dict[str, PluginRecord],
        clock: Callable[[], datetime],
        on_edited: Callable[[], None] = lambda: None,
        on_removed: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._db = db
        self._file = config.file
        self._written = _changed_at(config.file)
        self._of_file = config.instances
        self._off_by_file = config.disabled_plugins
        self._vault = vault
        self._bus = bus
        self._supervisor = supervisor
        self._plugins = plugins
        self._clock = clock
        self._on_edited = on_edited
        self._on_removed = on_removed

    async def list(self) -> Configs:
        """Every configured instance; where the file and a row share an id, the file wins."""
        rows = await self._db.read(store.all_instances)
        found = {row.id: self._unseal(row) for row in rows}
        found |= {one.id: one for one in self._of_file}
        return sorted(found.values(), key=lambda one: (one.plugin, one.priority, one.id))

    async def get(self, instance_id: str) -> InstanceConfig:
        """One instance. Raises `Missing`."""
        for one in await self.list():
            if one.id == instance_id:
                return one
        raise Missing("There is no such service.")

    def record(self, instance_id: str) -> InstanceRecord | None:
        """What an instance does now."""
        return self._supervisor.records.get(instance_id)

    def _context(self, instance_id: str) -> str:
        return f"instance:{instance_id}"

    def _unseal(self, row: store.StoredInstance) -> InstanceConfig:
        opened = self._vault.open(row.settings, self._context(row.id))
        return InstanceConfig(
            id=row.id,
            plugin=row.plugin,
            name=row.name,
            enabled=row.enabled,
            priority=row.priority,
            settings=msgspec.json.decode(opened),
            version=row.version,
        )

    def _plugin(self, plugin: str) -> PluginRecord:
        record = self._plugins.get(plugin)
        if record is None or record.state is not PluginState.LOADED or record.info is None:
            raise Missing("This plugin is not installed, or did not load.")
        return record

    def checked(self, plugin: str, values: dict[str, Any], stored: InstanceConfig | None) -> dict[str, Any]:
        """A form's values as complete settings, secrets revealed; masks keep what is stored. Raises `Invalid`."""
        kind, before = self._before(plugin, stored)
        try:
            return dump(parse(kind, values, before), reveal=True)
        except BadSettings as error:
            raise Invalid("Some settings need another look.", error.errors) from error

    def _before(self, plugin: str, stored: InstanceConfig | None) -> tuple[type[Settings], Settings | None]:
        """The type of a plugin's settings, and the stored ones; None when there are none, or none that still fit."""
        info = self._plugin(plugin).info
        assert info is not None
        try:
            return info.settings, parse(info.settings, stored.settings) if stored is not None else None
        except BadSettings:
            return info.settings, None

    def _leads_elsewhere(self, plugin: str, complete: dict[str, Any], stored: InstanceConfig | None) -> bool:
        kind, before = self._before(plugin, stored)
        return before is None or leads_elsewhere(parse(kind, complete), before)

    def _check_reach(self, conn: Connection, actor: User, plugin: str, id: str) -> None:
        """Raise `NotAllowed` when who says where this service is would come to rights that they lack."""
        if "notifiers" in self._plugin(plugin).hooks:
            check_everything(actor, "Links for new passwords go this way. Only an admin can say where it leads.")
        # the service says who its people are, and with that opens their accounts here
        for user_id in set(identity_store.of_provider(conn, provider_of(plugin, id)).values()):
            if (user := user_store.get(conn, user_id)) is not None:
                check_above(actor, user)

    async def save(self, *, id: str, **values: Any) -> InstanceConfig:
        """`store` an instance, and start it as it is now."""
        await self.store(id=id, **values)
        await self.reconcile()
        return await self.get(id)

    async def save_tested(
        self,
        *,
        id: str,
        plugin: str,
        name: str,
        settings: dict[str, Any],
        enabled: bool,
        priority: int,
        actor: User,
        new: bool = False,
        anyway: bool = False,
    ) -> InstanceConfig:
        """`save` once the service behind the settings has answered, or `anyway`.

        It is asked when it is going to run and that is not proven: new, off until now, or with other settings. Raises
        `NotReached` when it does not answer as it should; then nothing is saved.
        """
        stored, complete = await self._savable(id, plugin, name, settings, new)
        unproven = stored is None or not stored.enabled or complete != stored.settings
        if enabled and unproven and not anyway:
            result = await self._supervisor.test(plugin, complete)
            if not result.ok:
                raise NotReached(result)
        return await self.save(
            id=id,
            plugin=plugin,
            name=name,
            settings=settings,
            enabled=enabled,
            priority=priority,
            new=new,
            actor=actor,
        )

    async def store(
        self,
        *,
        id: str,
        plugin: str,
        name: str,
        settings: dict[str, Any],
        enabled: bool = True,
        priority: int = 50,
        new: bool = False,
        actor: User | None = None,
    ) -> None:
        """Keep an instance; it is started at the next `reconcile`. Raises `Invalid`, `Conflict`, `Missing`.

        Raises `NotAllowed` for an `actor` who leads mails elsewhere and is no admin, or leads the sign-in of somebody
        with more rights elsewhere.
        """
        stored, complete = await self._savable(id, plugin, name, settings, new)
        row = store.StoredInstance(
            id=id,
            plugin=plugin,
            name=name.strip()[:120],
            enabled=enabled,
            priority=priority,
            settings=self._vault.seal(msgspec.json.encode(complete), self._context(id)),
            version=0,
        )
        now = self._clock()
        moved = self._leads_elsewhere(plugin, complete, stored)
        info = self._plugin(plugin).info
        labels = {field.name: field.label for field in fields(info.settings)} if info else {}
        old, fresh = changed(*_shown(stored, row, complete, labels))

        def work(conn: Connection) -> None:
            if actor is not None and moved:
                self._check_reach(conn, actor, plugin, id)
            store.put(conn, row, now)
            if fresh:
                note(conn, now, actor, "service.changed" if stored else "service.added", id, before=old, after=fresh)

        await self._db.write(work)
        self._on_edited()

    async def _savable(
        self, id: str, plugin: str, name: str, settings: dict[str, Any], new: bool
    ) -> tuple[InstanceConfig | None, dict[str, Any]]:
        """The instance as it is stored, if it is, and its complete settings to come. Raises what `store` raises."""
        known = {one.id: one for one in await self.list()}
        stored = known.get(id)
        if not ID.match(id):
            raise Invalid("The id does not fit.", {"id": "Use small letters, digits and dashes"})
        if new and stored is not None:
            raise Conflict(f"There is a service called {id} already. Choose another id.")
        if stored is not None and stored.managed_by_file:
            raise Conflict("The configuration file sets this service. Edit it there.")
        if stored is not None and stored.plugin != plugin:
            raise Conflict("A service cannot change its plugin. Add a new one.")
        complete = self.checked(plugin, settings, stored)
        for other in known.values():
            if (
                other.id != id
                and other.plugin == plugin
                and _address(complete)
                and _address(other.settings) == _address(complete)
            ):
                raise Invalid(
                    "This service is there already.", {_address_field(complete): f"{other.name} has this address"}
                )
        if not name.strip():
            raise Invalid("The service needs a name.", {"name": "This is needed"})
        return stored, complete

    async def set_enabled(self, instance_id: str, enabled: bool, actor: User | None = None) -> None:
        """Switch an instance on or off."""
        one = await self.get(instance_id)
        await self.save(
            id=one.id,
            plugin=one.plugin,
            name=one.name,
            settings=one.settings,
            enabled=enabled,
            priority=one.priority,
            actor=actor,
        )

    async def remove(self, instance_id: str, actor: User | None = None) -> None:
        """Forget an instance; what it knows stays with its service."""
        one = await self.get(instance_id)
        if one.managed_by_file:
            raise Conflict("The configuration file sets this service. Remove it there.")
        now = self._clock()

        def work(conn: Connection) -> None:
            store.remove(conn, instance_id)
            note(conn, now, actor, "service.removed", instance_id, before={"name": one.name, "plugin": one.plugin})

        await self._db.write(work)
        self._on_edited()
        await self.reconcile()
        if self._on_removed is not None:
            await self._on_removed(instance_id)
        self._bus.publish(InstanceChanged(at=self._clock(), instance=instance_id, state="removed"))

    async def switch_plugin(self, plugin: str, on: bool, actor: User | None = None) -> None:
        """Switch all instances of a plugin on or off. A plugin that was off at the start is loaded at the next one."""

        def work(conn: Connection) -> None:
            store.switch_plugin(conn, plugin, on)
            note(conn, self._clock(), actor, f"plugin.switched_{'on' if on else 'off'}", plugin)

        await self._db.write(work)
        self._on_edited()
        await self.reconcile()

    async def plugins_off(self) -> set[str]:
        """The plugins that are switched off, by the file or by an admin."""
        return set(self._off_by_file) | await self._db.read(store.plugins_off)

    async def follow_file(self) -> None:
        """Carry out what was changed in the configuration file; call it now and then.

        Services and switched-off plugins apply at once, all else at the next start. A file that cannot be read is
        named in the log, and what runs goes on.
        """
        written = _changed_at(self._file)
        if written == self._written:
            return
        self._written = written
        try:
            read = await asyncio.to_thread(load_config, self._file, os.environ)
        except ConfigError as error:
            log.error("the configuration file was not taken over", error=str(error))
            return
        self._of_file, self._off_by_file = read.instances, read.disabled_plugins
        log.info("configuration file read again", services=len(read.instances))
        await self.reconcile()

    async def reconcile(self) -> None:
        """Make what runs match what is configured."""
        off = await self.plugins_off()
        desired = [
            msgspec.structs.replace(one, enabled=False) if one.plugin in off else one for one in await self.list()
        ]
        await self._supervisor.reconcile(desired)


def _shown(
    stored: InstanceConfig | None, row: store.StoredInstance, settings: dict[str, Any], labels: dict[str, str]
) -> tuple[dict[str, object], dict[str, object]]:
    """What the activity log may say of a service before and after: of settings, which ones differ."""
    before = stored.settings if stored is not None else {}
    differ = sorted(name for name in {**before, **settings} if before.get(name) != settings.get(name))
    new: dict[str, object] = {"name": row.name, "enabled": row.enabled, "priority": row.priority}
    if differ:
        new["changed settings"] = ", ".join(labels.get(name, name) for name in differ)
    if stored is None:
        return {}, {"plugin": row.plugin, **new}
    return {"name": stored.name, "enabled": stored.enabled, "priority": stored.priority}, new


def _changed_at(path: Path | None) -> float | None:
    try:
        return path.stat().st_mtime if path is not None else None
    except OSError:
        return None


def _address_field(settings: dict[str, Any]) -> str:
    return next((name for name in ("url", "address") if settings.get(name)), "url")


def _address(settings: dict[str, Any]) -> str | None:
    value = settings.get(_address_field(settings))
    return str(value).rstrip("/").casefold() if value else None
