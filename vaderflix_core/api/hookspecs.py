"""The hooks: all that a plugin can say to Vader Flix. Start here when you write one.

A plugin is a distribution with an entry point in the group `vaderflix.plugins` that names a module. The module holds
`@hookimpl` functions with the names below; write only those you need, and only the arguments you use. Hooks are
plain functions, do no I/O, and are called once per plugin or once each time an instance is built. The objects they
return do the work; see `roles.py` for what each can be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pluggy
from msgspec import Struct

from .events import Event
from .instance import Instance
from .roles import Downloader, HealthCheck, MediaSource, Notifier, Requester
from .settings import Settings
from .simulator import SimulatorSpec
from .web import MenuItem, Panel

API_VERSION = 1
PROJECT = "vaderflix"
ENTRY_POINT_GROUP = "vaderflix.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class NoSettings(Settings, frozen=True, kw_only=True):
    """For plugins that need no settings."""


class PluginInfo(Struct, frozen=True, kw_only=True):
    """What a plugin is. `icon` is the path data (`d`) of a 20 by 20 outline; `help_url` leads to its set-up steps."""

    name: str
    summary: str
    api: int
    settings: type[Settings] = NoSettings
    icon: str = "M4 4h12v12H4z"
    help_url: str | None = None


class Job(Struct, frozen=True, kw_only=True):
    """Periodic work, run once per slot over all processes."""

    name: str
    every: float  # seconds
    run: Callable[[], Awaitable[None]]


class Listener(Struct, frozen=True, kw_only=True):
    """Work to do when something happens."""

    event: type[Event]
    run: Callable[[Any], Awaitable[None]]


class Hooks:
    """The hook specifications."""

    @hookspec
    def plugin(self) -> PluginInfo:  # type: ignore[empty-body]
        """Return what the plugin is: name, one line on what it does, the API version it was written for, settings."""

    @hookspec
    def media_sources(self, instance: Instance[Any]) -> Iterable[MediaSource]:  # type: ignore[empty-body]
        """Return objects that hold playable titles: searched first, mirrored into the library index."""

    @hookspec
    def requesters(self, instance: Instance[Any]) -> Iterable[Requester]:  # type: ignore[empty-body]
        """Return objects that can get titles which are missing."""

    @hookspec
    def downloaders(self, instance: Instance[Any]) -> Iterable[Downloader]:  # type: ignore[empty-body]
        """Return objects that show and steer transfers."""

    @hookspec
    def notifiers(self, instance: Instance[Any]) -> Iterable[Notifier]:  # type: ignore[empty-body]
        """Return objects that tell people."""

    @hookspec
    def health_checks(self, instance: Instance[Any]) -> Iterable[HealthCheck]:  # type: ignore[empty-body]
        """Return objects that report trouble; they are run on a schedule and after related events."""

    @hookspec
    def jobs(self, instance: Instance[Any]) -> Iterable[Job]:  # type: ignore[empty-body]
        """Return periodic work of this instance."""

    @hookspec
    def listeners(self, instance: Instance[Any]) -> Iterable[Listener]:  # type: ignore[empty-body]
        """Return what this instance does when an event happens."""

    @hookspec
    def panels(self, instance: Instance[Any]) -> Iterable[Panel]:  # type: ignore[empty-body]
        """Return cards for the admin dashboard."""

    @hookspec
    def menu(self, instance: Instance[Any]) -> Iterable[MenuItem]:  # type: ignore[empty-body]
        """Return links for the admin menu."""

    @hookspec
    def simulator(self) -> SimulatorSpec:  # type: ignore[empty-body]
        """Return a stand-in for the plugin's service, for `vaderflix demo` and tests."""
