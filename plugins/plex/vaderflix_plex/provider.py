"""The one object that a Plex instance gives the core: it holds the library, and has all abilities beside it."""

from __future__ import annotations

from vaderflix_core.api import Instance

from .client import TIMEOUT, PlexClient
from .health import Health
from .images import Pictures
from .library import Library
from .live import Ear
from .playback import Player
from .settings import PlexSettings


class PlexProvider(Library, Player, Pictures, Ear, Health):
    """MediaSource, HealthCheck, Connectable, Images, Playback, Live and WebhookReceiver over one client."""

    def __init__(self, instance: Instance[PlexSettings], *, timeout: float = TIMEOUT) -> None:
        client = PlexClient(instance, timeout=timeout)
        Library.__init__(self, instance, client)
        Player.__init__(self, instance, client)
        Ear.__init__(self, client)

    async def stop(self) -> None:
        """End the background reading; the core closes the connections."""
        await self.shelf.stop()
