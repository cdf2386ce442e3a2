"""Whatever a failing library says or does not say, what it held is kept, shown, and playable once it is well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from siege import FAULTS, House, besieged

from vaderflix_core.api import ExternalIds, MediaKind
from vaderflix_core.testing import Fault, catalogue

pytestmark = pytest.mark.anyio

HELD = {title.title for title in catalogue() if title.held}
EPISODES = 32  # of the two series
PARTS = {  # a fault on one part of what is asked for: the answers before and after it are good
    "everything": "",
    "the list of libraries": "/library/sections",
    "the rows of a library": "/all",
    "items": "/library/metadata/",
    "seasons": "/children",
}
Reading = Callable[[House], Awaitable[Any]]


async def sweep(house: House) -> Any:
    return await house.host.library.sweep("plex")


async def changes(house: House) -> Any:
    return await house.host.library.sync_changes("plex")


async def items(house: House) -> None:
    for kind in MediaKind:
        found, _ = await house.host.library.browse(kind)
        for held in found[:4]:
            await house.host.library.refresh_item("plex", held.item.key)


async def ids(house: House) -> None:
    for kind, tmdb in ((MediaKind.MOVIE, 961), (MediaKind.SERIES, 9000101), (MediaKind.SERIES, 9000102)):
        await house.host.library.refresh_ids(kind, ExternalIds(tmdb=tmdb))


READINGS: dict[str, Reading] = {
    "a sweep": sweep,
    "a reading of changes": changes,
    "a second look at items": items,
    "a look by ids": ids,
}


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with besieged(tmp_path_factory.mktemp("house")) as house:
        await house.host.instances.reconcile()
        assert (await house.host.library.sweep("plex")).complete
        yield house


async def nothing_is_gone(house: House) -> None:
    found = [held for kind in MediaKind for held in (await house.host.library.browse(kind))[0]]
    assert {held.item.title for held in found} == HELD
    assert len(found) == len(HELD)
    assert sum(season.available for held in found for season in held.item.seasons) == EPISODES
    assert await house.host.library.pending_removals() == []


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("part", PARTS)
async def test_no_fault_in_any_part_of_a_reading_takes_a_title_away(house: House, part: str, fault: Fault) -> None:
    for name, read in READINGS.items():
        async with house.under("plex", fault, path=PARTS[part]):
            report = await read(house)
            if part == "everything" and fault is not Fault.SLOW and name.startswith("a sweep"):
                assert not report.complete
                assert report.error
                assert report.removed == 0
            await nothing_is_gone(house)
    page = await house.edith.read("/films")
    assert all(title.title in page for title in catalogue() if title.held and title.kind is MediaKind.MOVIE)
    assert "One Step Beyond" in await house.edith.read("/series")
    assert "Season 1 22 episodes" in await house.edith.read("/title/series/tvdb-9000201")
    report = await house.host.library.sweep("plex")
    assert report.complete
    assert (report.removed, report.pending) == (0, 0)
    await nothing_is_gone(house)


async def test_a_library_that_seems_empty_asks_an_admin_before_anything_goes(house: House) -> None:
    """Not a fault: a server that counts nothing, as one does whose disk is not mounted."""
    state = house.simulator("plex").state
    kept, state.items = state.items, {}
    try:
        for _ in range(3):
            report = await house.host.library.sweep("plex")
            assert report.removed == 0
        assert len((await house.host.library.browse(MediaKind.MOVIE, 0, 50))[0]) == 14
        assert "Nosferatu" in await house.edith.read("/films")
    finally:
        state.items = kept
    assert (await house.host.library.sweep("plex")).complete
    await nothing_is_gone(house)
