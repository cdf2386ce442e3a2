"""The titles of the simulated world: public-domain films and series, with drawn posters and small generated clips."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from ..api.models import ExternalIds, MediaKind

WORLD = Path(__file__).parent / "world"


class CatalogueEpisode(Struct, frozen=True, kw_only=True):
    """One episode. `air_date` is ISO, empty when it has not been announced."""

    number: int
    title: str
    air_date: str = ""


class CatalogueSeason(Struct, frozen=True, kw_only=True):
    """One season and its episodes."""

    number: int
    episodes: tuple[CatalogueEpisode, ...]


class Title(Struct, frozen=True, kw_only=True):
    """A title of the world, as all its simulators know it."""

    slug: str
    kind: MediaKind
    title: str
    year: int
    ids: ExternalIds
    overview: str
    genres: tuple[str, ...]
    runtime_minutes: int
    rating: float
    certification: str = ""
    released: bool = True  # False: announced only, nobody can have it yet
    held: bool = False  # the media server has it when the world begins
    held_seasons: tuple[int, ...] = ()  # for series: the seasons it has
    added_days_ago: int = 30
    seasons: tuple[CatalogueSeason, ...] = ()
    studio: str = ""

    @property
    def poster(self) -> Path:
        """A JPEG, 2:3."""
        return WORLD / "posters" / f"{self.slug}.jpg"

    @property
    def still(self) -> Path:
        """A JPEG, 16:9."""
        return WORLD / "stills" / f"{self.slug}.jpg"

    @property
    def clip(self) -> Path:
        """An MP4 (H.264, AAC) that browsers play; episodes of a series share it."""
        own = WORLD / "clips" / f"{self.slug}.mp4"
        return own if own.exists() else WORLD / "clips" / "film.mp4"


@lru_cache(maxsize=1)
def catalogue() -> tuple[Title, ...]:
    """All titles of the world."""
    return msgspec.json.decode((WORLD / "catalogue.json").read_bytes(), type=tuple[Title, ...])
