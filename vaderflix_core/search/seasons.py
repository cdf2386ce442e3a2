"""What is there of a series: the library says what it holds, requesters say what exists and what has aired."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..api.models import Candidate, LibraryItem, Season
from .models import Availability, TitleSeason


def merge_seasons(
    held: Iterable[LibraryItem], candidates: Iterable[Candidate], *, complete: bool
) -> tuple[TitleSeason, ...]:
    """All seasons anybody knows, by number. Of several copies the fuller counts, of several opinions the larger.

    `complete`: whether what the library does not hold is known to be absent.
    """
    have: dict[int, list[Season]] = {}
    told: dict[int, list[Season]] = {}
    for item in held:
        for season in item.seasons:
            have.setdefault(season.number, []).append(season)
    for candidate in candidates:
        for season in candidate.seasons:
            told.setdefault(season.number, []).append(season)
    return tuple(
        _season(number, have.get(number, []), told.get(number, []), complete)
        for number in sorted(have.keys() | told.keys())
    )


def series_availability(seasons: Iterable[TitleSeason]) -> Availability:
    """Of a series that is held: `PARTLY` only when it is known that something aired is missing. Specials do not count.

    Of a season that nobody counts it is known once another follows it.
    """
    counted = [season for season in seasons if season.number > 0]
    last = max((season.number for season in counted), default=0)
    for season in counted:
        if season.availability is Availability.PARTLY:
            return Availability.PARTLY
        aired = season.number < last if season.aired is None else season.aired > 0
        if season.availability is Availability.ABSENT and aired:
            return Availability.PARTLY
    return Availability.AVAILABLE


def _season(number: int, have: Sequence[Season], told: Sequence[Season], complete: bool) -> TitleSeason:
    held = max((season.available for season in have), default=0)
    aired = max((season.aired for season in told if season.aired is not None), default=None)
    known = max((season.episodes for season in told if season.episodes), default=None)
    expected = known if aired is None else aired
    if held:
        availability = Availability.PARTLY if expected is not None and held < expected else Availability.AVAILABLE
    else:
        availability = Availability.ABSENT if complete else Availability.UNKNOWN
    title = next((season.title for season in [*have, *told] if season.title), "")
    return TitleSeason(number=number, title=title, held=held, aired=aired, known=known, availability=availability)
