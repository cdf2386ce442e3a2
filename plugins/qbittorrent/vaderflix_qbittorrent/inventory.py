"""All torrents of one session, kept up to date from `sync/maindata`."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from .wire import MainData, ServerState, Torrent


class OutOfStep(Exception):
    """A change came for a torrent that we never saw in full: the whole must be read again."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """The torrents and the daemon's state at one moment."""

    torrents: tuple[Torrent, ...]
    server: ServerState


class Inventory:
    """What the answers of one session add up to. `rid` is the number to ask with next; 0 asks for everything."""

    def __init__(self) -> None:
        self.rid = 0
        self._torrents: dict[str, dict[str, Any]] = {}
        self._server: dict[str, Any] = {}

    def merge(self, data: MainData) -> None:
        """Take in one answer. Raises `OutOfStep`, and then has changed nothing."""
        if data.full_update:
            self._torrents, self._server = {}, {}
        elif any(key not in self._torrents and "name" not in part for key, part in data.torrents.items()):
            raise OutOfStep
        for key in data.torrents_removed:
            self._torrents.pop(key, None)
        for key, part in data.torrents.items():
            self._torrents[key] = {**self._torrents.get(key, {}), **part}
        self._server = {**self._server, **data.server_state}
        self.rid = data.rid

    def snapshot(self) -> Snapshot:
        """Everything as it is now. Raises `msgspec.ValidationError` for a value of a type the API does not allow."""
        torrents = (
            msgspec.convert({**torrent, "hash": key.lower()}, Torrent, strict=False)
            for key, torrent in self._torrents.items()
        )
        return Snapshot(
            torrents=tuple(torrents),
            server=msgspec.convert(self._server, ServerState, strict=False),
        )
