"""Merge what several sources know into titles, and put them in order. Pure: the order of the input does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce

import msgspec

from ..api.models import Candidate, ExternalIds, MediaItem, MediaKind
from .folding import title_forms
from .matching import NO_MATCH, Match, Query, match
from .models import Availability, Held, Hit
from .refs import ref_for
from .seasons import merge_seasons, series_availability

Offer = tuple[str, Candidate]  # a requester's instance, and what it could get
Picture = Callable[[str, str | None], str | None]  # (instance, its reference) -> opaque image id

LAST = 1_000_000  # the priority of an instance that is no longer there
_ORDER = {
    Availability.AVAILABLE: 0,
    Availability.PARTLY: 1,
    Availability.ABSENT: 2,
    Availability.UNKNOWN: 3,
}


def merge(
    held: Iterable[Held],
    offers: Iterable[Offer],
    *,
    query: Query | None = None,
    priorities: Mapping[str, int],
    complete: bool,
    picture: Picture,
) -> list[Hit]:
    """One hit per title: records of a kind that share an id, directly or through others, are one.

    Ordered by how well they match the query, then availability, then the priority of their best instance (smaller is
    better), then by year, newest first. `complete`: whether what the library does not hold is known to be absent.
    """
    records: list[Held | Offer] = [*{h.id: h for h in held}.values(), *dict.fromkeys(offers)]
    hits = [_hit(group, priorities, complete, picture) for group in _groups(records)]
    return sorted(hits, key=lambda hit: _order(hit, query, priorities))


def item_of(record: Held | Offer) -> MediaItem:
    """The description in a record."""
    return record.item if isinstance(record, Held) else record[1]


def match_of(hit: Hit, query: Query) -> Match:
    """How well any of a hit's names matches a query."""
    items: list[MediaItem] = [*(h.item for h in hit.held), *(candidate for _, candidate in hit.candidates)]
    return min((match(query, _forms(item), item.year) for item in items), default=NO_MATCH)


def _forms(item: MediaItem) -> tuple[str, ...]:
    return title_forms([item.title, item.original_title, *item.alternate_titles])


def _groups(records: list[Held | Offer]) -> list[list[Held | Offer]]:
    """Connected components over shared ids (union-find)."""
    parent = list(range(len(records)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[tuple[MediaKind, str, str], int] = {}
    for at, record in enumerate(records):
        item = item_of(record)
        for catalogue, value in item.ids.pairs():
            other = first.setdefault((item.kind, catalogue, value), at)
            parent[root(at)] = root(other)
    groups: dict[int, list[Held | Offer]] = {}
    for at, record in enumerate(records):
        groups.setdefault(root(at), []).append(record)
    return list(groups.values())


def _hit(group: list[Held | Offer], priorities: Mapping[str, int], complete: bool, picture: Picture) -> Hit:
    held = sorted(
        (r for r in group if isinstance(r, Held)), key=lambda h: (priorities.get(h.instance, LAST), h.instance, h.id)
    )
    offers = sorted(
        (r for r in group if not isinstance(r, Held)),
        key=lambda o: (priorities.get(o[0], LAST), o[0], msgspec.json.encode(o[1], order="deterministic")),
    )
    described: list[tuple[str, MediaItem]] = [*((h.instance, h.item) for h in held), *offers]
    lead = described[0][1]
    ids = reduce(lambda known, entry: known.merged(entry[1].ids), described, ExternalIds())
    with_poster = next(((instance, item.poster) for instance, item in described if item.poster), None)
    return Hit(
        kind=lead.kind,
        ref=ref_for(lead.kind, ids, held[0].id if held else None),
        title=lead.title,
        year=next((item.year for _, item in described if item.year is not None), None),
        ids=ids,
        overview=next((item.overview for _, item in described if item.overview), ""),
        poster=picture(*with_poster) if with_poster else None,
        held=tuple(held),
        candidates=tuple(offers),
        availability=_availability(lead.kind, held, offers, complete),
    )


def _availability(kind: MediaKind, held: list[Held], offers: list[Offer], complete: bool) -> Availability:
    if not held:
        return Availability.ABSENT if complete else Availability.UNKNOWN
    if kind is MediaKind.MOVIE:
        return Availability.AVAILABLE
    seasons = merge_seasons((h.item for h in held), (candidate for _, candidate in offers), complete=complete)
    return series_availability(seasons)


def _order(hit: Hit, query: Query | None, priorities: Mapping[str, int]) -> tuple[object, ...]:
    instances = [*(h.instance for h in hit.held), *(instance for instance, _ in hit.candidates)]
    return (
        match_of(hit, query) if query else NO_MATCH,
        _ORDER[hit.availability],
        min(priorities.get(instance, LAST) for instance in instances),
        -(hit.year or 0),
        hit.title.casefold(),
        hit.kind,
        hit.ref,
        [h.id for h in hit.held],
        [(name, msgspec.json.encode(candidate, order="deterministic")) for name, candidate in hit.candidates],
    )
