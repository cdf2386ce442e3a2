"""The calls that Radarr and Sonarr make to us (“Connect”, Webhook): they say what to read again, nothing more."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

from vaderflix_core.api import Hint, HintScope, Rejected

from .wire import Wire

HEALTH_EVENTS = {"health", "healthrestored", "applicationupdate"}


class Call(Wire, frozen=True, kw_only=True):
    """The parts of a webhook's body that name what it is about."""

    event_type: str
    movie: dict[str, Any] = field(default_factory=dict)
    series: dict[str, Any] = field(default_factory=dict)


def hints(body: bytes) -> list[Hint]:
    """What to read again. A test asks for nothing: its ids are made up. Raises `Rejected` for any other body."""
    try:
        call = msgspec.json.decode(body, type=Call, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Rejected("This is not the body of a webhook that we know.") from None
    event = call.event_type.lower()
    if event == "test":
        return []
    if event in HEALTH_EVENTS:
        return [Hint(scope=HintScope.HEALTH)]
    ref = call.movie.get("id") or call.series.get("id")
    return [Hint(scope=HintScope.REQUESTS, ref=str(ref) if isinstance(ref, int) and ref > 0 else None)]
