"""Radarr for Vader Flix: films that people request are added to it, and followed until they have a file."""

from __future__ import annotations

from vaderflix_arr.queue_panel import queue_panel
from vaderflix_core.api import (
    API_VERSION,
    HealthCheck,
    Instance,
    MenuItem,
    Panel,
    PluginInfo,
    Requester,
    SimulatorSpec,
    hookimpl,
)

from .requester import Radarr
from .settings import RadarrSettings


@hookimpl
def plugin() -> PluginInfo:
    """What this plugin is."""
    return PluginInfo(
        name="Radarr",
        summary="Gets films that people request.",
        api=API_VERSION,
        settings=RadarrSettings,
        icon="M3 4h14v12H3zM7 4v12M13 4v12M3 8h4M3 12h4M13 8h4M13 12h4",
        help_url="https://wiki.servarr.com/radarr/settings",
    )


@hookimpl
def requesters(instance: Instance[RadarrSettings]) -> list[Requester]:
    """The Radarr that takes requests."""
    return [instance.shared(Radarr)]


@hookimpl
def health_checks(instance: Instance[RadarrSettings]) -> list[HealthCheck]:
    """The same Radarr, which reports its own health."""
    return [instance.shared(Radarr)]


@hookimpl
def panels(instance: Instance[RadarrSettings]) -> list[Panel]:
    """The queue, what needs a person first."""
    return [queue_panel(instance.shared(Radarr))]


@hookimpl
def menu(instance: Instance[RadarrSettings]) -> list[MenuItem]:
    """A link to Radarr's own pages."""
    return [MenuItem(label=instance.name, url=instance.settings.url)]


# A function `simulator` would be gone once Python has put the submodule of that name in its place
@hookimpl(specname="simulator")
def stand_in() -> SimulatorSpec:
    """A stand-in for Radarr."""
    from .simulator import SPEC

    return SPEC
