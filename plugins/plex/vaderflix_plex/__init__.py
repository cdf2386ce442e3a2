"""Plex for Vader Flix: the library, its pictures and playback, from a Plex Media Server."""

from __future__ import annotations

from vaderflix_core.api import (
    API_VERSION,
    HealthCheck,
    Instance,
    MediaSource,
    MenuItem,
    PluginInfo,
    SimulatorSpec,
    hookimpl,
)

from .provider import PlexProvider
from .settings import PlexSettings


@hookimpl
def plugin() -> PluginInfo:
    """Who we are."""
    return PluginInfo(
        name="Plex",
        summary="The films and series of a Plex Media Server: found, shown and played.",
        api=API_VERSION,
        settings=PlexSettings,
        icon="M7 3h4l4.5 7L11 17H7l4.5-7z",
        help_url="https://support.plex.tv/articles/204059436-finding-an-authentication-token-x-plex-token/",
    )


@hookimpl
def media_sources(instance: Instance[PlexSettings]) -> list[MediaSource]:
    """The library."""
    return [instance.shared(PlexProvider)]


@hookimpl
def health_checks(instance: Instance[PlexSettings]) -> list[HealthCheck]:
    """The server's health."""
    return [instance.shared(PlexProvider)]


@hookimpl
def menu(instance: Instance[PlexSettings]) -> list[MenuItem]:
    """The server's own web app."""
    return [MenuItem(label=instance.name, url=f"{instance.settings.url.rstrip('/')}/web/index.html")]


# A function `simulator` would be gone once Python has put the submodule of that name in its place
@hookimpl(specname="simulator")
def stand_in() -> SimulatorSpec:
    """A Plex Media Server of the simulated world."""
    # Imported late, as only the demo and tests need it
    from .simulator import PlexSimulator

    return SimulatorSpec(instance="plex", name="Plex", make=PlexSimulator)
