"""Which item bears which external id: an index in memory, as Plex cannot be asked by IMDb, TMDB or TheTVDB number.

Each look-up first reads what changed since the last one, and compares the number of known items with the server's own
count; when the two differ, or the server did not keep the order asked for, the whole library is read again.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from vaderflix_core.api import ExternalIds, MediaKind, Rejected

from . import wire
from .client import TRIMMED, TYPES, PlexClient, rows_of
from .items import ids_of

OVERLAP = 600  # seconds read again: clocks differ, and a scan writes its items late
FRESH = 1.0  # seconds for which an answer is good, so that a burst of look-ups costs one


def folded(text: str) -> str:
    """Text without case, accents and marks, its words one space apart."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())


class Entry(NamedTuple):
    """What the index keeps of one item."""

    ids: frozenset[tuple[str, str]]
    words: str


class _Library:
    """The index of one library, and the newest `updatedAt` in it."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.newest = 0

    def learn(self, items: Iterable[wire.Metadata]) -> None:
        for item in items:
            words = folded(f"{item.title} {item.original_title}")
            self.entries[item.key] = Entry(frozenset(ids_of(item).pairs()), words)
            self.newest = max(self.newest, item.updated_at or 0)


class Shelf:
    """The index over all libraries in use."""

    def __init__(self, client: PlexClient) -> None:
        self._client = client
        self._libraries: dict[tuple[str, str], _Library] = {}  # by type and section key
        self._reading: asyncio.Task[None] | None = None
        self._read_at = float("-inf")

    async def find(self, kind: MediaKind, ids: ExternalIds) -> list[str]:
        """The keys of all items that bear one of the ids. Raises when that cannot be known now."""
        asked = set(ids.pairs())
        if not asked:
            raise Rejected("The title has no id to look it up by.")
        await self.refresh()
        return [
            key
            for library in self._of("movie" if kind is MediaKind.MOVIE else "show")
            for key, entry in library.entries.items()
            if not asked.isdisjoint(entry.ids)
        ]

    def titled(self, query: str) -> list[str]:
        """The keys of titles that hold all words of the query, whatever their accents, as far as the index was read."""
        words = folded(query).split()
        return [
            key
            for kind in ("movie", "show")
            for library in self._of(kind)
            for key, entry in library.entries.items()
            if words and all(word in entry.words for word in words)
        ]

    def forget(self) -> None:
        """Read everything anew at the next look-up."""
        self._libraries = {}
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Bring the index up to date. A caller that gives up does not stop the reading, which may be long."""
        if asyncio.get_running_loop().time() - self._read_at < FRESH:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._reading)

    async def stop(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._reading

    def _of(self, kind: str) -> list[_Library]:
        return [library for (type_, _), library in self._libraries.items() if type_ == kind]

    async def _read(self) -> None:
        sections = await self._client.sections()
        there = {(section.type, str(section.key)): section for section in sections}
        for gone in self._libraries.keys() - there.keys():
            del self._libraries[gone]
        for name, section in there.items():
            known = self._libraries.get(name)
            if known is None or not await self._caught_up(section, known):
                self._libraries[name] = await self._sweep(section)
        self._read_at = asyncio.get_running_loop().time()

    async def _caught_up(self, section: wire.Section, library: _Library) -> bool:
        newest = await self._client.newest(section, section.type, "updatedAt", library.newest - OVERLAP, **TRIMMED)
        library.learn(newest.items)
        return newest.ordered and newest.total == len(library.entries)

    async def _sweep(self, section: wire.Section) -> _Library:
        library = _Library()
        library.learn(
            await self._client.everything(rows_of(section), type=TYPES[section.type], sort="titleSort", **TRIMMED)
        )
        return library
