"""Docker for Vader Flix: containers, what they use, and which of them are in trouble. Restarts them when asked to."""

from __future__ import annotations

from collections.abc import Iterable

from vaderflix_core.api import (
    API_VERSION,
    HealthChanged,
    HealthCheck,
    Instance,
    Job,
    Listener,
    Panel,
    PluginInfo,
    Severity,
    SimulatorSpec,
    hookimpl,
)

from .health import DockerHealth
from .panel import containers_panel
from .settings import DockerSettings

FIGURES_EVERY = 20.0  # seconds


@hookimpl
def plugin() -> PluginInfo:
    """What this plugin is."""
    return PluginInfo(
        name="Docker",
        summary="Shows the containers of a host and warns when one is in trouble.",
        api=API_VERSION,
        settings=DockerSettings,
        icon="m10 2.8 6.5 3.6v7.2L10 17.2l-6.5-3.6V6.4L10 2.8Zm0 7.2v7M3.7 6.6 10 10l6.3-3.4",
    )


@hookimpl
def health_checks(instance: Instance[DockerSettings]) -> Iterable[HealthCheck]:
    """The containers of one engine."""
    return [instance.shared(DockerHealth)]


@hookimpl
def panels(instance: Instance[DockerSettings]) -> Iterable[Panel]:
    """The table of containers."""
    return [containers_panel(instance.shared(DockerHealth))]


@hookimpl
def jobs(instance: Instance[DockerSettings]) -> Iterable[Job]:
    """Readings close enough to each other to tell rates, and restarts between two health checks."""
    return [Job(name="figures", every=FIGURES_EVERY, run=instance.shared(DockerHealth).look)]


@hookimpl
def listeners(instance: Instance[DockerSettings]) -> Iterable[Listener]:
    """When a service gets worse, a container is often why: it is looked at in that moment."""
    health = instance.shared(DockerHealth)

    async def look(event: HealthChanged) -> None:
        if event.instance != instance.id and event.severity in (Severity.WARNING, Severity.ERROR):
            await health.look()

    return [Listener(event=HealthChanged, run=look)]


@hookimpl(specname="simulator")
def stand_in() -> SimulatorSpec:
    """An engine with the containers of the demo household."""
    from .simulator import SPEC

    return SPEC
