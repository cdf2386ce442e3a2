"""The simulated world is complete, small, and made of files that browsers take."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator

import pytest

from vaderflix_core.api import MediaKind
from vaderflix_core.testing import Title, catalogue
from vaderflix_core.testing.catalogue import WORLD

JPEG = b"\xff\xd8\xff"


def boxes(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind
        at += size


def test_no_two_titles_of_a_kind_share_a_name_or_an_id() -> None:
    names = [title.slug for title in catalogue()]
    ids = [(title.kind, *pair) for title in catalogue() for pair in title.ids.pairs()]
    assert len(names) == len(set(names))
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("title", catalogue(), ids=lambda title: title.slug)
def test_every_title_has_its_pictures_and_a_film(title: Title) -> None:
    assert title.poster.read_bytes().startswith(JPEG)
    assert title.still.read_bytes().startswith(JPEG)
    order = list(boxes(title.clip.read_bytes()))
    assert order[0] == b"ftyp"
    assert order.index(b"moov") < order.index(b"mdat")  # so that it plays before it is there as a whole


@pytest.mark.parametrize("title", [t for t in catalogue() if t.kind is MediaKind.SERIES], ids=lambda title: title.slug)
def test_every_series_has_numbered_and_dated_episodes(title: Title) -> None:
    assert [season.number for season in title.seasons] == list(range(1, len(title.seasons) + 1))
    for season in title.seasons:
        assert [episode.number for episode in season.episodes] == list(range(1, len(season.episodes) + 1))
        dates = [dt.date.fromisoformat(episode.air_date) for episode in season.episodes]
        assert dates == sorted(set(dates))
    assert set(title.held_seasons) <= {season.number for season in title.seasons}


def test_what_is_held_was_released_and_something_is_left_to_ask_for() -> None:
    assert all(title.released for title in catalogue() if title.held)
    assert [title.slug for title in catalogue() if not title.released] == ["the-night-ferry"]
    wanted = {title.slug for title in catalogue() if not title.held and title.released}
    assert {"metropolis", "detour", "safety-last", "night-of-the-living-dead"} <= wanted


def test_the_world_stays_small() -> None:
    assert sum(path.stat().st_size for path in WORLD.rglob("*") if path.is_file()) < 6_000_000
