"""Radarr's film resource (API v3), as far as we read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import field

from vaderflix_arr import images
from vaderflix_arr.wire import AlternateTitle, Managed, Picture, Wire
from vaderflix_core.api import Candidate, ExternalIds, MediaKind, Tracked

RELEASED = {"released": True, "announced": False, "tba": False, "incinemas": False}


class Rating(Wire, frozen=True, kw_only=True):
    """What one site's visitors think; imdb and tmdb count from 0 to 10."""

    value: float = 0


class Movie(Managed, frozen=True, kw_only=True):
    """A film of the library, or a row of a lookup: the latter has no `id` unless the film is in the library."""

    tmdb_id: int = 0
    imdb_id: str | None = None
    title: str = ""
    original_title: str | None = None
    alternate_titles: tuple[AlternateTitle, ...] = ()
    year: int | None = None
    overview: str | None = None
    images: tuple[Picture, ...] = ()
    genres: tuple[str, ...] = ()
    runtime: int | None = None
    certification: str | None = None
    ratings: dict[str, Rating] = field(default_factory=dict)
    status: str | None = None
    has_file: bool | None = None
    movie_file_id: int | None = None
    monitored: bool = False
    is_available: bool = True
    tags: tuple[int, ...] = ()
    last_search_time: datetime | None = None
    add_options: dict[str, Any] | None = None

    @property
    def ids(self) -> ExternalIds:
        """Its names in the catalogues."""
        return ExternalIds(imdb=self.imdb_id or None, tmdb=self.tmdb_id or None)

    @property
    def held(self) -> bool:
        """Whether it has a file; lookups leave `hasFile` out."""
        return bool(self.has_file) or bool(self.movie_file_id)


def candidate(movie: Movie) -> Candidate:
    """A film as a title that can be requested."""
    rated = next((movie.ratings[site].value for site in ("imdb", "tmdb") if site in movie.ratings), 0)
    return Candidate(
        kind=MediaKind.MOVIE,
        title=movie.title,
        ids=movie.ids,
        year=movie.year or None,
        original_title=movie.original_title or "",
        alternate_titles=tuple(a.title for a in movie.alternate_titles if a.title),
        overview=movie.overview or "",
        genres=movie.genres,
        runtime_minutes=movie.runtime or None,
        rating=rated if 0 < rated <= 10 else None,
        certification=movie.certification or "",
        poster=images.reference(movie.images, "poster"),
        backdrop=images.reference(movie.images, "fanart"),
        released=RELEASED.get((movie.status or "").lower()),
        tracked=Tracked(remote_id=str(movie.id), monitored=movie.monitored, has_file=movie.held) if movie.id else None,
    )
