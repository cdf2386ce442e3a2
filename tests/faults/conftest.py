"""One household for each module of tests: it starts in a second, and each case mends what it breaks."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from siege import INSTANCES, House, besieged, forgetful


@pytest.fixture(scope="module", autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Each case sees what its own services say."""
    yield from forgetful()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A household in the middle of things: a film and a series are downloading for Jonas, and do not get ready."""
    async with besieged(tmp_path_factory.mktemp("house")) as house:
        host = house.host
        house.simulator("qbittorrent").seconds_per_download = 100_000
        await host.instances.reconcile()
        await host.library.sweep("plex")
        for plugin, asked in (
            ("radarr", {"kind": "movie", "ref": "tmdb-19"}),
            ("sonarr", {"kind": "series", "ref": "tvdb-9000201", "seasons": [2]}),
        ):
            made = (await house.jonas.post("/requests", asked)).json()
            assert (await house.mara.post(f"/requests/{made['id']}/approve")).status_code == 200
            house.asked[plugin] = made["id"]
        await house.settle()

        async def downloading() -> bool:
            return {r["state"] for r in await house.mara.json("/requests?scope=all")} == {"downloading"}

        await house.follow(downloading)
        await refresh(house)
        yield house


async def refresh(house: House) -> None:
    await house.host.downloads.refresh()
    for instance in INSTANCES.values():
        await house.host.monitor.check_now(instance)
