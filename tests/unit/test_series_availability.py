"""What is said of a series that is held: partly only where it is known that something aired is missing."""

from __future__ import annotations

import pytest

from vaderflix_core.search.models import Availability as A
from vaderflix_core.search.models import TitleSeason
from vaderflix_core.search.seasons import series_availability


def season(number: int, availability: A, aired: int | None = None) -> TitleSeason:
    return TitleSeason(number=number, availability=availability, aired=aired)


@pytest.mark.parametrize(
    ("seasons", "said"),
    [
        ([season(1, A.AVAILABLE)], A.AVAILABLE),
        ([season(1, A.AVAILABLE), season(2, A.ABSENT, aired=8)], A.PARTLY),
        ([season(1, A.AVAILABLE), season(2, A.ABSENT, aired=0)], A.AVAILABLE),
        # nobody counts the last season: it may not have begun
        ([season(1, A.AVAILABLE), season(2, A.ABSENT)], A.AVAILABLE),
        # another one follows it, so it was shown
        ([season(1, A.AVAILABLE), season(2, A.ABSENT), season(3, A.ABSENT)], A.PARTLY),
        ([season(0, A.ABSENT, aired=3), season(1, A.AVAILABLE)], A.AVAILABLE),
        ([season(1, A.AVAILABLE), season(2, A.UNKNOWN), season(3, A.UNKNOWN)], A.AVAILABLE),
    ],
)
def test_a_series_is_partly_there_only_when_something_shown_is_missing(seasons: list[TitleSeason], said: A) -> None:
    assert series_availability(seasons) is said
