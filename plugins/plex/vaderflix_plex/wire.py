"""Plex's JSON as Structs: only the fields we read, each as loose as real servers are.

Plex sends numbers as text, flags as 0 and 1, one object where a list is meant, and leaves empty lists out. Numbers
and flags are cast while decoding; lists are `Many`, to be read through `many`; ids are text whatever was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct, field

T = TypeVar("T")
Id = str | int


def many(value: Sequence[T] | T | None) -> tuple[T, ...]:
    """A list that Plex may have sent as one object, or not at all."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)  # type: ignore[return-value]


class Tag(Struct, frozen=True):
    """A genre and the like."""

    tag: str = ""


class Guid(Struct, frozen=True):
    """One external id, such as `imdb://tt0012345`."""

    id: str = ""


class Part(Struct, frozen=True, rename="camel"):
    """One file."""

    id: Id = ""
    key: str = ""
    size: int | None = None
    container: str = ""
    duration: int | None = None  # milliseconds
    accessible: bool | None = None  # only sent when files were checked
    exists: bool | None = None


class Media(Struct, frozen=True, rename="camel"):
    """One version of an item; more than one part means that the film is split over files."""

    container: str = ""
    video_codec: str = ""
    audio_codec: str = ""
    video_profile: str = ""
    width: int | None = None
    height: int | None = None
    duration: int | None = None  # milliseconds
    proxy_type: int | None = None
    part: tuple[Part, ...] | Part | None = field(name="Part", default=None)

    @property
    def optimised(self) -> bool:
        """Whether Plex made this version itself, for small devices."""
        return self.proxy_type == 42


class Metadata(Struct, frozen=True, rename="camel"):
    """A film, show, season or episode. Times are seconds since 1970, durations milliseconds."""

    rating_key: Id = ""
    type: str = ""
    title: str = ""
    guid: str = ""
    title_sort: str = ""
    original_title: str = ""
    summary: str = ""
    content_rating: str = ""
    year: int | None = None
    rating: float | None = None
    audience_rating: float | None = None
    duration: int | None = None
    thumb: str = ""
    art: str = ""
    added_at: int | None = None
    updated_at: int | None = None
    deleted_at: int | None = None
    leaf_count: int | None = None
    index: int | None = None
    parent_index: int | None = None
    grandparent_rating_key: Id = ""
    section_id: Id = field(name="librarySectionID", default="")
    section_title: str = field(name="librarySectionTitle", default="")
    guids: tuple[Guid, ...] | Guid | None = field(name="Guid", default=None)
    genre: tuple[Tag, ...] | Tag | None = field(name="Genre", default=None)
    media: tuple[Media, ...] | Media | None = field(name="Media", default=None)

    @property
    def key(self) -> str:
        """The rating key, as text."""
        return str(self.rating_key)

    @property
    def show_key(self) -> str:
        """The rating key of an episode's show, empty when there is none."""
        return str(self.grandparent_rating_key)


class Link(Struct, frozen=True):
    """A row that leads elsewhere, such as “All episodes” beside the seasons."""

    key: str = ""


class Listing(Struct, frozen=True, rename="camel"):
    """A container of items. `total_size` is missing when the server did not page; it counts the links as well."""

    size: int | None = None
    total_size: int | None = None
    section_id: Id = field(name="librarySectionID", default="")
    section_title: str = field(name="librarySectionTitle", default="")
    metadata: tuple[Metadata, ...] | Metadata | None = field(name="Metadata", default=None)
    links: tuple[Link, ...] | Link | None = field(name="Directory", default=None)

    @property
    def items(self) -> tuple[Metadata, ...]:
        """Its items, however they were sent."""
        return many(self.metadata)

    @property
    def rows(self) -> int:
        """How many rows came, items and links."""
        return len(self.items) + len(many(self.links))


class ListingAnswer(Struct, frozen=True):
    """The body around a `Listing`."""

    container: Listing = field(name="MediaContainer")


class Section(Struct, frozen=True, rename="camel"):
    """A library of the server."""

    key: Id
    type: str = ""
    title: str = ""


class Sections(Struct, frozen=True):
    """A container of libraries."""

    directory: tuple[Section, ...] | Section | None = field(name="Directory", default=None)


class SectionsAnswer(Struct, frozen=True):
    """The body around `Sections`."""

    container: Sections = field(name="MediaContainer")


class Hub(Struct, frozen=True, rename="camel"):
    """One group of search results; people and tags come as other things than `Metadata`."""

    type: str = ""
    metadata: tuple[Metadata, ...] | Metadata | None = field(name="Metadata", default=None)


class Hubs(Struct, frozen=True):
    """A container of hubs."""

    hub: tuple[Hub, ...] | Hub | None = field(name="Hub", default=None)


class HubsAnswer(Struct, frozen=True):
    """The body around `Hubs`."""

    container: Hubs = field(name="MediaContainer")


class Identity(Struct, frozen=True, rename="camel"):
    """Who a server is; it tells anybody."""

    machine_identifier: str = ""
    version: str = ""
    claimed: bool | None = None


class IdentityAnswer(Struct, frozen=True):
    """The body around an `Identity`."""

    container: Identity = field(name="MediaContainer")


class Root(Struct, frozen=True, rename="camel"):
    """What a server tells of itself to whom it knows."""

    friendly_name: str = ""
    machine_identifier: str = ""
    version: str = ""
    sign_in: str = field(name="myPlexSigninState", default="")


class RootAnswer(Struct, frozen=True):
    """The body around a `Root`."""

    container: Root = field(name="MediaContainer")


class TimelineEntry(Struct, frozen=True):
    """That an item was made, changed or removed. State 5 is ready, 9 removed; types 1 to 4 are film to episode."""

    itemID: Id = ""
    rootItemID: Id = ""
    type: int | None = None
    state: int | None = None
    identifier: str = ""


class Status(Struct, frozen=True):
    """A message of the server's own, such as the end of a scan."""

    title: str = ""


class Notification(Struct, frozen=True):
    """A live message: lists as the web socket sends them, single objects as the event stream does."""

    timeline: tuple[TimelineEntry, ...] | TimelineEntry | None = field(name="TimelineEntry", default=None)
    status: tuple[Status, ...] | Status | None = field(name="StatusNotification", default=None)
    container: Notification | None = field(name="NotificationContainer", default=None)


class HookMetadata(Struct, frozen=True, rename="camel"):
    """The item of a webhook."""

    type: str = ""
    rating_key: Id = ""
    parent_rating_key: Id = ""
    grandparent_rating_key: Id = ""
    library_section_type: str = ""


class Hook(Struct, frozen=True):
    """The payload of a webhook."""

    event: str
    metadata: HookMetadata | None = field(name="Metadata", default=None)
