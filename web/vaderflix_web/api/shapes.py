"""What the API takes and gives. Fields are in snake_case; times are ISO 8601 in UTC; sizes are bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from vaderflix_core.access.models import User
from vaderflix_core.api.models import DownloadAction, DownloadState, ExternalIds, MediaKind, Quality
from vaderflix_core.requests.models import Request, RequestState, TimelineEntry

FOR_MANAGERS = ("evidence", "service", "detail")


class Input(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is sent to us: an unknown field is an error, not silence."""


class Credentials(Input, frozen=True, kw_only=True):
    """A name and its password."""

    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=1024)]


class Ask(Input, frozen=True, kw_only=True):
    """A title to request: by `ref`, as a search gives it."""

    kind: MediaKind
    ref: Annotated[str, Meta(min_length=1, max_length=80)]
    seasons: Annotated[list[Annotated[int, Meta(ge=0, le=10_000)]], Meta(max_length=200)] = []
    quality: Quality = Quality.STANDARD


class Decline(Input, frozen=True, kw_only=True):
    """Why a request is declined; the asker reads it."""

    reason: Annotated[str, Meta(max_length=500)]


class NewAccount(Input, frozen=True, kw_only=True):
    """An account to make."""

    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=1024)]
    role: str = "requester"
    display_name: Annotated[str, Meta(max_length=120)] = ""
    email: Annotated[str, Meta(max_length=254)] | None = None


class ServiceValues(Input, frozen=True, kw_only=True):
    """A service to add or change. Secrets sent as `********` stay as stored; null removes an optional one. `anyway`
    saves what does not pass its test: it does not work until the service can be reached."""

    plugin: Annotated[str, Meta(max_length=64)]
    name: Annotated[str, Meta(max_length=120)]
    settings: dict[str, Any]
    enabled: bool = True
    priority: Annotated[int, Meta(ge=0, le=1000)] = 50
    anyway: bool = False


class ServiceTest(Input, frozen=True, kw_only=True):
    """Settings to try. `instance` names the stored service whose secrets fill the masked ones."""

    plugin: Annotated[str, Meta(max_length=64)]
    settings: dict[str, Any]
    instance: str | None = None


class SentTest(Struct, frozen=True, kw_only=True):
    """What became of a test message, in the service's own words."""

    ok: bool
    message: str


class UserOut(Struct, frozen=True, kw_only=True):
    """An account."""

    id: int
    username: str
    display_name: str
    email: str | None
    role: str
    permissions: list[str]
    disabled: bool
    created_at: datetime
    last_seen_at: datetime | None

    @classmethod
    def of(cls, user: User) -> UserOut:
        """From the domain's."""
        return cls(
            id=user.id,
            username=user.username,
            display_name=user.display_name,
            email=user.email,
            role=user.role,
            permissions=sorted(user.permissions),
            disabled=user.disabled,
            created_at=user.created_at,
            last_seen_at=user.last_seen_at,
        )


class RequestOut(Struct, frozen=True, kw_only=True):
    """A request. `percent`, `speed` (bytes per second) and `eta_seconds` are there while it downloads."""

    id: int
    kind: MediaKind
    title: str
    year: int | None
    ids: ExternalIds
    seasons: list[int]
    quality: Quality
    state: RequestState
    reason: str | None
    evidence: str | None  # for those who manage requests
    requested_by: str
    user_id: int
    instance: str | None
    percent: float | None
    size: int | None
    left: int | None
    speed: int | None
    eta_seconds: int | None
    decline_reason: str
    created_at: datetime
    updated_at: datetime
    timeline: list[TimelineEntry] | None = None

    @classmethod
    def of(cls, request: Request, *, manager: bool, timeline: list[TimelineEntry] | None = None) -> RequestOut:
        """From the domain's; evidence and services only for managers."""
        return cls(
            id=request.id,
            kind=request.kind,
            title=request.title,
            year=request.year,
            ids=request.ids,
            seasons=list(request.seasons),
            quality=request.quality,
            state=request.state,
            reason=request.reason,
            evidence=request.evidence if manager else None,
            requested_by=request.username,
            user_id=request.user_id,
            instance=request.instance if manager else None,
            percent=request.percent,
            size=request.size,
            left=request.left,
            speed=request.speed,
            eta_seconds=request.eta_seconds,
            decline_reason=request.decline_reason,
            created_at=request.created_at,
            updated_at=request.updated_at,
            timeline=[_told(entry, manager) for entry in timeline] if timeline is not None else None,
        )


def _told(entry: TimelineEntry, manager: bool) -> TimelineEntry:
    """A timeline entry without what only managers see: which service it was, and its words."""
    if manager:
        return entry
    return replace(entry, data={name: text for name, text in entry.data.items() if name not in FOR_MANAGERS})


class DownloadOut(Struct, frozen=True, kw_only=True):
    """One transfer."""

    instance: str
    id: str
    name: str
    state: DownloadState
    progress: float
    size: int
    left: int
    down: int
    up: int
    eta_seconds: int | None
    category: str
    error: str
    actions: list[DownloadAction]
