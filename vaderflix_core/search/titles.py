"""The page of one title: what the library holds of it, and what the requesters know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..api.models import Candidate, ExternalIds, MediaItem, MediaKind
from ..api.roles import Requester
from ..failures import SourceFailed
from ..library.index import Library
from ..playback.images import Images
from ..plugins.fanout import Fanout
from ..plugins.guard import Answer
from ..plugins.pool import Pool
from . import ranking
from .models import Held, Hit, SourceOutcome, TitlePage, TitleSeason
from .ranking import Offer
from .refs import parse_ref
from .search import kinds_of, outcome_of, priorities
from .seasons import merge_seasons

PATIENCE = 4.0  # seconds a page waits for requesters; who is later did not answer


class Titles:
    """Gives everything known of a title. What a silent source would have said stays unknown."""

    def __init__(self, library: Library, pool: Pool, fanout: Fanout, images: Images) -> None:
        self._library = library
        self._pool = pool
        self._fanout = fanout
        self._images = images

    async def get(self, kind: MediaKind, ref: str) -> TitlePage | None:
        """The title that `ref` addresses; None when everybody answered and nobody knows it.

        Raises `SourceFailed` when nobody knows it, but not everybody answered.
        """
        wanted = parse_ref(ref)
        if wanted is None:
            return None
        held: list[Held] = []
        if isinstance(wanted, int):
            item = await self._library.get(wanted)
            if item is None or item.item.kind is not kind:
                return None
            held, wanted = [item], item.item.ids
        held += await self._library.find(kind, wanted)
        ids = wanted
        for copy in held:
            ids = ids.merged(copy.item.ids)
        offers, outcomes = await self._look_up(kind, ids)
        for _, candidate in offers:
            ids = ids.merged(candidate.ids)
        if offers:
            held += await self._library.find(kind, ids)
        if not held and not offers:
            silent = [outcome.name for outcome in outcomes if not outcome.ok]
            if silent:
                raise SourceFailed(f"{', '.join(silent)} did not answer. Try again in a moment.")
            return None
        return await self._page(held, offers, wanted, outcomes)

    async def _look_up(self, kind: MediaKind, ids: ExternalIds) -> tuple[list[Offer], list[SourceOutcome]]:
        if not any(name != "guid" for name, _ in ids.pairs()):
            return [], []
        bindings = [binding for binding in self._pool.bindings(Requester) if kind in kinds_of(binding)]
        answers: list[Answer[Candidate | None]] = await asyncio.gather(
            *(self._fanout.one(binding, "lookup", kind, ids, timeout=PATIENCE) for binding in bindings)
        )
        offers: list[Offer] = []
        outcomes: list[SourceOutcome] = []
        for binding, answer in zip(bindings, answers, strict=True):
            found = _fitting(answer, kind, ids)
            offers += [(binding.instance, candidate) for candidate in found]
            outcomes.append(outcome_of(binding, answer, len(found)))
        return offers, outcomes

    async def _page(
        self, held: Sequence[Held], offers: Sequence[Offer], wanted: ExternalIds, outcomes: Sequence[SourceOutcome]
    ) -> TitlePage:
        complete = await self._library.complete()
        hits = ranking.merge(
            held, offers, priorities=priorities(self._pool), complete=complete, picture=self._images.id_for
        )
        hit = next((hit for hit in hits if hit.ids.shares(wanted)), hits[0])
        described: list[tuple[str, MediaItem]] = [*((h.instance, h.item) for h in hit.held), *hit.candidates]
        items = [item for _, item in described]
        backdrop = next(((instance, item.backdrop) for instance, item in described if item.backdrop), None)
        return TitlePage(
            hit=hit,
            seasons=_seasons(hit, complete),
            genres=next((item.genres for item in items if item.genres), ()),
            runtime_minutes=next((item.runtime_minutes for item in items if item.runtime_minutes), None),
            rating=next((item.rating for item in items if item.rating), None),
            certification=next((item.certification for item in items if item.certification), ""),
            original_title=next((item.original_title for item in items if item.original_title), ""),
            backdrop=self._images.id_for(*backdrop) if backdrop else None,
            height=max((h.item.height for h in hit.held if h.item.height), default=None),
            released=next((c.released for _, c in hit.candidates if c.released is not None), None),
            requesters=tuple(dict.fromkeys(instance for instance, _ in hit.candidates)),
            sources=tuple(outcomes),
        )


def _fitting(answer: Answer[Candidate | None], kind: MediaKind, ids: ExternalIds) -> list[Candidate]:
    """The candidate of an answer, if it is the title that was asked for: a source may find another by a wrong id."""
    candidate = answer.value
    return [candidate] if candidate is not None and candidate.kind is kind and candidate.ids.shares(ids) else []


def _seasons(hit: Hit, complete: bool) -> tuple[TitleSeason, ...]:
    if hit.kind is not MediaKind.SERIES:
        return ()
    return merge_seasons((h.item for h in hit.held), (candidate for _, candidate in hit.candidates), complete=complete)
