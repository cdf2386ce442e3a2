"""Plugins made in memory: a module with hooks, and the entry point through which the loader finds it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from msgspec import Struct

from ..api.hookspecs import API_VERSION, NoSettings, PluginInfo, hookimpl
from ..api.settings import Settings


class MemoryDistribution(Struct, frozen=True):
    """Where a plugin made in memory says it comes from."""

    name: str
    version: str = "1.0"


class MemoryEntryPoint:
    """An entry point whose import is a function: `load_plugins(entry_points=[...])` takes it as a real one."""

    def __init__(self, name: str, load: Callable[[], Any], *, distribution: str | None = None) -> None:
        self.name = name
        self.dist = MemoryDistribution(distribution or f"test-{name}")
        self._load = load

    def load(self) -> Any:
        """What importing it gives, or raises."""
        return self._load()


def plugin_module(
    name: str,
    *,
    info: Callable[[], Any] | None = None,
    settings: type[Settings] = NoSettings,
    **hooks: Callable[..., Any],
) -> ModuleType:
    """A module with the given hooks, each marked `@hookimpl`; `info` takes the place of its `plugin()`."""
    module = ModuleType(f"memory_{name.replace('-', '_')}")

    def plugin() -> PluginInfo:
        return PluginInfo(name=name.capitalize(), summary=f"{name}, in memory", api=API_VERSION, settings=settings)

    for hook, function in {"plugin": info or plugin, **hooks}.items():
        setattr(module, hook, hookimpl(function))
    return module


def memory_plugin(
    name: str,
    *,
    info: Callable[[], Any] | None = None,
    settings: type[Settings] = NoSettings,
    distribution: str | None = None,
    **hooks: Callable[..., Any],
) -> MemoryEntryPoint:
    """The entry point of a plugin with the given hooks, such as `media_sources=lambda instance: [source]`."""
    module = plugin_module(name, info=info, settings=settings, **hooks)
    return MemoryEntryPoint(name, lambda: module, distribution=distribution)
