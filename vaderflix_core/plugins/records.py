"""What is known of every installed plugin and every configured instance: the admin page and `vaderflix plugins`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import pluggy
from msgspec import Struct

from ..api.hookspecs import Job, Listener, PluginInfo
from ..api.instance import Instance
from ..api.web import MenuItem, Panel


class PluginState(StrEnum):
    """How far an installed plugin came."""

    LOADED = "loaded"
    DISABLED = "disabled"  # by the admin or by safe mode; it was not imported
    INCOMPATIBLE = "incompatible"  # written for another version of the plugin API
    FAILED = "failed"


class PluginRecord(Struct, kw_only=True):
    """One installed plugin. `error` is one line for admins, `trace` is for the plugin's author."""

    id: str
    distribution: str = ""
    version: str = ""
    state: PluginState
    info: PluginInfo | None = None
    module: Any = None
    hooks: tuple[str, ...] = ()
    error: str = ""
    trace: str = ""
    manager: pluggy.PluginManager | None = None

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call this plugin's own implementation of a hook and no other's; None when it has none.

        Raises whatever the plugin raises, `SystemExit` included.
        """
        if self.manager is None or hook not in self.hooks:
            return None
        others = [plugin for plugin in self.manager.get_plugins() if plugin is not self.module]
        results = self.manager.subset_hook_caller(hook, remove_plugins=others)(**arguments)
        return results[0] if results else None


class InstanceState(StrEnum):
    """What an instance does now."""

    DISABLED = "disabled"
    STARTING = "starting"
    RUNNING = "running"
    RETRYING = "retrying"  # its service cannot be used; `retry_at` says when it is tried again
    NEEDS_ATTENTION = "needs_attention"  # only an admin can mend it
    FAILED = "failed"  # a bug of the plugin
    STOPPED = "stopped"


class InstanceConfig(Struct, frozen=True, kw_only=True):
    """One configured service of a plugin. `settings` are plain values with secrets revealed: memory only.

    `version` counts edits. `managed_by_file`: the configuration file owns it, so the admin form is read-only.
    """

    id: str
    plugin: str
    name: str
    enabled: bool = True
    priority: int = 50  # low first
    settings: dict[str, Any] = {}
    version: int = 0
    managed_by_file: bool = False

    def __repr__(self) -> str:
        return (
            f"InstanceConfig(id={self.id!r}, plugin={self.plugin!r}, name={self.name!r}, enabled={self.enabled}, "
            f"priority={self.priority}, settings={{{len(self.settings)} hidden}}, version={self.version})"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id), ("plugin", self.plugin), ("name", self.name), ("enabled", self.enabled)]

    def same_work(self, other: InstanceConfig) -> bool:
        """Whether an instance built from one serves the other: all but the priority is equal."""
        return (self.plugin, self.name, self.enabled, self.settings, self.version) == (
            other.plugin,
            other.name,
            other.enabled,
            other.settings,
            other.version,
        )


class InstanceRecord(Struct, kw_only=True):
    """One instance as it is now. `error` is one line for admins; `retry_at` is set while RETRYING.

    A RUNNING instance may carry an `error` too: one of its panels, menu items, jobs or listeners could not be made.
    """

    config: InstanceConfig
    state: InstanceState
    since: datetime
    error: str = ""
    trace: str = ""
    retry_at: datetime | None = None
    roles: tuple[str, ...] = ()
    instance: Instance[Any] | None = None
    panels: tuple[Panel, ...] = ()
    menu: tuple[MenuItem, ...] = ()
    jobs: tuple[Job, ...] = ()
    listeners: tuple[Listener, ...] = ()
