from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import ExternalIds, MediaKind
from vaderflix_core.search.refs import parse_ref, ref_for

IDS = st.builds(
    ExternalIds,
    tmdb=st.none() | st.integers(1, 10**9),
    tvdb=st.none() | st.integers(1, 10**9),
    imdb=st.none() | st.integers(1, 10**8).map(lambda n: f"tt{n:07d}"),
)


def test_films_are_addressed_by_tmdb_and_series_by_tvdb():
    ids = ExternalIds(tmdb=603, tvdb=1, imdb="tt0133093")
    assert ref_for(MediaKind.MOVIE, ids) == "tmdb-603"
    assert ref_for(MediaKind.SERIES, ids) == "tvdb-1"


def test_what_no_catalogue_knows_is_addressed_by_our_own_number():
    assert ref_for(MediaKind.MOVIE, ExternalIds(guid="local://1"), 42) == "item-42"
    assert ref_for(MediaKind.MOVIE, ExternalIds()) == ""


@given(st.sampled_from(MediaKind), IDS)
def test_a_ref_leads_back_to_an_id_of_the_title(kind, ids):
    ref = ref_for(kind, ids, 7)
    found = parse_ref(ref)
    assert found == 7 if isinstance(found, int) else found.shares(ids)


@pytest.mark.parametrize(
    "ref", ["", "tmdb-", "tmdb-0", "tmdb-1x", "imdb-603", "item--1", "tmdb-１", "guid-x", "x" * 500]
)
def test_what_is_no_ref_addresses_nothing(ref):
    assert parse_ref(ref) is None
