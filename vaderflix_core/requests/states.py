"""The request's state machine: pure, so that it can be driven through every order of events.

A requester's report moves a request as far as `importing`; only a media source that holds the title makes it
available. So nobody is told "ready" before it can be played.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from ..api.models import Progress, Season, Stage
from .models import RequestState as S

TRANSITIONS: dict[S, frozenset[S]] = {
    S.PENDING: frozenset({S.APPROVED, S.DECLINED, S.CANCELLED, S.AVAILABLE}),
    S.APPROVED: frozenset({S.SENT, S.FAILED, S.CANCELLED, S.AVAILABLE, S.PARTLY_AVAILABLE}),
    S.DECLINED: frozenset({S.APPROVED}),
    S.SENT: frozenset(
        {S.SEARCHING, S.DOWNLOADING, S.IMPORTING, S.AVAILABLE, S.PARTLY_AVAILABLE, S.FAILED, S.CANCELLED}
    ),
    S.SEARCHING: frozenset({S.DOWNLOADING, S.IMPORTING, S.AVAILABLE, S.PARTLY_AVAILABLE, S.FAILED, S.CANCELLED}),
    S.DOWNLOADING: frozenset({S.SEARCHING, S.IMPORTING, S.AVAILABLE, S.PARTLY_AVAILABLE, S.FAILED, S.CANCELLED}),
    S.IMPORTING: frozenset({S.SEARCHING, S.DOWNLOADING, S.AVAILABLE, S.PARTLY_AVAILABLE, S.FAILED, S.CANCELLED}),
    S.PARTLY_AVAILABLE: frozenset({S.DOWNLOADING, S.IMPORTING, S.AVAILABLE, S.FAILED, S.CANCELLED}),
    S.AVAILABLE: frozenset(),
    S.FAILED: frozenset({S.APPROVED, S.AVAILABLE, S.CANCELLED}),
    S.CANCELLED: frozenset(),
}

ENDED = frozenset({S.AVAILABLE, S.DECLINED, S.CANCELLED})
FOLLOWED = frozenset({S.SENT, S.SEARCHING, S.DOWNLOADING, S.IMPORTING, S.PARTLY_AVAILABLE})
OPEN = frozenset(S) - ENDED


def may_move(state: S, to: S) -> bool:
    """Whether a request in `state` may become `to`."""
    return to in TRANSITIONS[state]


class Coverage(StrEnum):
    """How much of what was asked a media source holds."""

    NONE = "none"
    PARTLY = "partly"
    ALL = "all"


def coverage(asked: Iterable[int], held: Iterable[Season], known: Iterable[Season]) -> Coverage:
    """Compare a series' asked seasons (none named: all but the specials) with what is held.

    `known` are the requester's counts. A season nobody can count is covered as soon as one episode of it is held:
    the media source is asked first, and a requester that is down must not keep people from watching.
    """
    held_by = {s.number: s.available for s in held}
    known_by = {s.number: s for s in known}
    wanted = set(asked) or ({n for n in known_by if n > 0} | {n for n in held_by if n > 0})
    if not wanted or not any(held_by.get(n, 0) for n in wanted):
        return Coverage.NONE
    for number in wanted:
        season = known_by.get(number)
        need = 1 if season is None else (season.episodes if season.aired is None else season.aired)
        if held_by.get(number, 0) < need:
            return Coverage.PARTLY
    return Coverage.ALL


def awaits_library(state: S, progress: Progress) -> bool:
    """Whether what a requester has imported is still to appear in a media source."""
    imported = progress.stage is Stage.IMPORTED
    if state is S.IMPORTING:
        return imported or progress.stage is Stage.PARTLY
    return state is S.PARTLY_AVAILABLE and imported


def observed(state: S, progress: Progress, held: Coverage, *, sources: bool) -> S:
    """The state after a requester reported `progress` and the media sources were asked.

    `sources` says whether there is a media source at all; without one, imported is as good as available.
    """
    if state not in FOLLOWED:
        return state
    if held is Coverage.ALL or (not sources and progress.stage is Stage.IMPORTED):
        return S.AVAILABLE
    if progress.stage is Stage.GONE:
        return S.FAILED
    moving = {Stage.DOWNLOADING: S.DOWNLOADING, Stage.IMPORTING: S.IMPORTING}.get(progress.stage)
    if moving is not None:
        return moving
    if held is Coverage.PARTLY or (not sources and progress.stage is Stage.PARTLY):
        return S.PARTLY_AVAILABLE
    if progress.stage in (Stage.IMPORTED, Stage.PARTLY):
        return S.IMPORTING
    # a search never takes back what people can watch already
    return S.PARTLY_AVAILABLE if state is S.PARTLY_AVAILABLE else S.SEARCHING
