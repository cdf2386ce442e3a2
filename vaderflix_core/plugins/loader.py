"""Find, import, check and register every installed plugin, one by one: whatever one of them does, the others load.

What this cannot contain: a plugin that ends the process itself (`os._exit`, a crash in C code), and an import that
never gives the interpreter lock back.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Collection, Iterable
from types import ModuleType
from typing import Any, Protocol

import msgspec
import pluggy

from ..api.hookspecs import API_VERSION, ENTRY_POINT_GROUP, PROJECT, Hooks, PluginInfo
from ..api.settings import Settings, check_settings_type
from .limits import OutOfTime, TriedToExit, call_in_thread
from .records import PluginRecord, PluginState

IMPORT_SECONDS = 10.0
HOOK_SECONDS = 5.0


class Distribution(Protocol):
    """What is read of an installed distribution."""

    @property
    def name(self) -> str:
        """Its name in the package index."""

    @property
    def version(self) -> str:
        """Its version."""


class EntryPoint(Protocol):
    """What is read of an entry point; tests hand in their own."""

    @property
    def name(self) -> str:
        """The plugin's id."""

    @property
    def dist(self) -> Distribution | None:
        """Where it comes from."""

    def load(self) -> Any:
        """Import the module it names."""


class NotAPlugin(Exception):
    """The module breaks a rule of the plugin API; the text says which."""


class _Incompatible(NotAPlugin):
    """Written for another version of the plugin API."""


def installed() -> list[EntryPoint]:
    """The entry points of all installed plugins, in a stable order."""
    from importlib_metadata import entry_points

    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: (e.name, e.dist.name if e.dist else ""))


def load_plugins(
    *,
    disabled: Collection[str],
    safe_mode: bool = False,
    entry_points: Iterable[EntryPoint] | None = None,
    import_seconds: float = IMPORT_SECONDS,
    hook_seconds: float = HOOK_SECONDS,
) -> dict[str, PluginRecord]:
    """A record of every installed plugin by its id. Never raises; disabled plugins are not imported.

    Of two plugins with one id the first (by distribution name) is kept; the other's record bears its distribution
    in its key.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    records: dict[str, PluginRecord] = {}
    for entry in installed() if entry_points is None else entry_points:
        record = PluginRecord(
            id=entry.name,
            distribution=entry.dist.name if entry.dist else "",
            version=entry.dist.version if entry.dist else "",
            state=PluginState.DISABLED,
        )
        if entry.name in records:
            other = records[entry.name].distribution
            record.state = PluginState.FAILED
            record.error = (
                f"Another installed plugin has the id {entry.name!r} already ({other}). Uninstall one of them."
            )
            records[f"{entry.name} ({record.distribution})"] = record
            continue
        records[entry.name] = record
        if safe_mode:
            record.error = "Safe mode: no plugin is loaded."
        elif entry.name in disabled:
            record.error = "Disabled by the admin."
        else:
            _load(entry, record, manager, import_seconds, hook_seconds)
    return records


def _load(
    entry: EntryPoint, record: PluginRecord, manager: pluggy.PluginManager, import_seconds: float, hook_seconds: float
) -> None:
    doing = "importing"
    try:
        record.module = call_in_thread(entry.load, import_seconds, f"import {record.id}")
        doing = "registering its hooks"
        record.hooks = _register(record.id, record.module, manager)
        record.manager = manager
        doing = "calling plugin()"
        record.info = _info(call_in_thread(lambda: record.call("plugin"), hook_seconds, f"plugin() of {record.id}"))
        record.state = PluginState.LOADED
        return
    except _Incompatible as error:
        record.state, record.error = PluginState.INCOMPATIBLE, str(error)
    except NotAPlugin as error:
        record.state, record.error = PluginState.FAILED, str(error)
    except OutOfTime as error:
        record.state, record.error = PluginState.FAILED, f"It did not finish {doing} in {error.seconds:g} s."
    except TriedToExit as error:
        record.state, record.error = PluginState.FAILED, f"While {doing}, it {error}."
        record.trace = "".join(traceback.format_exception(error))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it is named and the others go on
        record.state, record.error = PluginState.FAILED, f"While {doing}: {type(error).__name__}: {error}"
        record.trace = "".join(traceback.format_exception(error))
    if record.module is not None and manager.is_registered(record.module):
        manager.unregister(record.module)
    record.manager, record.hooks = None, ()


def _register(plugin_id: str, module: Any, manager: pluggy.PluginManager) -> tuple[str, ...]:
    """Register the module with pluggy and check its hooks. Raises `NotAPlugin`."""
    if not isinstance(module, ModuleType):
        raise NotAPlugin(f"The entry point must name a module, not a {type(module).__name__}.")
    try:
        manager.register(module, plugin_id)
    except pluggy.PluginValidationError as error:
        raise NotAPlugin(f"A hook has the wrong signature: {_first_line(error)}") from error
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise NotAPlugin(f"{_first_line(error)}. The hooks are: {', '.join(hook_names())}.") from error
    callers = manager.get_hookcallers(module) or []
    for caller in callers:
        for implementation in caller.get_hookimpls():
            if implementation.plugin is module and inspect.iscoroutinefunction(implementation.function):
                raise NotAPlugin(f"The hook {caller.name}() is async; hooks are plain functions.")
    hooks = tuple(sorted(caller.name for caller in callers))
    if "plugin" not in hooks:
        raise NotAPlugin("The module has no hook plugin(). Is @hookimpl missing?")
    return hooks


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if len(lines) > 1 and lines[0].startswith("Plugin ") else lines[0]


def hook_names() -> list[str]:
    """The names of all hooks, in the order they are declared."""
    return [name for name in vars(Hooks) if not name.startswith("_")]


def _info(info: Any) -> PluginInfo:
    """The value of `plugin()`, checked. Raises `NotAPlugin`."""
    if not isinstance(info, PluginInfo):
        raise NotAPlugin(f"plugin() must return a PluginInfo, not {type(info).__name__}.")
    if info.api != API_VERSION:
        raise _Incompatible(
            f"It is written for version {info.api} of the plugin API; this Vader Flix has version {API_VERSION}."
        )
    for name in ("name", "summary", "icon"):
        if not isinstance(getattr(info, name), str):
            raise NotAPlugin(f"PluginInfo.{name} must be text.")
    if not (isinstance(info.settings, type) and issubclass(info.settings, Settings)):
        raise NotAPlugin("PluginInfo.settings must be a subclass of Settings.")
    try:
        check_settings_type(info.settings)
    except (TypeError, NameError, AttributeError, msgspec.MsgspecError) as error:
        why = str(error).partition(" - type ")[0]  # the rest repeats the whole annotation
        raise NotAPlugin(f"The settings of {info.settings.__name__} cannot be shown as a form: {why}") from error
    return info
