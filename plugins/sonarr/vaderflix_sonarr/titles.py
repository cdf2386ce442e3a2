"""Series, seasons and episodes in the product's terms. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from vaderflix_arr import images
from vaderflix_arr.progress import Title
from vaderflix_core.api import Candidate, MediaKind, MediaRequest, Season, Tracked

from .wire import EpisodeRow, SeasonRow, Series

SPECIALS = 0


def wanted_seasons(series: Series, request: MediaRequest) -> set[int]:
    """The seasons a request is for: those it names, or all but the specials."""
    return set(request.seasons) or {s.season_number for s in series.seasons if s.season_number != SPECIALS}


def counted(row: SeasonRow) -> Season:
    """A season by Sonarr's own counts. What has aired is known only where it is monitored."""
    counts = row.statistics
    return Season(
        number=row.season_number,
        episodes=counts.total_episode_count if counts else 0,
        aired=counts.episode_count if counts and row.monitored else None,
        available=counts.episode_file_count if counts else 0,
        monitored=row.monitored,
    )


def seasons(series: Series, episodes: Sequence[EpisodeRow], now: datetime) -> tuple[Season, ...]:
    """All seasons, counted by their episodes; before Sonarr has made these, as the series itself says."""
    found = []
    for row in series.seasons:
        own = [e for e in episodes if e.season_number == row.season_number]
        if not own:
            found.append(counted(row))
            continue
        found.append(
            Season(
                number=row.season_number,
                episodes=len(own),
                aired=sum(e.aired(now) for e in own),
                available=sum(e.has_file for e in own),
                monitored=row.monitored,
            )
        )
    return tuple(found)


def title(series: Series, episodes: Sequence[EpisodeRow], wanted: Collection[int], now: datetime) -> Title:
    """The asked seasons of a series, for the reading of progress."""
    aired = [e for e in episodes if e.season_number in wanted and e.aired(now)]
    missing = [e for e in aired if not e.has_file]
    searched = [e.last_search_time for e in missing if e.last_search_time is not None]
    return Title(
        film=False,
        wanted=len(aired),
        held=len(aired) - len(missing),
        monitored=series.monitored and all(s.monitored for s in series.seasons if s.season_number in wanted),
        # a series that has just been added has no episodes yet, which says nothing of its release
        released=bool(aired) or not episodes,
        searched_at=max(searched) if missing and len(searched) == len(missing) else None,
        seasons=tuple(s for s in seasons(series, episodes, now) if s.number in wanted),
    )


def missing_seasons(
    episodes: Sequence[EpisodeRow], wanted: Collection[int], now: datetime
) -> dict[int, datetime | None]:
    """The asked seasons that lack aired episodes, each with when all of these had been searched for last."""
    found: dict[int, datetime | None] = {}
    for number in sorted(wanted):
        lacking = [e for e in episodes if e.season_number == number and e.aired(now) and not e.has_file]
        if lacking:
            times = [e.last_search_time for e in lacking if e.last_search_time is not None]
            found[number] = min(times) if len(times) == len(lacking) else None
    return found


def series_type(series: Series) -> str:
    """How Sonarr should number the episodes: as its catalogue says, and anime by its genre."""
    if series.series_type and series.series_type != "standard":
        return series.series_type
    return "anime" if "anime" in {g.lower() for g in series.genres} else "standard"


def candidate(series: Series, found: tuple[Season, ...] | None = None) -> Candidate:
    """A series as a title that can be requested; `found` are its seasons where they were counted better."""
    counts = series.statistics
    complete = counts is not None and 0 < counts.episode_file_count >= counts.episode_count
    rating = series.ratings.value
    return Candidate(
        kind=MediaKind.SERIES,
        title=series.title,
        ids=series.ids,
        year=series.year or None,
        alternate_titles=tuple(dict.fromkeys(a.title for a in series.alternate_titles if a.title)),
        overview=series.overview or "",
        genres=series.genres,
        runtime_minutes=series.runtime or None,
        rating=rating if 0 < rating <= 10 else None,
        certification=series.certification or "",
        poster=images.reference(series.images, "poster"),
        backdrop=images.reference(series.images, "fanart"),
        seasons=found if found is not None else tuple(counted(s) for s in series.seasons),
        released={"continuing": True, "ended": True, "upcoming": False}.get((series.status or "").lower()),
        tracked=Tracked(remote_id=str(series.id), monitored=series.monitored, has_file=complete) if series.id else None,
    )
