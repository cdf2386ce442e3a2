"""The library: what Plex holds, searched, looked up, swept and followed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from vaderflix_core.api import (
    Availability,
    BadAnswer,
    Episode,
    ExternalIds,
    Instance,
    LibraryItem,
    LibraryPage,
    MediaKind,
    NotFound,
    Rejected,
)

from . import wire
from .client import ROWS, TYPES, PlexClient, rows_of
from .items import episode, is_title, library_item, merged_seasons, seasons_of
from .settings import PlexSettings
from .shelf import OVERLAP, Shelf, folded


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a sweep stands: the library, how far into it, what the server counted when the sweep began, and the
    library's first item, by which a server is known that sends the same page for ever."""

    section: str
    start: int
    total: int | None
    first: str = ""


class Library:
    """MediaSource over one server."""

    def __init__(self, instance: Instance[PlexSettings], client: PlexClient) -> None:
        self.instance = instance
        self.client = client
        self.shelf = Shelf(client)

    async def search(self, query: str, limit: int) -> list[LibraryItem]:
        """Titles matching the words: those with just this name first, then in the order of Plex's own search."""
        if not query.strip() or limit < 1:
            return []
        keys = await self._searched(query, limit)
        keys += [key for key in self.shelf.titled(query) if key not in keys]
        sections = {str(section.key): section.title for section in await self.client.sections()}
        wanted = folded(query)
        items = [
            library_item(item, section=sections.get(str(item.section_id), ""))
            for item in await self.client.metadata(keys[: 2 * limit])
            if is_title(item) and (not item.section_id or str(item.section_id) in sections)
        ]
        items.sort(key=lambda item: 0 if folded(item.title) == wanted else 1)
        return items[:limit]

    async def _searched(self, query: str, limit: int) -> list[str]:
        """Keys from Plex's search; from the libraries' own where the token may not use it."""
        queries = [query] if folded(query) == query.casefold() else [query, folded(query)]
        found: list[wire.Metadata] = []
        for each in filter(None, queries):
            try:
                for hub in await self.client.hubs(each, limit):
                    found += wire.many(hub.metadata)
            except NotFound:
                for section in await self.client.sections():
                    asked = {"type": TYPES[section.type], "title": each, **ROWS}
                    listing = await self.client.page(rows_of(section), 0, limit, **asked)
                    found += listing.items
        return list(dict.fromkeys(item.key for item in found if is_title(item)))

    async def locate(self, kind: MediaKind, ids: ExternalIds) -> Availability:
        """What is held of one title, by any of its ids, in all libraries in use."""
        keys = await self.shelf.find(kind, ids)
        found = await self.client.metadata(keys)
        if len(found) < len(keys):
            # The index is older than the server: read it anew before anything is said to be gone
            self.shelf.forget()
            keys = await self.shelf.find(kind, ids)
            found = await self.client.metadata(keys)
            if len(found) < len(keys):
                raise BadAnswer(f"{self.client.url} lists items that it then does not have.")
        items = [await self._whole(item) for item in found if is_title(item)]
        return Availability(items=tuple(items), seasons=merged_seasons(item.seasons for item in items))

    async def item(self, key: str) -> LibraryItem:
        """One title in full, with its seasons."""
        item = await self.client.one(key)
        if not is_title(item):
            raise NotFound(f"{self.client.url}: {key} is no film or series.", status=404)
        if not self.client.uses(item):
            raise NotFound(f"{self.client.url}: {key} is in a library that the settings leave out.", status=404)
        return await self._whole(item)

    async def _whole(self, item: wire.Metadata) -> LibraryItem:
        seasons = seasons_of(await self.client.children(item.key)) if item.type == "show" else ()
        return library_item(item, seasons=seasons)

    async def episodes(self, key: str, season: int) -> list[Episode]:
        """The episodes held of one season, in order; also of a show that hides its seasons."""
        for child in await self.client.children(key):
            if child.type == "season" and child.index == season:
                found = await self.client.children(child.key)
                break
        else:
            found = [leaf for leaf in await self.client.leaves(key) if leaf.parent_index in (season, None)]
        return sorted((episode(item, season) for item in found if item.type == "episode"), key=lambda each: each.number)

    async def recently_added(self, limit: int) -> list[LibraryItem]:
        """The newest titles. A series counts as new when an episode of it is."""
        newest: list[LibraryItem] = []
        for section in await self.client.sections():
            kind, size = ("movie", limit) if section.type == "movie" else ("episode", 5 * limit)
            query = {"type": TYPES[kind], "sort": "addedAt:desc", **ROWS}
            rows = (await self.client.page(rows_of(section), 0, size, **query)).items
            if section.type == "show":
                rows = tuple(await self._shows_of(rows))
            newest += [library_item(row, section=section.title) for row in rows if is_title(row)]
        newest.sort(key=lambda item: item.added_at.timestamp() if item.added_at else 0.0, reverse=True)
        return newest[:limit]

    async def _shows_of(self, episodes: Sequence[wire.Metadata]) -> list[wire.Metadata]:
        """The shows of some episodes, each as new as its newest one."""
        latest: dict[str, int] = {}
        for each in episodes:
            if each.show_key:
                latest[each.show_key] = max(latest.get(each.show_key, 0), each.added_at or 0)
        shows = await self.client.metadata(list(latest))
        return [replace(show, added_at=max(show.added_at or 0, latest[show.key])) for show in shows]

    async def browse(self, cursor: str | None) -> LibraryPage:
        """One page of a sweep through all libraries in use, one library after the other."""
        sections = await self.client.sections()
        at = await self._start(sections) if cursor is None else self._resume(cursor)
        keys = [str(section.key) for section in sections]
        if at.section not in keys:
            raise BadAnswer(f"{self.client.url}: a library went away in the middle of a sweep.")
        section = sections[keys.index(at.section)]
        listing = await self.client.page(rows_of(section), at.start, type=TYPES[section.type], sort="titleSort", **ROWS)
        if at.start and listing.items and listing.items[0].key == at.first:
            listing = wire.Listing()
        rows = {row.key: row for row in listing.items if is_title(row)}
        return LibraryPage(
            items=tuple(library_item(row, section=section.title) for row in rows.values()),
            next=self._following(at, listing, keys),
            total=at.total,
        )

    async def _start(self, sections: Sequence[wire.Section]) -> Cursor:
        totals = [await self.client.total(section) for section in sections]
        known = [total for total in totals if total is not None]
        return Cursor(str(sections[0].key), 0, sum(known) if len(known) == len(totals) else None)

    def _resume(self, cursor: str) -> Cursor:
        try:
            return msgspec.json.decode(cursor, type=Cursor)
        except msgspec.MsgspecError:
            raise Rejected("This is no place in a sweep.") from None

    def _following(self, at: Cursor, listing: wire.Listing, sections: Sequence[str]) -> str | None:
        """The next page's cursor. A library ends where its count does, or, without a count, with an empty page."""
        reached = at.start + listing.rows
        ended = not listing.items or (listing.total_size is not None and reached >= listing.total_size)
        if not ended:
            following = Cursor(at.section, reached, at.total, at.first or listing.items[0].key)
        elif (place := sections.index(at.section) + 1) < len(sections):
            following = Cursor(sections[place], 0, at.total)
        else:
            return None
        return msgspec.json.encode(following).decode()

    async def changes(self, since: datetime) -> list[LibraryItem]:
        """All titles added or changed after `since`, and some minutes before it; series with new episodes as well."""
        cutoff = int(since.timestamp()) - OVERLAP
        changed: dict[str, LibraryItem] = {}
        for section in await self.client.sections():
            rows = await self._changed(section, cutoff)
            changed |= {row.key: library_item(row, section=section.title) for row in rows if is_title(row)}
        return list(changed.values())

    async def _changed(self, section: wire.Section, cutoff: int) -> list[wire.Metadata]:
        rows: list[wire.Metadata] = []
        for stamp in ("updatedAt", "addedAt"):
            newest = await self.client.newest(section, section.type, stamp, cutoff)
            if not newest.ordered:
                return await self.client.everything(rows_of(section), type=TYPES[section.type])
            rows += newest.items
        if section.type == "show":
            episodes = await self.client.newest(section, "episode", "addedAt", cutoff)
            if not episodes.ordered:
                return await self.client.everything(rows_of(section), type=TYPES["show"])
            shows = {each.show_key for each in episodes.items} - {row.key for row in rows} - {""}
            rows += await self.client.metadata(sorted(shows))
        return rows
