"""The one honest button of a title: what can be done now, or what is happening. Pages put the words and the address."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from ..requests.models import RequestState
from .models import Availability


class ButtonKind(StrEnum):
    """What the button says."""

    PLAY = "play"
    RESUME = "resume"
    DOWNLOADING = "downloading"
    ADDING = "adding"  # downloaded, on its way into the library
    REQUESTED = "requested"
    FAILED = "failed"  # the request needs somebody
    REQUEST = "request"
    NOT_OFFERED = "not_offered"  # disabled: it is absent, and nobody who could fetch it knows it now
    DENIED = "denied"  # disabled: not for this account
    UNKNOWN = "unknown"  # a skeleton, no button


class Target(StrEnum):
    """Where the button leads."""

    PLAYER = "player"
    REQUEST = "request"  # the page of the request under way
    ASK = "ask"  # the dialog that requests the title
    NOWHERE = "nowhere"


class Position(Struct, frozen=True, kw_only=True):
    """Where somebody stopped. `episode` is such as “S1 E5”, empty for a film."""

    left_seconds: float | None = None
    percent: float | None = None
    episode: str = ""


class Button(Struct, frozen=True, kw_only=True):
    """`percent` fills the button: of the bytes of a download, or of what was watched."""

    kind: ButtonKind
    target: Target = Target.NOWHERE
    percent: float | None = None
    left_seconds: float | None = None
    episode: str = ""


_UNDER_WAY = {
    RequestState.PENDING: ButtonKind.REQUESTED,
    RequestState.APPROVED: ButtonKind.REQUESTED,
    RequestState.SENT: ButtonKind.REQUESTED,
    RequestState.SEARCHING: ButtonKind.REQUESTED,
    RequestState.DOWNLOADING: ButtonKind.DOWNLOADING,
    RequestState.IMPORTING: ButtonKind.ADDING,
    RequestState.PARTLY_AVAILABLE: ButtonKind.REQUESTED,
    RequestState.FAILED: ButtonKind.FAILED,
}
_HERE = (Availability.AVAILABLE, Availability.PARTLY)


def button(
    *,
    availability: Availability,
    may_play: bool,
    may_request: bool,
    known: bool,
    position: Position | None = None,
    request: RequestState | None = None,
    percent: float | None = None,
) -> Button:
    """What one person can do about one title. What is there can be played, whatever else goes on.

    `request` is the state of the newest request for the title, `percent` how much of it is downloaded. `known` says
    that some requester knows the title, so that asking for it can lead somewhere.
    """
    if availability in _HERE:
        if not may_play:
            return Button(kind=ButtonKind.DENIED)
        if position is None:
            return Button(kind=ButtonKind.PLAY, target=Target.PLAYER)
        return Button(
            kind=ButtonKind.RESUME,
            target=Target.PLAYER,
            percent=position.percent,
            left_seconds=position.left_seconds,
            episode=position.episode,
        )
    under_way = _UNDER_WAY.get(request) if request is not None else None
    if under_way is not None:
        moving = under_way is ButtonKind.DOWNLOADING
        return Button(kind=under_way, target=Target.REQUEST, percent=percent if moving else None)
    if availability is Availability.UNKNOWN:
        return Button(kind=ButtonKind.UNKNOWN)
    if not may_request:
        return Button(kind=ButtonKind.DENIED)
    return Button(kind=ButtonKind.REQUEST, target=Target.ASK) if known else Button(kind=ButtonKind.NOT_OFFERED)
