"""Merging: whatever the sources say and in whatever order, no title is lost, and none stands twice."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api import Candidate, ExternalIds, LibraryItem, MediaKind, Season
from vaderflix_core.search.matching import parse
from vaderflix_core.search.models import Availability, Held
from vaderflix_core.search.ranking import merge

ids = st.builds(
    ExternalIds,
    tmdb=st.none() | st.integers(1, 6),
    tvdb=st.none() | st.integers(1, 6),
    imdb=st.none() | st.sampled_from(["tt1", "tt2", "tt3", "tt4"]),
)
seasons = st.lists(
    st.builds(Season, number=st.integers(0, 3), available=st.integers(0, 5), aired=st.none() | st.integers(0, 5)),
    max_size=3,
    unique_by=lambda season: season.number,
).map(tuple)
common = {
    "kind": st.sampled_from(MediaKind),
    "title": st.sampled_from(["Metropolis", "Nosferatu", "Dead of Night", "Night of the Dead"]),
    "year": st.none() | st.integers(1920, 1925),
    "ids": ids,
    "seasons": seasons,
}
held_lists = st.lists(
    st.builds(
        Held,
        id=st.integers(1, 30),
        instance=st.sampled_from(["home", "attic"]),
        item=st.builds(LibraryItem, key=st.just("k"), **common),
    ),
    max_size=6,
    unique_by=lambda held: held.id,
)
offer_lists = st.lists(
    st.tuples(st.sampled_from(["films", "series", "films-4k"]), st.builds(Candidate, **common)), max_size=8
)
PRIORITIES = {"home": 1, "films": 10, "films-4k": 20, "series": 10}


def merged(held, offers, query="dead", complete=True):
    return merge(
        held,
        offers,
        query=parse(query),
        priorities=PRIORITIES,
        complete=complete,
        picture=lambda instance, ref: ref and f"{instance}/{ref}",
    )


def test_two_services_of_one_priority_that_offer_the_same_keep_their_order():
    candidate = Candidate(kind=MediaKind.MOVIE, title="Metropolis", ids=ExternalIds())
    offers = [("films", candidate), ("series", candidate)]
    assert merged([], offers) == merged([], offers[::-1])


@given(held_lists, offer_lists, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_does_not_matter(held, offers, random):
    shuffled, others = list(held), list(offers)
    random.shuffle(shuffled)
    random.shuffle(others)
    assert merged(held, offers) == merged(shuffled, others)


@given(held_lists, offer_lists)
def test_merging_what_was_merged_changes_nothing(held, offers):
    hits = merged(held, offers)
    again = merged([h for hit in hits for h in hit.held], [o for hit in hits for o in hit.candidates])
    assert again == hits
    assert merged(held * 2, offers * 2) == hits


@given(held_lists, offer_lists)
def test_nothing_is_lost_and_nothing_is_there_twice(held, offers):
    hits = merged(held, offers)
    assert sorted(h.id for hit in hits for h in hit.held) == sorted(h.id for h in held)
    kept = [offer for hit in hits for offer in hit.candidates]
    assert set(kept) == set(offers)
    assert len(kept) == len(set(kept))


@given(held_lists, offer_lists)
def test_no_two_hits_of_a_kind_share_an_id(held, offers):
    def pairs(hit):
        items = [*(h.item for h in hit.held), *(c for _, c in hit.candidates)]
        return {(item.kind, *pair) for item in items for pair in item.ids.pairs()}

    for one, other in combinations(merged(held, offers), 2):
        assert pairs(one).isdisjoint(pairs(other))
        assert not one.ref or (one.kind, one.ref) != (other.kind, other.ref)


@given(held_lists, offer_lists)
def test_films_and_series_with_the_same_number_stay_apart(held, offers):
    for hit in merged(held, offers):
        assert {h.item.kind for h in hit.held} | {c.kind for _, c in hit.candidates} == {hit.kind}


@given(held_lists, offer_lists, st.booleans())
def test_absence_is_claimed_only_when_the_whole_library_is_known(held, offers, complete):
    for hit in merged(held, offers, complete=complete):
        if hit.held:
            assert hit.availability in (Availability.AVAILABLE, Availability.PARTLY)
        else:
            assert hit.availability is (Availability.ABSENT if complete else Availability.UNKNOWN)
