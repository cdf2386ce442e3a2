"""Search: the library at once, the requesters as they answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from msgspec import Struct

from ..api.models import Candidate, MediaKind
from ..api.roles import MediaSource, Requester
from ..library.index import Library
from ..playback.images import Images
from ..plugins.fanout import Fanout
from ..plugins.guard import Answer, Outcome
from ..plugins.pool import Binding, Pool
from . import ranking
from .matching import Query, parse
from .models import Held, Hit, SearchReport, SourceOutcome
from .ranking import Offer

TIMEOUT = 15.0
REMEMBERED = 30.0  # seconds that an answer serves the next equal query, while the pool is the same
MOST_REMEMBERED = 200


class _Remembered(Struct):
    until: float
    revision: int
    offers: list[Candidate]


class Search:
    """Finds titles for people. `now` is a steady clock in seconds, for what is remembered."""

    def __init__(
        self,
        library: Library,
        pool: Pool,
        fanout: Fanout,
        images: Images,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._pool = pool
        self._fanout = fanout
        self._images = images
        self._now = now
        self._memory: dict[tuple[int, str, MediaKind], _Remembered] = {}

    async def library(self, query: str, kind: MediaKind | None = None, limit: int = 20) -> list[Hit]:
        """Titles of the library, best match first. Calls no service."""
        parsed = parse(query)
        if parsed.blank:
            return []
        held = await self._held(query, kind, limit)
        return self._merge(parsed, held, [], complete=True)[:limit]

    async def elsewhere(
        self, query: str, kind: MediaKind | None = None
    ) -> AsyncIterator[tuple[SourceOutcome, list[Hit]]]:
        """Each requester's outcome the moment it comes, with the titles it knows, joined to the library's copies and
        to what the requesters before it said."""
        parsed = parse(query)
        if parsed.blank:
            return
        offers: list[Offer] = []
        async for outcome, found in self._ask(query, kind):
            offers += [(outcome.instance, candidate) for candidate in found]
            hits = await self._joined(parsed, [], offers)
            yield outcome, [hit for hit in hits if any(instance == outcome.instance for instance, _ in hit.candidates)]

    async def report(self, query: str, kind: MediaKind | None = None, limit: int = 20) -> SearchReport:
        """Everything at once: as slow as the slowest requester."""
        parsed = parse(query)
        if parsed.blank:
            return SearchReport(query=query, hits=(), sources=())
        held = await self._held(query, kind, limit)
        offers: list[Offer] = []
        outcomes: list[SourceOutcome] = []
        async for outcome, found in self._ask(query, kind):
            outcomes.append(outcome)
            offers += [(outcome.instance, candidate) for candidate in found]
        hits = await self._joined(parsed, held, offers)
        outcomes.sort(key=lambda outcome: outcome.instance)
        return SearchReport(query=query, hits=tuple(hits), sources=tuple(outcomes))

    async def _held(self, query: str, kind: MediaKind | None, limit: int) -> list[Held]:
        """Matching items, and their copies in other sources, which may not match by name."""
        held = await self._library.search(query, limit=limit, kind=kind)
        if held and len(self._pool.bindings(MediaSource)) > 1:
            held += await self._library.find_any((h.item.kind, h.item.ids) for h in held)
        return held

    async def _joined(self, query: Query, held: list[Held], offers: list[Offer]) -> list[Hit]:
        copies = await self._library.find_any((candidate.kind, candidate.ids) for _, candidate in offers)
        return self._merge(query, [*held, *copies], offers, complete=await self._library.complete())

    def _merge(self, query: Query, held: Iterable[Held], offers: Iterable[Offer], *, complete: bool) -> list[Hit]:
        return ranking.merge(
            held,
            offers,
            query=query,
            priorities=priorities(self._pool),
            complete=complete,
            picture=self._images.id_for,
        )

    async def _ask(self, query: str, kind: MediaKind | None) -> AsyncIterator[tuple[SourceOutcome, list[Candidate]]]:
        wanted = frozenset(MediaKind) if kind is None else frozenset({kind})
        tasks = {
            asyncio.create_task(self._ask_one(binding, query, kinds))
            for binding in self._pool.bindings(Requester)
            if (kinds := wanted & kinds_of(binding))
        }
        try:
            for next_done in asyncio.as_completed(tasks):
                yield await next_done
        finally:
            for task in tasks:
                task.cancel()

    async def _ask_one(
        self, binding: Binding, query: str, kinds: frozenset[MediaKind]
    ) -> tuple[SourceOutcome, list[Candidate]]:
        answers = await asyncio.gather(*(self._candidates(binding, query, kind) for kind in sorted(kinds)))
        worst = next((answer for answer in answers if not answer.ok), answers[0])
        found = [candidate for answer in answers for candidate in answer.value or ()]
        return outcome_of(binding, worst, len(found)), found

    async def _candidates(self, binding: Binding, query: str, kind: MediaKind) -> Answer[list[Candidate]]:
        text = " ".join(query.split())
        key = (id(binding.provider), text.casefold(), kind)
        known = self._memory.get(key)
        if known is not None and known.until > self._now() and known.revision == self._pool.revision:
            return Answer(instance=binding.instance, name=binding.name, outcome=Outcome.OK, value=known.offers)
        answer: Answer[list[Candidate]] = await self._fanout.one(binding, "search", text, kind, timeout=TIMEOUT)
        if answer.ok:
            # a source that answers with another kind than it was asked for would bring titles nobody looks for
            offers = [candidate for candidate in answer.value or () if candidate.kind is kind]
            self._remember(key, _Remembered(self._now() + REMEMBERED, self._pool.revision, offers))
        return answer

    def _remember(self, key: tuple[int, str, MediaKind], entry: _Remembered) -> None:
        now = self._now()
        for old in [k for k, e in self._memory.items() if e.until <= now or e.revision != entry.revision]:
            del self._memory[old]
        while len(self._memory) >= MOST_REMEMBERED:
            del self._memory[next(iter(self._memory))]
        self._memory[key] = entry


def kinds_of(binding: Binding) -> frozenset[MediaKind]:
    """The kinds a requester gets."""
    return frozenset(getattr(binding.provider, "kinds", ()))


def priorities(pool: Pool) -> dict[str, int]:
    """The priority of each instance that holds or gets titles."""
    return {b.instance: b.priority for role in (Requester, MediaSource) for b in pool.bindings(role)}


def outcome_of(binding: Binding, answer: Answer[Any], count: int) -> SourceOutcome:
    """How a source fared, to show beside the results."""
    return SourceOutcome(
        instance=binding.instance,
        name=binding.name,
        role=binding.role,
        outcome=answer.outcome,
        seconds=answer.seconds,
        error=answer.error,
        count=count,
    )
