"""How a title is addressed: `tmdb-603`, `tvdb-81189`, `imdb-tt0133093`, or `item-42` for what only our index knows."""

from __future__ import annotations

import re

from ..api.models import ExternalIds, MediaKind

_ORDER = {MediaKind.MOVIE: ("tmdb", "imdb", "tvdb"), MediaKind.SERIES: ("tvdb", "tmdb", "imdb")}
_REF = re.compile(r"(?:(tmdb|tvdb|item)-([1-9]\d{0,17})|imdb-([a-z]{2}\d{1,17}))", re.ASCII)
_IMDB = re.compile(r"[a-z]{2}\d{1,17}", re.ASCII)


def ref_for(kind: MediaKind, ids: ExternalIds, item_id: int | None = None) -> str:
    """The address of a title within its kind, by the catalogue that most services share; empty when there is none."""
    for catalogue in _ORDER[kind]:
        value = getattr(ids, catalogue)
        if value and (catalogue != "imdb" or _IMDB.fullmatch(value)):
            return f"{catalogue}-{value}"
    return f"item-{item_id}" if item_id else ""


def parse_ref(ref: str) -> ExternalIds | int | None:
    """What a ref addresses: a title by an id, an item of the index by its number, or None when it is no ref."""
    found = _REF.fullmatch(ref)
    if found is None:
        return None
    catalogue, number, imdb = found.groups()
    if imdb:
        return ExternalIds(imdb=imdb)
    if catalogue == "item":
        return int(number)
    return ExternalIds(tmdb=int(number)) if catalogue == "tmdb" else ExternalIds(tvdb=int(number))
