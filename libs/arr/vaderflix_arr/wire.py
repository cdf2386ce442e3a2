"""The v3 resources that Radarr and Sonarr word alike, as far as we read them.

Both leave out every null, and `id` when it is 0, so all fields have defaults. States are plain text: a newer version
may say words we do not know, and no unknown word may stop a reading.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct


class Wire(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all resources: camelCase names on the wire, fields we do not know are skipped."""


class SystemStatus(Wire, frozen=True, kw_only=True):
    """`GET /system/status`: who answers."""

    app_name: str = ""
    instance_name: str = ""
    version: str = ""
    url_base: str | None = None


class QualityProfile(Wire, frozen=True, kw_only=True):
    """One row of `GET /qualityprofile`."""

    id: int = 0
    name: str = ""


class RootFolder(Wire, frozen=True, kw_only=True):
    """One row of `GET /rootfolder`. Reading it walks disks, so it is slow where a mount is dead."""

    id: int = 0
    path: str = ""
    accessible: bool = True
    free_space: int | None = None
    total_space: int | None = None


class Tag(Wire, frozen=True, kw_only=True):
    """One row of `GET /tag`."""

    id: int = 0
    label: str = ""


class DiskSpace(Wire, frozen=True, kw_only=True):
    """One row of `GET /diskspace`."""

    path: str = ""
    label: str | None = None
    free_space: int = 0
    total_space: int = 0


class HealthRow(Wire, frozen=True, kw_only=True):
    """One row of `GET /health`: `type` is ok, notice, warning or error."""

    source: str = ""
    type: str = ""
    message: str = ""
    wiki_url: str | None = None


class Command(Wire, frozen=True, kw_only=True):
    """One row of `GET /command`. Rows of finished commands are dropped after some minutes."""

    id: int = 0
    name: str = ""
    message: str | None = None
    body: dict[str, Any] = {}
    status: str = ""
    result: str | None = None
    queued: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None


class StatusMessage(Wire, frozen=True, kw_only=True):
    """Why a queue row needs a person, in the service's words."""

    title: str | None = None
    messages: tuple[str, ...] = ()


class QueueRecord(Wire, frozen=True, kw_only=True):
    """One queue row. A season pack has one row per episode, each with the size of the whole pack."""

    id: int = 0
    movie_id: int | None = None
    series_id: int | None = None
    episode_id: int | None = None
    season_number: int | None = None
    title: str | None = None
    size: float = 0
    sizeleft: float = 0
    timeleft: str | None = None
    added: datetime | None = None
    status: str = ""
    tracked_download_status: str | None = None
    tracked_download_state: str | None = None
    status_messages: tuple[StatusMessage, ...] = ()
    error_message: str | None = None
    download_id: str | None = None
    download_client: str | None = None


class QueuePage(Wire, frozen=True, kw_only=True):
    """One page of `GET /queue`."""

    total_records: int
    records: list[QueueRecord]


class HistoryRecord(Wire, frozen=True, kw_only=True):
    """One row of a title's history."""

    id: int = 0
    movie_id: int | None = None
    series_id: int | None = None
    episode_id: int | None = None
    source_title: str | None = None
    date: datetime
    download_id: str | None = None
    event_type: str = ""
    data: dict[str, str | None] = {}


class Picture(Wire, frozen=True, kw_only=True):
    """One image of a title. `url` is a path of the service's own."""

    cover_type: str = ""
    url: str | None = None
    remote_url: str | None = None


class AlternateTitle(Wire, frozen=True, kw_only=True):
    """Another name of a title."""

    title: str = ""


class Managed(Wire, frozen=True, kw_only=True):
    """Base of films and series: `id` is 0 in rows that are not in the library."""

    id: int = 0
