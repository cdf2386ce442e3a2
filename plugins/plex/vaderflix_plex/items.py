"""Plex's rows as the core's models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from vaderflix_core.api import Episode, ExternalIds, LibraryItem, MediaKind, Season

from . import wire
from .guids import external_ids

# The resizer fetches any address it is given, so only the library's own pictures count as pictures
_PICTURE = re.compile(r"/library/(?:metadata|collections|sections)/[A-Za-z0-9]+(?:/[A-Za-z0-9]+){1,3}")
_KINDS = {"movie": MediaKind.MOVIE, "show": MediaKind.SERIES}


def picture(path: str) -> str | None:
    """A picture's reference, when the path is one of the library's own pictures."""
    return path if _PICTURE.fullmatch(path) else None


def moment(seconds: int | None) -> datetime | None:
    """Plex's seconds since 1970 as a time; None for what no calendar holds."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None


def minutes(milliseconds: int | None) -> int | None:
    """A duration in whole minutes, at least one."""
    return max(1, round(milliseconds / 60_000)) if milliseconds else None


def ids_of(item: wire.Metadata) -> ExternalIds:
    """All external ids of an item."""
    return external_ids(item.guid, (guid.id for guid in wire.many(item.guids)))


def lines(media: wire.Media) -> int | None:
    """The usual name of a picture's size. A wide film has fewer lines than its name says: 1920 by 800 is 1080."""
    width, height = media.width or 0, media.height or 0
    for least_width, least_height, name in ((3200, 1600, 2160), (1700, 900, 1080), (1200, 650, 720)):
        if width >= least_width or height >= least_height:
            return name
    return height or None


def best_height(item: wire.Metadata) -> int | None:
    """The size of the best version that somebody put there; those that Plex made for small devices do not count."""
    known = [height for media in wire.many(item.media) if not media.optimised and (height := lines(media))]
    return max(known, default=None)


def library_item(item: wire.Metadata, *, section: str = "", seasons: Iterable[Season] = ()) -> LibraryItem:
    """A film or show. `section` names the library where the row itself does not."""
    return LibraryItem(
        kind=_KINDS[item.type],
        key=item.key,
        title=item.title,
        ids=ids_of(item),
        year=item.year,
        original_title=item.original_title,
        overview=item.summary,
        genres=tuple(genre.tag for genre in wire.many(item.genre) if genre.tag),
        runtime_minutes=minutes(item.duration),
        rating=item.audience_rating if item.audience_rating is not None else item.rating,
        certification=item.content_rating,
        poster=picture(item.thumb),
        backdrop=picture(item.art),
        seasons=tuple(seasons),
        added_at=moment(item.added_at),
        updated_at=moment(item.updated_at),
        sort_title=item.title_sort,
        section=item.section_title or section,
        height=best_height(item),
    )


def is_title(item: wire.Metadata) -> bool:
    """Whether a row is a film or a show that can be named; search results hold other things too."""
    return item.type in _KINDS and bool(item.key)


def seasons_of(children: Iterable[wire.Metadata]) -> tuple[Season, ...]:
    """The seasons of a show, in order, from its children: seasons, or episodes where the show hides its seasons."""
    found: dict[int, Season] = {}
    for child in children:
        if child.type == "season" and child.index is not None:
            held = child.leaf_count or 0
            title = child.title
            number = child.index
        elif child.type == "episode":
            number = 1 if child.parent_index is None else child.parent_index
            held = (found[number].available if number in found else 0) + 1
            title = ""
        else:
            continue
        found[number] = Season(number=number, title=title, episodes=held, available=held)
    return tuple(found[number] for number in sorted(found))


def merged_seasons(shows: Iterable[Iterable[Season]]) -> tuple[Season, ...]:
    """What several copies of one show hold together: of each season the fullest copy."""
    best: dict[int, Season] = {}
    for seasons in shows:
        for season in seasons:
            if season.number not in best or season.available > best[season.number].available:
                best[season.number] = season
    return tuple(best[number] for number in sorted(best))


def episode(item: wire.Metadata, season: int) -> Episode:
    """One episode."""
    return Episode(
        key=item.key,
        season=season,
        number=item.index or 0,
        title=item.title,
        overview=item.summary,
        runtime_minutes=minutes(item.duration),
        still=picture(item.thumb),
        height=best_height(item),
    )
