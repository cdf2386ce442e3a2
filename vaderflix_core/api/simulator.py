"""A stand-in for a plugin's service: the demo, the tests and screenshots run against it, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct


class Peer(Struct, frozen=True, kw_only=True):
    """Another service of the same world, simulated or real, as a simulator may call it."""

    plugin: str
    instance: str
    url: str
    credentials: dict[str, str]


class Simulator(Protocol):
    """A running stand-in. `app` is an ASGI application that the world serves on loopback."""

    app: Any
    credentials: dict[str, str]  # {"api_key"} or {"token"} or {"username", "password"}

    def settings(self, url: str) -> dict[str, Any]:
        """The settings of an instance of our plugin that speaks to this simulator at `url`."""

    async def start(self, url: str, peers: list[Peer]) -> None:
        """Begin to move by itself: `url` is where it is served, `peers` are the services it is configured with."""

    async def stop(self) -> None:
        """End all background work; safe to call twice."""


class SimulatorSpec(Struct, frozen=True, kw_only=True):
    """How to make a simulator. `make` gets a folder of its own and the world's shared media folder."""

    instance: str  # the id of the instance that the demo configures for it
    name: str
    make: Callable[[Path, Path], Simulator]
