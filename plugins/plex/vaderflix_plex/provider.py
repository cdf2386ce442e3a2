"""The one object that a Plex instance gives the core: it holds the library, and has all abilities beside it."""

from __future__ import annotations

from vaderflix_core.api import Instance

from .account import PlexTv
from .client import TIMEOUT, PlexClient
from .health import Health
from .identity import SignIn
from .images import Pictures
from .library import Library
from .live import Ear
from .playback import Player
from .settings import PlexSettings
from .sharing import Shares


class PlexProvider(Library, Player, Pictures, Ear, Health, SignIn, Shares):
    """MediaSource and HealthCheck with the abilities that the server has, and of plex.tv Identity and Sharing."""

    def __init__(self, instance: Instance[PlexSettings], *, timeout: float = TIMEOUT) -> None:
        client = PlexClient(instance, timeout=timeout)
        Library.__init__(self, instance, client)
        Player.__init__(self, instance, client)
        Ear.__init__(self, client)
        account = PlexTv(instance, timeout=timeout)
        Health.__init__(self, client, account)
        SignIn.__init__(self, instance, client, account)
        Shares.__init__(self, client, account)

    async def stop(self) -> None:
        """End the background reading; the core closes the connections."""
        await self.shelf.stop()
