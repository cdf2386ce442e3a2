"""Copies in standard quality and in 4K: who gets them, and how much of the asked one can be watched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ..api.models import Episode, MediaKind, Progress, Quality, Season, Stage
from ..api.roles import MediaSource, Qualities, Requester
from ..failures import Conflict, SourceFailed
from ..library.index import Library
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Binding, Pool
from ..search.models import Availability, Held, TitlePage, TitleSeason
from .models import Request
from .states import Coverage, coverage

LEAST_LINES = 2000  # of a 4K picture: 2160 is usual, and a little less is still called so
MAY_BE_HELD = (Stage.IMPORTED, Stage.PARTLY, Stage.IMPORTING)
STANDARD_ONLY = frozenset({Quality.STANDARD})


def getters(pool: Pool, kind: MediaKind, quality: Quality) -> list[Binding]:
    """The running requesters that get such copies, in the admin's order.

    One that does not say which copies it gets (`Qualities`) is there for standard ones: it would take a request for
    4K and bring something else.
    """
    said = {id(binding.provider): _qualities(binding.provider) for binding in pool.bindings(Qualities)}
    return [
        binding
        for binding in pool.bindings(Requester)
        if kind in binding.provider.kinds  # type: ignore[attr-defined]
        and quality in said.get(id(binding.provider), STANDARD_ONLY)
    ]


def copies_of(pool: Pool, instance: str) -> frozenset[Quality]:
    """Which copies a running service gets; none for one that gets no titles."""
    if not pool.bindings(Requester, instance=instance):
        return frozenset()
    said = [_qualities(binding.provider) for binding in pool.bindings(Qualities, instance=instance)]
    return frozenset().union(*said) if said else STANDARD_ONLY


def _qualities(provider: object) -> frozenset[Quality]:
    said: frozenset[Quality] = provider.qualities  # type: ignore[attr-defined]
    return said


def is_4k(height: int | None) -> bool:
    """Whether a picture of so many lines is 4K; one whose lines are not known is not."""
    return height is not None and height >= LEAST_LINES


class AlreadyHeld(Conflict):
    """The library holds the asked copy, so that there is nothing to get."""

    code = "in_library"


def film_held(page: TitlePage, quality: Quality) -> bool:
    """Whether the library is known to hold a film in this quality. A 4K copy serves those who want any."""
    held = page.hit.kind is MediaKind.MOVIE and bool(page.hit.held)
    return held and (quality is Quality.STANDARD or is_4k(page.height))


def refuse_held(page: TitlePage, quality: Quality, seasons: Sequence[int] = ()) -> None:
    """Raises `AlreadyHeld` for what the library is known to hold. What it does not know can be asked for."""
    title = page.hit.title
    if film_held(page, quality):
        copy = " in 4K" if quality is Quality.FOUR_K else ""
        raise AlreadyHeld(f"{title} is in the library{copy} already. Play it there.")
    if page.hit.kind is not MediaKind.SERIES or quality is Quality.FOUR_K:
        return  # which episodes are there in 4K only the source knows
    held = [season.number for season in page.seasons if _complete(season)]
    if not seasons and held and not any(s.number > 0 and s.number not in held for s in page.seasons):
        raise AlreadyHeld(f"All seasons of {title} are in the library already. Play them there.")
    doubled = [str(number) for number in seasons if number in held]
    if doubled:
        said = f"Season {doubled[0]} is" if len(doubled) == 1 else f"Seasons {', '.join(doubled)} are"
        raise AlreadyHeld(f"{said} in the library already. Ask only for what is missing.")


def _complete(season: TitleSeason) -> bool:
    """Whether a season is there and no further episode of it is known."""
    return season.availability is Availability.AVAILABLE and season.held >= (season.known or 0)


class Copies:
    """Says how much of the asked copy the library holds."""

    def __init__(self, pool: Pool, guard: Guard, library: Library) -> None:
        self._pool = pool
        self._guard = guard
        self._library = library

    async def film(self, request: Request) -> bool:
        """Whether the library holds the film in the asked quality. A 4K copy serves those who asked for any."""
        found = await self._library.find(request.kind, request.ids)
        return any(request.quality is Quality.STANDARD or is_4k(held.item.height) for held in found)

    async def coverage(self, request: Request, progress: Progress) -> Coverage:
        """How much of a request can be watched. Raises `SourceFailed` when a source does not say what it has in 4K."""
        may_be_held = progress.stage in MAY_BE_HELD
        if may_be_held:
            await self._library.refresh_ids(request.kind, request.ids)
        if request.kind is MediaKind.MOVIE:
            return Coverage.ALL if await self.film(request) else Coverage.NONE
        found = await self._library.find(request.kind, request.ids)
        if request.quality is Quality.STANDARD:
            return coverage(request.seasons, _most(held.item.seasons for held in found), progress.seasons)
        # the index does not know episodes, and asking for them is only worth it once the requester has some
        return await self._in_4k(request, found, progress) if may_be_held else Coverage.NONE

    async def _in_4k(self, request: Request, found: Sequence[Held], progress: Progress) -> Coverage:
        holdings: list[list[Season]] = []
        silent: list[str] = []
        for held in found:
            counted = []
            for season in held.item.seasons:
                if not season.available or not _asked(request, season.number):
                    continue
                episodes = await self._episodes(held, season.number, silent)
                in_4k = sum(1 for episode in episodes if is_4k(episode.height))
                counted.append(replace(season, available=in_4k))
            holdings.append(counted)
        covered = coverage(request.seasons, _most(holdings), progress.seasons)
        if silent and covered is not Coverage.ALL:
            raise SourceFailed("; ".join(dict.fromkeys(silent)))
        return covered

    async def _episodes(self, held: Held, season: int, silent: list[str]) -> list[Episode]:
        bindings = self._pool.bindings(MediaSource, instance=held.instance)
        if not bindings:
            silent.append(f"{held.instance}: the service is switched off or has not started")
            return []
        answer: Answer[list[Episode]] = await self._guard.call(bindings[0], "episodes", held.item.key, season)
        if answer.outcome is not Outcome.OK or answer.value is None:
            silent.append(f"{answer.name}: {answer.error}")
            return []
        return answer.value


def _asked(request: Request, season: int) -> bool:
    return season in request.seasons if request.seasons else season > 0


def _most(holdings: Iterable[Sequence[Season]]) -> tuple[Season, ...]:
    """The seasons that several copies of a series hold between them: of each, the fullest."""
    best: dict[int, Season] = {}
    for seasons in holdings:
        for season in seasons:
            if season.number not in best or season.available > best[season.number].available:
                best[season.number] = season
    return tuple(best[number] for number in sorted(best))
