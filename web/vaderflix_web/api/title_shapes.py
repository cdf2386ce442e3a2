"""What the API says of titles: found, held, played. Pictures are addresses of ours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from vaderflix_core.api.models import ExternalIds, MediaKind, Playable, Season
from vaderflix_core.playback.images import Images
from vaderflix_core.search.models import Availability, Held, Hit, SourceOutcome, TitlePage, TitleSeason

from .shapes import Input, RequestOut


class Watched(Input, frozen=True, kw_only=True):
    """How far somebody is in a film or an episode, in seconds."""

    instance: Annotated[str, Meta(max_length=64)]
    key: Annotated[str, Meta(max_length=120)]
    item_key: Annotated[str, Meta(max_length=120)]
    seconds: Annotated[float, Meta(ge=0, le=1_000_000)]
    duration: Annotated[float, Meta(gt=0, le=1_000_000)]
    label: Annotated[str, Meta(max_length=200)] = ""


class HeldOut(Struct, frozen=True, kw_only=True):
    """One copy of a title in a library."""

    id: int
    instance: str
    key: str
    section: str
    height: int | None


class ItemOut(Struct, frozen=True, kw_only=True):
    """One title that a library holds, in full. Pictures are addresses here."""

    id: int
    instance: str
    key: str
    kind: MediaKind
    title: str
    year: int | None
    ids: ExternalIds
    overview: str
    genres: list[str]
    runtime_minutes: int | None
    rating: float | None
    certification: str
    section: str
    height: int | None
    added_at: datetime | None
    seasons: list[Season]
    poster: str | None
    backdrop: str | None

    @classmethod
    def of(cls, held: Held, images: Images) -> ItemOut:
        """From the domain's."""
        item = held.item

        def picture(ref: str | None) -> str | None:
            image = images.id_for(held.instance, ref) if ref else None
            return f"/images/{image}" if image else None

        return cls(
            id=held.id,
            instance=held.instance,
            key=item.key,
            kind=item.kind,
            title=item.title,
            year=item.year,
            ids=item.ids,
            overview=item.overview,
            genres=list(item.genres),
            runtime_minutes=item.runtime_minutes,
            rating=item.rating,
            certification=item.certification,
            section=item.section,
            height=item.height,
            added_at=item.added_at,
            seasons=list(item.seasons),
            poster=picture(item.poster),
            backdrop=picture(item.backdrop),
        )


class LibraryOut(Struct, frozen=True, kw_only=True):
    """One page of a library, and how many titles there are in all."""

    total: int
    items: list[ItemOut]


class PositionOut(Struct, frozen=True, kw_only=True):
    """Where the account stopped in a title; `label` names the episode of a series."""

    item: ItemOut
    key: str
    label: str
    seconds: float
    duration: float
    updated_at: datetime


class EpisodeOut(Struct, frozen=True, kw_only=True):
    """One episode that a library holds."""

    key: str
    season: int
    number: int
    title: str
    overview: str
    runtime_minutes: int | None
    still: str | None


class HitOut(Struct, frozen=True, kw_only=True):
    """One title. `ref` with `kind` addresses it; `button` is what a person can do now."""

    kind: MediaKind
    ref: str
    title: str
    year: int | None
    ids: ExternalIds
    overview: str
    poster: str | None
    availability: Availability
    held: list[HeldOut]
    requesters: list[str]

    @classmethod
    def of(cls, hit: Hit) -> HitOut:
        """From the domain's."""
        return cls(
            kind=hit.kind,
            ref=hit.ref,
            title=hit.title,
            year=hit.year,
            ids=hit.ids,
            overview=hit.overview,
            poster=f"/images/{hit.poster}" if hit.poster else None,
            availability=hit.availability,
            held=[
                HeldOut(id=h.id, instance=h.instance, key=h.item.key, section=h.item.section, height=h.item.height)
                for h in hit.held
            ],
            requesters=[instance for instance, _ in hit.candidates],
        )


class SearchOut(Struct, frozen=True, kw_only=True):
    """A search's hits in order, and how each source fared: `ok`, or why it has no say."""

    query: str
    hits: list[HitOut]
    sources: list[SourceOutcome]


def told(sources: Iterable[SourceOutcome], *, admin: bool) -> tuple[SourceOutcome, ...]:
    """How each source fared; the words of its failure only for admins, for they hold addresses of the house."""
    return tuple(one if admin else replace(one, error="") for one in sources)


class TitleOut(Struct, frozen=True, kw_only=True):
    """All about one title: what is known of it, who was asked, and the requests for it that the asker may see."""

    hit: HitOut
    original_title: str
    genres: list[str]
    runtime_minutes: int | None
    rating: float | None
    certification: str
    backdrop: str | None
    height: int | None
    released: bool | None
    seasons: list[TitleSeason]
    sources: list[SourceOutcome]
    requests: list[RequestOut]

    @classmethod
    def of(cls, page: TitlePage, sources: tuple[SourceOutcome, ...], requests: list[RequestOut]) -> TitleOut:
        """From the domain's."""
        return cls(
            hit=HitOut.of(page.hit),
            original_title=page.original_title,
            genres=list(page.genres),
            runtime_minutes=page.runtime_minutes,
            rating=page.rating,
            certification=page.certification,
            backdrop=f"/images/{page.backdrop}" if page.backdrop else None,
            height=page.height,
            released=page.released,
            seasons=list(page.seasons),
            sources=list(sources),
            requests=requests,
        )


class StreamOut(Struct, frozen=True, kw_only=True):
    """A file to play: its address here, and what it is. `direct`: browsers play it unchanged."""

    url: str
    container: str
    video_codec: str
    audio_codec: str
    width: int | None
    height: int | None
    duration: float | None
    size: int | None
    direct: bool
    why_not: str

    @classmethod
    def of(cls, token: str, file: Playable) -> StreamOut:
        """From the domain's, without the source's own address of it."""
        facts = {name: getattr(file, name) for name in cls.__struct_fields__ if name != "url"}
        return cls(url=f"/play/{token}", **facts)


class WatchOut(Struct, frozen=True, kw_only=True):
    """What a player needs. `start` is where to resume, in seconds."""

    instance: str
    key: str
    title: str
    start: float
    link: str | None
    streams: list[StreamOut]
