"""Speaks to one Plex Media Server: identity before token, pages to their end, items in batches."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple, TypeVar

import httpx
from msgspec.structs import replace

from vaderflix_core.api import BadAnswer, Cause, Instance, NotFound, Rejected, ServiceClient, Unavailable

from . import wire
from .settings import PlexSettings

T = TypeVar("T")

TIMEOUT = 15.0  # seconds
PAGE = 500
SMALLEST_PAGE = 60
BATCH = 100
TYPES = {"movie": 1, "show": 2, "season": 3, "episode": 4}
# Collections would come as rows of their own, and links would be counted
ROWS = {"includeGuids": 1, "includeCollections": 0, "excludeAllLeaves": 1}
# A sweep for ids needs none of what makes rows heavy
TRIMMED = {
    "excludeElements": "Media,Genre,Country,Director,Writer,Producer,Role,Collection,Image,UltraBlurColors",
    "excludeFields": "summary,tagline",
}
_HEADLINE = re.compile(rb"<h1>([^<]{1,200})</h1>", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")


def rows_of(section: wire.Section) -> str:
    """Where the rows of a library are."""
    return f"/library/sections/{section.key}/all"


def explain(response: httpx.Response) -> str | None:
    """Plex's own words of an error: its error pages are HTML with one headline."""
    found = _HEADLINE.search(response.content[:4096])
    return found[1].decode("utf-8", "replace").strip() if found else None


class Newest(NamedTuple):
    """The head of a library in an order by time. `total` is the server's count of all items, if it said."""

    items: list[wire.Metadata]
    ordered: bool  # False: the server did not keep the order, so items may be missing
    total: int | None


class PlexClient:
    """One server with one token. Every method raises `vaderflix_core.api` errors only."""

    def __init__(self, instance: Instance[PlexSettings], *, timeout: float = TIMEOUT) -> None:
        settings = instance.settings
        identity = {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": instance.install_id,
            "X-Plex-Product": "Vader Flix",
            "X-Plex-Version": version("vaderflix-plex"),
            "X-Plex-Platform": "Python",
            "X-Plex-Device": "Server",
            "X-Plex-Device-Name": "Vader Flix",
        }
        self.url = settings.url.rstrip("/")
        self.timeout = timeout
        self._wanted = settings.sections
        self._page = PAGE
        self._machine: str | None = None
        self._anonymous = instance.http(
            self.url, headers=identity, timeout=timeout, verify=settings.verify_tls, explain=explain
        )
        self._known = instance.http(
            self.url,
            headers={**identity, "X-Plex-Token": settings.token.reveal()},
            timeout=timeout,
            verify=settings.verify_tls,
            explain=explain,
        )

    async def identity(self) -> wire.Identity:
        """Who answers, asked without the token."""
        answer = (await self._anonymous.get("/identity", wire.IdentityAnswer)).container
        if not answer.machine_identifier:
            raise BadAnswer(f"{self.url} does not say which server it is.")
        self._machine = answer.machine_identifier
        return answer

    async def machine(self) -> str:
        """The server's machine identifier."""
        return self._machine or (await self.identity()).machine_identifier

    async def authorised(self) -> ServiceClient:
        """The HTTP client that carries the token, once a Plex server has answered without it."""
        await self.machine()
        return self._known

    def check(self, response: httpx.Response) -> None:
        """Raise what an error status means; the body must have been read. 403 is about one thing, not the token."""
        if response.status_code == 403:
            raise Rejected(f"{self.url} forbids this to the account of our token.", status=403)
        if response.status_code >= 400:
            self._known.raise_for_status(response)

    async def get(self, path: str, kind: type[T], **params: Any) -> T:
        """The JSON of one GET."""
        http = await self.authorised()
        response = await http.request("GET", path, params=params, check=False)
        self.check(response)
        return http.decode(response, kind)

    async def root(self) -> wire.Root:
        """What the server says of itself to our token."""
        return (await self.get("/", wire.RootAnswer)).container

    async def all_sections(self) -> list[wire.Section]:
        """All film and series libraries that the token sees."""
        answer = await self.get("/library/sections", wire.SectionsAnswer)
        return [section for section in wire.many(answer.container.directory) if section.type in ("movie", "show")]

    async def section_names(self) -> list[tuple[str, str]]:
        """The key and name of every library of the server, whatever it holds."""
        answer = await self.get("/library/sections", wire.SectionsAnswer)
        return [(str(section.key), section.title) for section in wire.many(answer.container.directory)]

    def missing(self, sections: Sequence[wire.Section]) -> list[str]:
        """The configured library names that the server does not have."""
        there = {section.title.casefold() for section in sections}
        return [name for name in self._wanted if name.casefold() not in there]

    def uses(self, item: wire.Metadata) -> bool:
        """Whether an item's library is one of the chosen, as far as the row names it."""
        wanted = {name.casefold() for name in self._wanted}
        return not wanted or not item.section_title or item.section_title.casefold() in wanted

    async def sections(self) -> list[wire.Section]:
        """The libraries to use. Raises when there is none: that says nothing of any title."""
        everything = await self.all_sections()
        if not everything:
            raise BadAnswer(f"{self.url} shows no film or series library to our token.")
        wanted = {name.casefold() for name in self._wanted}
        chosen = [section for section in everything if not wanted or section.title.casefold() in wanted]
        if not chosen:
            names = ", ".join(section.title for section in everything)
            raise Rejected(f"None of the chosen libraries is on the server. It has: {names}.", field="sections")
        return chosen

    async def page(self, path: str, start: int, size: int | None = None, **params: Any) -> wire.Listing:
        """One page of a listing. A page that takes too long is asked for smaller the next time.

        Raises `BadAnswer` for a first page that holds nothing and counts nothing: that is no empty library.
        """
        size = self._page if size is None else size
        window = {"X-Plex-Container-Start": str(start), "X-Plex-Container-Size": str(size)}
        http = await self.authorised()
        try:
            response = await http.request("GET", path, params=params, headers=window, check=False)
        except Unavailable as error:
            if error.cause is Cause.TIMEOUT and size == self._page:
                self._page = max(SMALLEST_PAGE, self._page // 2)
            raise
        self.check(response)
        listing = http.decode(response, wire.ListingAnswer).container
        if size and not start and not listing.items and listing.total_size is None:
            raise BadAnswer(f"{self.url}: {path} is empty, without saying so.")
        return listing

    async def pages(self, path: str, *, size: int | None = None, **params: Any) -> AsyncIterator[wire.Listing]:
        """A listing to its end, each item once. It ends where the server's count does, or with nothing new."""
        start, seen = 0, set[str]()
        while True:
            listing = await self.page(path, start, size, **params)
            received = listing.items
            fresh = tuple(item for item in received if item.key not in seen)
            seen.update(item.key for item in fresh)
            start += listing.rows
            yield replace(listing, metadata=fresh)
            if not fresh or (listing.total_size is not None and start >= listing.total_size):
                return

    async def everything(self, path: str, **params: Any) -> list[wire.Metadata]:
        """A complete listing. Raises when the pages do not add up to the server's own count."""
        items: list[wire.Metadata] = []
        total: int | None = None
        rows = 0
        async for listing in self.pages(path, **ROWS, **params):
            items += listing.items
            rows += listing.rows
            total = listing.total_size
        if total is not None and rows < total:
            raise BadAnswer(f"{self.url}: {path} gave {rows} of {total} items.")
        return items

    async def total(self, section: wire.Section) -> int | None:
        """How many titles a library holds, by its own count."""
        return (await self.page(rows_of(section), 0, 0, type=TYPES[section.type], **ROWS)).total_size

    async def newest(self, section: wire.Section, kind: str, stamp: str, cutoff: int, **params: Any) -> Newest:
        """The items of a library whose `addedAt` or `updatedAt` is `cutoff` or later, newest first.

        Servers ignore date filters at times, so the order is asked for, checked, and read until it is old enough.
        """
        items: list[wire.Metadata] = []
        last: int | None = None
        total: int | None = None
        query = {"type": TYPES[kind], "sort": f"{stamp}:desc", **ROWS, **params}
        async for listing in self.pages(rows_of(section), **query):
            total = listing.total_size
            for item in listing.items:
                when = (item.updated_at if stamp == "updatedAt" else item.added_at) or 0
                if last is not None and when > last:
                    return Newest(items, False, total)
                last = when
                if when < cutoff:
                    return Newest(items, True, total)
                items.append(item)
        return Newest(items, True, total)

    async def metadata(self, keys: Sequence[str]) -> list[wire.Metadata]:
        """Items in full, in the order asked for. Those that are gone are left out."""
        found: dict[str, wire.Metadata] = {}
        for start in range(0, len(keys), BATCH):
            batch = [key for key in keys[start : start + BATCH] if _NUMBER.fullmatch(key)]
            if not batch:
                continue
            try:
                answer = await self.get(f"/library/metadata/{','.join(batch)}", wire.ListingAnswer, includeGuids=1)
            except NotFound:
                continue
            if not answer.container.items:
                raise BadAnswer(f"{self.url} answered without the items asked for.")
            for item in answer.container.items:
                found[item.key] = item
        return [found[key] for key in dict.fromkeys(keys) if key in found]

    async def one(self, key: str) -> wire.Metadata:
        """One item in full. Raises `NotFound`."""
        found = await self.metadata([key])
        if not found:
            raise NotFound(f"{self.url} has no item {key}.", status=404)
        return found[0]

    async def children(self, key: str) -> list[wire.Metadata]:
        """The seasons of a show, or the episodes of a season. A show that hides its seasons may give episodes."""
        return await self._below(key, "children")

    async def leaves(self, key: str) -> list[wire.Metadata]:
        """All episodes of a show."""
        return await self._below(key, "allLeaves")

    async def _below(self, key: str, what: str) -> list[wire.Metadata]:
        if not _NUMBER.fullmatch(key):
            raise NotFound(f"{self.url} has no item {key}.", status=404)
        return await self.everything(f"/library/metadata/{key}/{what}")

    async def hubs(self, query: str, limit: int) -> tuple[wire.Hub, ...]:
        """Plex's own search over everything, grouped by kind."""
        answer = await self.get("/hubs/search", wire.HubsAnswer, query=query, limit=limit, includeCollections=0)
        return wire.many(answer.container.hub)

    def headers(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Headers for a request whose answer is no JSON."""
        return {"Accept": "*/*", "Accept-Encoding": "identity", **extra}
