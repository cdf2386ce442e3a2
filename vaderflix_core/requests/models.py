"""A request and its timeline, as pages and the API see them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ..api.models import ExternalIds, MediaKind, MediaRequest, Quality, Reason


class RequestState(StrEnum):
    """Where a request is."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    SENT = "sent"
    SEARCHING = "searching"
    DOWNLOADING = "downloading"
    IMPORTING = "importing"
    AVAILABLE = "available"
    PARTLY_AVAILABLE = "partly_available"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Request(Struct, frozen=True, kw_only=True):
    """What somebody asked for and how far it is. `reason` says why it does not move; `evidence` is for admins."""

    id: int
    user_id: int
    username: str
    kind: MediaKind
    title: str
    year: int | None
    ids: ExternalIds
    poster: str | None
    seasons: tuple[int, ...]
    quality: Quality
    state: RequestState
    instance: str | None
    ticket: str | None
    routing: tuple[str, ...]
    reason: Reason | None
    evidence: str
    percent: float | None
    size: int | None
    left: int | None
    eta_seconds: int | None
    download_ids: tuple[str, ...]
    decline_reason: str
    stuck_since: datetime | None
    checked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    speed: int | None = None  # bytes per second, from the downloader that moves it now

    def as_media_request(self) -> MediaRequest:
        """The request as a requester receives it."""
        return MediaRequest(
            id=self.id,
            kind=self.kind,
            ids=self.ids,
            title=self.title,
            year=self.year,
            seasons=self.seasons,
            requested_by=self.username,
            quality=self.quality,
        )


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened to a request. `type` and `data` are for programs; pages put words to them."""

    id: int
    at: datetime
    type: str
    state: RequestState
    actor: str
    data: dict[str, str]
