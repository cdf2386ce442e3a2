"""Email for Vader Flix: tells people over SMTP."""

from __future__ import annotations

from collections.abc import Iterable

from vaderflix_core.api import API_VERSION, HealthCheck, Instance, Notifier, PluginInfo, SimulatorSpec, hookimpl

from .notifier import EmailNotifier
from .settings import EmailSettings


@hookimpl
def plugin() -> PluginInfo:
    """What this plugin is."""
    return PluginInfo(
        name="Email",
        summary="Tells people by mail, over any SMTP server.",
        api=API_VERSION,
        settings=EmailSettings,
        icon="M3 5h14v10H3zM3 6l7 5 7-5",
    )


@hookimpl
def notifiers(instance: Instance[EmailSettings]) -> Iterable[Notifier]:
    """The one mail account of the instance."""
    return [instance.shared(EmailNotifier)]


@hookimpl
def health_checks(instance: Instance[EmailSettings]) -> Iterable[HealthCheck]:
    """The same, watched."""
    return [instance.shared(EmailNotifier)]


@hookimpl(specname="simulator")
def stand_in() -> SimulatorSpec:
    """A mail server that keeps what it is sent."""
    from .simulator import SPEC

    return SPEC
