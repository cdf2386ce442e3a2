"""The request's state machine, driven through every order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.api.models import Progress, Season, Stage
from vaderflix_core.requests.models import RequestState as S
from vaderflix_core.requests.states import (
    ENDED,
    FOLLOWED,
    TRANSITIONS,
    Coverage,
    awaits_library,
    coverage,
    may_move,
    observed,
)

states = st.sampled_from(list(S))
reports = st.builds(Progress, stage=st.sampled_from(list(Stage)))
covers = st.sampled_from(list(Coverage))
seasons = st.lists(
    st.builds(
        Season,
        number=st.integers(0, 4),
        episodes=st.integers(0, 12),
        aired=st.none() | st.integers(0, 12),
        available=st.integers(0, 12),
    ),
    unique_by=lambda s: s.number,
    max_size=5,
)


@given(states, reports, covers, st.booleans())
def test_whatever_is_observed_the_move_is_allowed(state, progress, held, sources):
    after = observed(state, progress, held, sources=sources)
    assert after is state or may_move(state, after)


@given(states, reports, st.booleans())
def test_nothing_is_available_before_a_media_source_holds_it(state, progress, sources):
    after = observed(state, progress, Coverage.NONE, sources=True)
    assert after is not S.AVAILABLE or state is S.AVAILABLE
    assert after is not S.PARTLY_AVAILABLE or state is S.PARTLY_AVAILABLE


@given(st.sampled_from(sorted(FOLLOWED)), reports)
def test_what_a_media_source_holds_is_available_whatever_the_requester_says(state, progress):
    assert observed(state, progress, Coverage.ALL, sources=True) is S.AVAILABLE


@given(states, st.lists(st.tuples(reports, covers), max_size=12))
def test_an_ended_request_stays_ended(state, history):
    for progress, held in history:
        before = state
        state = observed(state, progress, held, sources=True)
        if before in ENDED:
            assert state is before


@given(st.sampled_from(sorted(FOLLOWED)), st.lists(st.tuples(reports, covers), max_size=12))
def test_a_followed_request_fails_only_when_the_requester_says_it_is_gone(state, history):
    for progress, held in history:
        before = state
        state = observed(state, progress, held, sources=True)
        if state is S.FAILED and before is not S.FAILED:
            assert progress.stage is Stage.GONE


@given(states, reports, covers, st.booleans())
def test_only_what_is_imported_awaits_the_library(state, progress, held, sources):
    reached = observed(state, progress, held, sources=sources)
    if awaits_library(reached, progress):
        assert progress.stage in (Stage.IMPORTED, Stage.PARTLY)
        assert held is not Coverage.ALL or state not in FOLLOWED


def test_every_state_has_its_transitions_and_only_ended_ones_have_none():
    assert set(TRANSITIONS) == set(S)
    assert {s for s in S if not TRANSITIONS[s]} == {S.AVAILABLE, S.CANCELLED}


@given(st.sets(st.integers(0, 4), max_size=3), seasons, seasons)
def test_more_held_episodes_never_cover_less(asked, held, known):
    order = list(Coverage)
    more = [Season(number=s.number, available=s.available + 1) for s in held]
    assert order.index(coverage(asked, more, known)) >= order.index(coverage(asked, held, known))


@given(st.sets(st.integers(0, 4), min_size=1, max_size=3), seasons)
def test_nothing_held_covers_nothing(asked, known):
    assert coverage(asked, [], known) is Coverage.NONE


def test_a_season_is_covered_when_all_aired_episodes_are_held():
    known = [Season(number=1, episodes=10, aired=8), Season(number=2, episodes=10, aired=10)]
    assert coverage({1}, [Season(number=1, available=8)], known) is Coverage.ALL
    assert coverage({1}, [Season(number=1, available=7)], known) is Coverage.PARTLY
    assert coverage((), [Season(number=1, available=8)], known) is Coverage.PARTLY


def test_a_season_nobody_counts_is_covered_by_one_episode():
    assert coverage({3}, [Season(number=3, available=1)], []) is Coverage.ALL
