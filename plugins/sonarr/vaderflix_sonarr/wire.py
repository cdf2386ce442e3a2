"""Sonarr's series and episode resources (API v3, served by Sonarr 4 and 5), as far as we read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from vaderflix_arr.wire import AlternateTitle, Managed, Picture, Wire
from vaderflix_core.api import ExternalIds


class Counts(Wire, frozen=True, kw_only=True):
    """Episode counts. `episode_count` holds those that have aired and are monitored, or have a file."""

    episode_file_count: int = 0
    episode_count: int = 0
    total_episode_count: int = 0


class SeasonRow(Wire, frozen=True, kw_only=True):
    """One season of a series; lookups have no counts."""

    season_number: int
    monitored: bool = False
    statistics: Counts | None = None


class Rating(Wire, frozen=True, kw_only=True):
    """What TheTVDB's visitors think, from 0 to 10."""

    value: float = 0


class Series(Managed, frozen=True, kw_only=True):
    """A series of the library, or a row of a lookup: the latter has no `id` unless the series is in the library."""

    tvdb_id: int = 0
    tmdb_id: int = 0
    imdb_id: str | None = None
    title: str = ""
    alternate_titles: tuple[AlternateTitle, ...] = ()
    year: int | None = None
    overview: str | None = None
    images: tuple[Picture, ...] = ()
    genres: tuple[str, ...] = ()
    runtime: int | None = None
    certification: str | None = None
    ratings: Rating = Rating()
    status: str | None = None
    series_type: str | None = None
    monitored: bool = False
    seasons: tuple[SeasonRow, ...] = ()
    statistics: Counts | None = None
    tags: tuple[int, ...] = ()
    add_options: dict[str, Any] | None = None

    @property
    def ids(self) -> ExternalIds:
        """Its names in the catalogues."""
        return ExternalIds(imdb=self.imdb_id or None, tmdb=self.tmdb_id or None, tvdb=self.tvdb_id or None)


class EpisodeRow(Wire, frozen=True, kw_only=True):
    """One episode. Without `air_date_utc` it has not been announced."""

    id: int = 0
    season_number: int = 0
    episode_number: int = 0
    has_file: bool = False
    monitored: bool = False
    air_date_utc: datetime | None = None
    last_search_time: datetime | None = None

    def aired(self, now: datetime) -> bool:
        """Whether it can be had: it has aired, or somebody has it all the same."""
        return self.has_file or (self.air_date_utc is not None and self.air_date_utc <= now)
