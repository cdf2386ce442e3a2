"""What a search and a title page give to whoever shows them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from ..api.models import Candidate, ExternalIds, LibraryItem, MediaKind
from ..plugins.guard import Outcome


class Held(Struct, frozen=True, kw_only=True):
    """One copy of a title in the library index. `id` is ours; `instance` names the media source that holds it."""

    id: int
    instance: str
    item: LibraryItem


class Availability(StrEnum):
    """Whether a title can be played now, as far as is known."""

    AVAILABLE = "available"
    PARTLY = "partly"  # a series of which aired episodes are missing
    ABSENT = "absent"
    UNKNOWN = "unknown"  # some media source has never been read in full


class Hit(Struct, frozen=True, kw_only=True):
    """One title found, merged over all who know it. `ref` addresses its page; empty when nothing names the title.

    `poster` is an opaque image id. `candidates` pairs a requester's instance with what it said.
    """

    kind: MediaKind
    ref: str
    title: str
    year: int | None
    ids: ExternalIds
    overview: str = ""
    poster: str | None = None
    held: tuple[Held, ...] = ()
    candidates: tuple[tuple[str, Candidate], ...] = ()
    availability: Availability = Availability.UNKNOWN

    @property
    def requestable(self) -> bool:
        """Whether some requester knows the title and could be asked for it."""
        return bool(self.candidates)


class SourceOutcome(Struct, frozen=True, kw_only=True):
    """How one source fared: “found nothing” and “did not answer” never look alike. `error` is for admins."""

    instance: str
    name: str
    role: str
    outcome: Outcome
    seconds: float
    error: str = ""
    count: int = 0

    @property
    def ok(self) -> bool:
        """Whether the source answered."""
        return self.outcome is Outcome.OK


class SearchReport(Struct, frozen=True, kw_only=True):
    """A whole search: the hits in order, and how each source fared."""

    query: str
    hits: tuple[Hit, ...]
    sources: tuple[SourceOutcome, ...]


class TitleSeason(Struct, frozen=True, kw_only=True):
    """One season on a title's page. `held` counts episodes with a file; `aired` and `known`: None when nobody says."""

    number: int
    title: str = ""
    held: int = 0
    aired: int | None = None
    known: int | None = None
    availability: Availability = Availability.UNKNOWN


class TitlePage(Struct, frozen=True, kw_only=True):
    """All that is known of one title. `seasons` is empty for a film; `sources` says who did not answer."""

    hit: Hit
    seasons: tuple[TitleSeason, ...] = ()
    genres: tuple[str, ...] = ()
    runtime_minutes: int | None = None
    rating: float | None = None  # 0 to 10
    certification: str = ""
    original_title: str = ""
    backdrop: str | None = None  # an opaque image id
    height: int | None = None  # lines of the best version's picture
    released: bool | None = None
    requesters: tuple[str, ...] = ()  # instances that know the title, in order of priority
    sources: tuple[SourceOutcome, ...] = ()
