from __future__ import annotations

from itertools import product

import pytest

from vaderflix_core.requests.models import RequestState
from vaderflix_core.search.button import Button, ButtonKind, Position, Target, button
from vaderflix_core.search.models import Availability

NOWHERE = (ButtonKind.NOT_OFFERED, ButtonKind.DENIED, ButtonKind.UNKNOWN)
ALL = list(
    product(
        Availability,
        [True, False],
        [True, False],
        [True, False],
        [None, Position(left_seconds=2520, percent=55)],
        [None, *RequestState],
        [None, 43.0],
    )
)


def made(case) -> Button:
    availability, may_play, may_request, known, position, request, percent = case
    return button(
        availability=availability,
        may_play=may_play,
        may_request=may_request,
        known=known,
        position=position,
        request=request,
        percent=percent,
    )


def test_no_request_button_until_availability_is_known():
    for case in ALL:
        if made(case).kind is ButtonKind.REQUEST:
            assert case[0] is Availability.ABSENT


def test_no_request_button_for_who_may_not_request_or_when_nobody_could_take_it():
    for case in ALL:
        if made(case).kind is ButtonKind.REQUEST:
            assert case[2]
            assert case[3]


def test_play_and_resume_only_for_what_is_there_and_who_may_play():
    for case in ALL:
        here = case[0] in (Availability.AVAILABLE, Availability.PARTLY)
        assert (made(case).target is Target.PLAYER) == (here and case[1])
        if here and case[1]:
            assert made(case).kind is (ButtonKind.RESUME if case[4] else ButtonKind.PLAY)


def test_a_button_that_leads_to_a_request_has_one():
    for case in ALL:
        if made(case).target is Target.REQUEST:
            assert case[5] is not None


def test_a_percentage_is_of_the_download_or_of_what_was_watched():
    for case in ALL:
        found = made(case)
        if found.percent is not None:
            assert found.kind in (ButtonKind.DOWNLOADING, ButtonKind.RESUME)
            assert found.percent == (case[6] if found.kind is ButtonKind.DOWNLOADING else 55)


def test_a_disabled_button_leads_nowhere():
    for case in ALL:
        found = made(case)
        assert (found.target is Target.NOWHERE) == (found.kind in NOWHERE)


@pytest.mark.parametrize("state", [RequestState.DECLINED, RequestState.CANCELLED, RequestState.AVAILABLE])
def test_a_request_that_ended_does_not_keep_anybody_from_asking_again(state):
    found = button(availability=Availability.ABSENT, may_play=True, may_request=True, known=True, request=state)
    assert found == Button(kind=ButtonKind.REQUEST, target=Target.ASK)


@pytest.mark.parametrize(
    ("request_state", "kind"),
    [
        (RequestState.PENDING, ButtonKind.REQUESTED),
        (RequestState.APPROVED, ButtonKind.REQUESTED),
        (RequestState.SENT, ButtonKind.REQUESTED),
        (RequestState.SEARCHING, ButtonKind.REQUESTED),
        (RequestState.DOWNLOADING, ButtonKind.DOWNLOADING),
        (RequestState.IMPORTING, ButtonKind.ADDING),
        (RequestState.FAILED, ButtonKind.FAILED),
    ],
)
@pytest.mark.parametrize("availability", [Availability.ABSENT, Availability.UNKNOWN])
def test_a_request_under_way_says_how_it_is(request_state, kind, availability):
    found = button(
        availability=availability, may_play=True, may_request=False, known=False, request=request_state, percent=43.0
    )
    assert found.kind is kind
    assert found.target is Target.REQUEST
    assert found.percent == (43.0 if kind is ButtonKind.DOWNLOADING else None)
