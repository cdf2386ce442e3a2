"""What happens in the house, as frozen Structs. `listeners(instance)` of a plugin may ask for any of them.

Events are hints between parts of one installation: they are delivered at least once and may be lost at a crash;
what must not be lost is in the database.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from .models import MediaKind, Severity


class Event(Struct, frozen=True, kw_only=True, tag=True):
    """Base of all events. `at` is UTC."""

    at: datetime


class RequestChanged(Event, frozen=True, kw_only=True):
    """A request was made, or moved to another state."""

    request_id: int
    kind: MediaKind
    title: str
    user_id: int
    state: str
    previous: str | None = None


class RequestProgressed(Event, frozen=True, kw_only=True):
    """New figures for a request that moves: percent, speed, time left."""

    request_id: int
    user_id: int


class LibraryChanged(Event, frozen=True, kw_only=True):
    """Titles were added to, changed in or removed from the library index."""

    instance: str
    added: int = 0
    changed: int = 0
    removed: int = 0


class DownloadsChanged(Event, frozen=True, kw_only=True):
    """The downloads of an instance were read again and differ."""

    instance: str


class HealthChanged(Event, frozen=True, kw_only=True):
    """An instance got better or worse."""

    instance: str
    severity: Severity
    code: str
    message: str


class InstanceChanged(Event, frozen=True, kw_only=True):
    """An instance was added, edited, started, stopped or removed."""

    instance: str
    state: str


class NotificationDelivered(Event, frozen=True, kw_only=True):
    """A channel took a notification, or gave it up."""

    notification_id: str
    instance: str
    delivered: bool
    detail: str = ""


EVENTS: tuple[type[Event], ...] = (
    RequestChanged,
    RequestProgressed,
    LibraryChanged,
    DownloadsChanged,
    HealthChanged,
    InstanceChanged,
    NotificationDelivered,
)
