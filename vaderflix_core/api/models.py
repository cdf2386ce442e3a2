"""What plugins and the core hand each other: frozen Structs, times in UTC, sizes in bytes, durations in seconds.

The core validates every value a provider returns against these types, so a field that lies is named, not believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]  # a naive time is refused: it cannot be compared with others


class MediaKind(StrEnum):
    """What a title is. Part of every key: a film and a series may bear the same number in one catalogue."""

    MOVIE = "movie"
    SERIES = "series"


class Quality(StrEnum):
    """Which copy of a title somebody asks for. A house may keep both, each got by a requester of its own."""

    STANDARD = "standard"
    FOUR_K = "4k"


class ExternalIds(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The names a title has in the catalogues everybody shares; two records with one in common are one title."""

    imdb: str | None = None
    tmdb: int | None = None
    tvdb: int | None = None
    guid: str | None = None  # the media source's own global identifier, when it has one

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each known id as (catalogue, value)."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None:
                yield name, str(value)

    def shares(self, other: ExternalIds) -> bool:
        """Whether both name the same title in at least one catalogue."""
        return not set(self.pairs()).isdisjoint(other.pairs())

    def merged(self, other: ExternalIds) -> ExternalIds:
        """Both sets of ids as one; where they differ, this one's value stays."""
        return ExternalIds(**{f: getattr(self, f) or getattr(other, f) for f in self.__struct_fields__})


class Season(Struct, frozen=True, kw_only=True):
    """One season of a series as its provider counts it. Number 0 holds the specials."""

    number: int
    title: str = ""
    episodes: int = 0  # all known episodes, aired or not
    aired: int | None = None  # None: the provider does not say
    available: int = 0  # episodes with a file
    monitored: bool = False


class MediaItem(Struct, frozen=True, kw_only=True):
    """A title as one provider describes it. `poster` and `backdrop` are opaque to all but the provider's `image`."""

    kind: MediaKind
    title: str
    ids: ExternalIds
    year: int | None = None
    original_title: str = ""
    alternate_titles: tuple[str, ...] = ()
    overview: str = ""
    genres: tuple[str, ...] = ()
    runtime_minutes: int | None = None
    rating: float | None = None  # 0 to 10
    certification: str = ""
    poster: str | None = None
    backdrop: str | None = None
    seasons: tuple[Season, ...] = ()


class Episode(Struct, frozen=True, kw_only=True):
    """One episode that a media source holds."""

    key: str
    season: int
    number: int
    title: str = ""
    overview: str = ""
    runtime_minutes: int | None = None
    still: str | None = None  # an image reference, as `poster`
    height: int | None = None  # lines of the best version's picture, as `LibraryItem.height`


class LibraryItem(MediaItem, frozen=True, kw_only=True):
    """A title that a media source holds. `key` is the source's own handle, stable while the item lives there."""

    key: str
    added_at: Moment | None = None
    updated_at: Moment | None = None
    sort_title: str = ""
    section: str = ""  # the library section's name
    height: int | None = None  # lines of the best version's picture: 2160, 1080, ...


class LibraryPage(Struct, frozen=True, kw_only=True):
    """One page of a sweep through a library. `next` is None after the last page.

    `total` is the source's own count for the whole sweep; without it the core never concludes that an item is gone.
    """

    items: tuple[LibraryItem, ...]
    next: str | None = None
    total: int | None = None


class Availability(Struct, frozen=True, kw_only=True):
    """What a media source holds of one title: no items means that it looked and has none."""

    items: tuple[LibraryItem, ...] = ()
    seasons: tuple[Season, ...] = ()


class Tracked(Struct, frozen=True, kw_only=True):
    """That a requester already manages a title: its handle there and how far it is."""

    remote_id: str
    monitored: bool
    has_file: bool


class Candidate(MediaItem, frozen=True, kw_only=True):
    """A title that a requester can get. `released` is None when the requester cannot tell."""

    released: bool | None = None
    tracked: Tracked | None = None


class MediaRequest(Struct, frozen=True, kw_only=True):
    """What a person asked for, as a requester sees it. `seasons` is empty for films and for a whole series."""

    id: int
    kind: MediaKind
    ids: ExternalIds
    title: str
    year: int | None = None
    seasons: tuple[int, ...] = ()
    requested_by: str = ""
    quality: Quality = Quality.STANDARD


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether a requester would take a request, with a reason that can be shown to an admin."""

    accepts: bool
    reason: str


class Ticket(Struct, frozen=True, kw_only=True):
    """A request taken by a requester. `adopted`: the title was there already and was joined, not added."""

    remote_id: str
    adopted: bool = False
    detail: str = ""


class Stage(StrEnum):
    """Where a submitted request is, in the requester's eyes."""

    SEARCHING = "searching"
    DOWNLOADING = "downloading"
    IMPORTING = "importing"
    PARTLY = "partly"  # some of the asked episodes have a file
    IMPORTED = "imported"  # all that was asked for has a file
    GONE = "gone"  # the requester answered, and no longer manages the title


class Reason(StrEnum):
    """Why a request does not move. The core owns the words shown to viewers; see `requests.verdicts`."""

    NOT_RELEASED = "not_released"
    NO_RELEASE = "no_release"
    STALLED = "stalled"
    PAUSED = "paused"
    IMPORT_BLOCKED = "import_blocked"
    PATH_MISMATCH = "path_mismatch"
    DISK_FULL = "disk_full"
    DOWNLOADER_DOWN = "downloader_down"
    SERVICE_DOWN = "service_down"
    REMOVED_BY_HAND = "removed_by_hand"
    NOT_IN_LIBRARY = "not_in_library"  # said by the core: a requester does not know libraries


class Progress(Struct, frozen=True, kw_only=True):
    """How far a submitted request is. `download_ids` are infohashes in lower case, to join with a downloader."""

    stage: Stage
    percent: float | None = None  # 0 to 100, of the bytes
    size: int | None = None
    left: int | None = None
    eta_seconds: int | None = None
    download_ids: tuple[str, ...] = ()
    reason: Reason | None = None
    evidence: str = ""  # the service's own words, for admins
    seasons: tuple[Season, ...] = ()


class DownloadState(StrEnum):
    """What a download does."""

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    STALLED = "stalled"
    PAUSED = "paused"
    CHECKING = "checking"
    MOVING = "moving"
    COMPLETE = "complete"  # all bytes are there; it may still be shared
    FAILED = "failed"
    UNKNOWN = "unknown"


class Download(Struct, frozen=True, kw_only=True):
    """One transfer of a downloader. `id` is the infohash in lower case; `aliases` are other hashes it answers to."""

    id: str
    name: str
    state: DownloadState
    progress: float  # 0 to 1
    aliases: tuple[str, ...] = ()
    size: int = 0
    left: int = 0
    down: int = 0  # bytes per second
    up: int = 0
    eta_seconds: int | None = None
    category: str = ""
    added_at: Moment | None = None
    error: str = ""


class DownloadAction(StrEnum):
    """What can be done to a download."""

    PAUSE = "pause"
    RESUME = "resume"
    RECHECK = "recheck"
    FIRST = "first"  # move to the front of the queue
    DELETE = "delete"  # the entry, its files stay
    DELETE_WITH_FILES = "delete_with_files"


class NewDownload(Struct, frozen=True, kw_only=True):
    """A transfer to start: exactly one of `magnet` and `torrent` (the bytes of a .torrent file)."""

    magnet: str | None = None
    torrent: bytes | None = None
    category: str = ""
    save_path: str | None = None


class Volume(Struct, frozen=True, kw_only=True):
    """A disk as a service sees it."""

    path: str
    free: int
    total: int | None = None
    label: str = ""


class Severity(StrEnum):
    """How bad a health report is, from good to bad."""

    OK = "ok"
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class HealthReport(Struct, frozen=True, kw_only=True):
    """One finding of a health check. `code` is stable for the same trouble, so that an incident opens once."""

    severity: Severity
    code: str
    message: str
    help_url: str | None = None
    metrics: dict[str, float] = {}


class Container(Struct, frozen=True, kw_only=True):
    """A container of the host. CPU is percent of one core; None means unknown or not running."""

    id: str
    name: str
    image: str
    state: str  # running, exited, paused, restarting, created, dead
    status: str  # the engine's own words
    health: str = ""  # healthy, unhealthy, starting, or empty without a health check
    cpu_percent: float | None = None
    memory: int | None = None
    memory_limit: int | None = None
    restarts: int = 0
    started_at: Moment | None = None


class LogLine(Struct, frozen=True, kw_only=True):
    """One line that a container wrote, without control characters. `at` is None where the engine gave no time."""

    at: Moment | None
    stream: str  # stdout or stderr; a container with a terminal has stdout only
    text: str


class Recipient(Struct, frozen=True, kw_only=True):
    """A person a notification goes to. A notifier uses what it can address."""

    name: str
    email: str | None = None


class Notification(Struct, frozen=True, kw_only=True):
    """A message to people. `id` is stable over retries, so that a channel can send it once."""

    id: str  # any text; the same message to another person has another
    title: str  # one line
    text: str  # plain text of one or more paragraphs, without greeting; news are a few sentences
    url: str | None = None  # absolute link into the product; None where it does not know its public address
    severity: Severity = Severity.OK
    recipients: tuple[Recipient, ...] = ()


class Receipt(Struct, frozen=True, kw_only=True):
    """That a channel took a notification, in its own words."""

    detail: str = ""


class ServiceInfo(Struct, frozen=True, kw_only=True):
    """Who answered a connection test. `version` is empty where the service does not say it."""

    product: str
    version: str = ""
    detail: str = ""


class Image(Struct, frozen=True, kw_only=True):
    """A picture and its media type."""

    content_type: str
    data: bytes


class Playable(Struct, frozen=True, kw_only=True):
    """One file of an item. `direct` says that today's browsers play it unchanged; `why_not` says what stops them."""

    ref: str  # opaque to all but the provider's `open`
    container: str
    video_codec: str = ""
    audio_codec: str = ""
    width: int | None = None
    height: int | None = None
    duration: float | None = None  # seconds
    size: int | None = None
    direct: bool = False
    why_not: str = ""


class HintScope(StrEnum):
    """What a live hint or webhook says to read again."""

    REQUESTS = "requests"
    DOWNLOADS = "downloads"
    LIBRARY = "library"
    HEALTH = "health"


class Hint(Struct, frozen=True, kw_only=True):
    """“Read this again”: never a fact in itself. `ref` is the remote id or item key, or None for all of the scope."""

    scope: HintScope
    ref: str | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """One value that a setting may take, read from the service itself."""

    value: str
    label: str
