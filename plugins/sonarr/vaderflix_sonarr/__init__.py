"""Sonarr for Vader Flix: series that people request are added to it, and followed until they have their files."""

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

from .requester import Sonarr
from .settings import SonarrSettings


@hookimpl
def plugin() -> PluginInfo:
    """What this plugin is."""
    return PluginInfo(
        name="Sonarr",
        summary="Gets series that people request, season by season.",
        api=API_VERSION,
        settings=SonarrSettings,
        icon="M3 6h14v10H3zM7 2l3 4 3-4M13 9v4",
        help_url="https://wiki.servarr.com/sonarr/settings",
    )


@hookimpl
def requesters(instance: Instance[SonarrSettings]) -> list[Requester]:
    """The Sonarr that takes requests."""
    return [instance.shared(Sonarr)]


@hookimpl
def health_checks(instance: Instance[SonarrSettings]) -> list[HealthCheck]:
    """The same Sonarr, which reports its own health."""
    return [instance.shared(Sonarr)]


@hookimpl
def panels(instance: Instance[SonarrSettings]) -> list[Panel]:
    """The queue, what needs a person first."""
    return [queue_panel(instance.shared(Sonarr))]


@hookimpl
def menu(instance: Instance[SonarrSettings]) -> list[MenuItem]:
    """A link to Sonarr's own pages."""
    return [MenuItem(label=instance.name, url=instance.settings.url)]


# A function `simulator` would be gone once Python has put the submodule of that name in its place
@hookimpl(specname="simulator")
def stand_in() -> SimulatorSpec:
    """A stand-in for Sonarr."""
    from .simulator import SPEC

    return SPEC
