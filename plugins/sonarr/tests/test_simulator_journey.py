"""A season's whole way through the simulated Sonarr, episode by episode and as a pack."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from vaderflix_core.api import Peer
from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.testing import CatalogueEpisode, CatalogueSeason, Release, Title, served
from vaderflix_qbittorrent.real import RealQbittorrent, real_qbittorrent
from vaderflix_qbittorrent.simulator import QbittorrentSimulator
from vaderflix_sonarr.simulator import SonarrSimulator

pytestmark = pytest.mark.anyio


def season(number: int, count: int, year: int) -> CatalogueSeason:
    dates = [f"{year}-{n:02}-11" for n in range(1, count + 1)]
    episodes = [CatalogueEpisode(number=n, title=f"Part {n}", air_date=date) for n, date in enumerate(dates, 1)]
    return CatalogueSeason(number=number, episodes=tuple(episodes))


SHOW = Title(
    slug="lights",
    kind=MediaKind.SERIES,
    title="Harbour Lights",
    year=1955,
    ids=ExternalIds(tvdb=910001, tmdb=920001, imdb="tt9100010"),
    overview="A harbour.",
    genres=("Drama",),
    runtime_minutes=25,
    rating=7.5,
    seasons=(season(1, 3, 1955), season(2, 2, 1956), season(3, 2, 2099)),
)


@asynccontextmanager
async def session(daemon: RealQbittorrent):
    async with httpx.AsyncClient(base_url=daemon.url) as http:
        await http.post("/api/v2/auth/login", data=daemon.credentials)
        yield http


async def until(what, seconds: float = 60):
    """The first true answer of `what`; it must come in time."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.05)


class World:
    """A Sonarr at work, with a client of its API."""

    def __init__(self, sim: SonarrSimulator, http: httpx.AsyncClient) -> None:
        self.sim, self.http = sim, http

    async def add(self, *wanted: int) -> int:
        """Request seasons, as our requester does: all are listed, the wanted ones flagged."""
        flags = [{"seasonNumber": n, "monitored": n in wanted} for n in (1, 2, 3)]
        body = {"title": "Harbour Lights", "tvdbId": 910001, "qualityProfileId": 4, "seasons": flags}
        body |= {"rootFolderPath": str(self.sim.root), "seasonFolder": True, "monitorNewItems": "none"}
        body["addOptions"] = {"searchForMissingEpisodes": True}
        return (await self.http.post("/series", json=body)).json()["id"]

    async def held(self, ident: int, season: int) -> list[int]:
        """The episodes of a season that have a file."""
        rows = (await self.http.get("/episode", params={"seriesId": ident, "seasonNumber": season})).json()
        return [row["episodeNumber"] for row in rows if row["hasFile"]]


@asynccontextmanager
async def world(tmp: Path, peer: Peer, source: Path):
    sim = SonarrSimulator(tmp / "sonarr", tmp / "world" / "media", titles=[SHOW], sources={"lights": source})
    sim.tick_seconds, sim.downloads.refresh_seconds, sim.search_seconds = 0.1, 0.3, 0
    async with served(sim.app) as url:
        await sim.start(url, [peer])
        async with httpx.AsyncClient(base_url=f"{url}/api/v3", headers={"X-Api-Key": sim.api_key}) as http:
            yield World(sim, http)
        await sim.stop()


@asynccontextmanager
async def simulated(tmp: Path):
    client = QbittorrentSimulator(tmp / "qb", tmp / "world" / "media")
    client.seconds_per_download = 0.5
    async with served(client.app) as url:
        await client.start(url, [])
        yield Peer(plugin="qbittorrent", instance="qb", url=url, credentials=client.credentials)
        await client.stop()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "episode.mp4"
    path.write_bytes(os.urandom(500_000))
    return path


async def seed(release: Release, mine: RealQbittorrent, seeder: RealQbittorrent) -> None:
    (seeder.save_path / release.file_name).write_bytes(release.source.read_bytes())
    async with session(seeder) as http:
        form = {"skip_checking": "true", "savepath": str(seeder.save_path)}
        await http.post("/api/v2/torrents/add", data=form, files={"torrents": ("x.torrent", release.torrent)})
    async with session(mine) as http:
        form = {"hashes": release.infohash, "peers": f"127.0.0.1:{seeder.bt_port}"}
        await http.post("/api/v2/torrents/addPeers", data=form)


async def test_a_requested_season_arrives_episode_by_episode(tmp_path: Path, source: Path):
    async with simulated(tmp_path) as peer, world(tmp_path, peer, source) as it:
        ident = await it.add(1)

        async def complete() -> bool:
            return await it.held(ident, 1) == [1, 2, 3]

        await until(complete)
        assert await it.held(ident, 2) == []
        assert len({grab["downloadId"] for grab in it.sim.store.rows("grabs")}) == 3
        path = it.sim.root / "Harbour Lights" / "Season 01" / "Harbour Lights - S01E02 - Part 2.mp4"
        assert path.read_bytes() == source.read_bytes()
        series = (await it.http.get(f"/series/{ident}")).json()
        assert "addOptions" not in series
        assert series["statistics"]["percentOfEpisodes"] == 100
        rows = (await it.http.get("/history", params={"pageSize": 50, "eventType": 3})).json()["records"]
        assert len(rows) == 3


async def test_a_later_season_is_fetched_after_its_flag_is_set_and_searched(tmp_path: Path, source: Path):
    async with simulated(tmp_path) as peer, world(tmp_path, peer, source) as it:
        ident = await it.add(1)
        await until(lambda: len(it.sim.store.rows("files")) == 3)
        series = (await it.http.get(f"/series/{ident}")).json()
        for season in series["seasons"]:
            season["monitored"] = season["seasonNumber"] in (1, 2)
        assert (await it.http.put(f"/series/{ident}", json=series)).status_code == 202
        await it.http.post("/command", json={"name": "SeasonSearch", "seriesId": ident, "seasonNumber": 2})
        await until(lambda: len(it.sim.store.rows("files")) == 5)
        assert await it.held(ident, 2) == [1, 2]


async def test_a_pack_is_one_download_with_a_queue_row_per_episode(tmp_path: Path, source: Path):
    async with (
        real_qbittorrent(tmp_path / "mine") as mine,
        real_qbittorrent(tmp_path / "seeder") as seeder,
        world(
            tmp_path,
            Peer(plugin="qbittorrent", instance="qb", url=mine.url, credentials=mine.credentials),
            source,
        ) as it,
    ):
        it.sim.season_pack = True
        ident = await it.add(1)

        async def rows() -> list[dict]:
            return (await it.http.get("/queue/details", params={"seriesId": ident})).json()

        queue = await until(rows)
        assert len(queue) == 3
        assert len({row["downloadId"] for row in queue}) == 1
        assert {row["size"] for row in queue} == {500_000}
        assert len({row["id"] for row in queue}) == 3
        await seed(it.sim.releases[queue[0]["downloadId"].lower()], mine, seeder)

        async def complete() -> bool:
            return await it.held(ident, 1) == [1, 2, 3]

        await until(complete)
        kinds = {row["data"]["releaseType"] for row in (await it.http.get("/history")).json()["records"]}
        assert kinds == {"SeasonPack"}


async def test_episodes_that_have_not_been_shown_are_not_searched(tmp_path: Path, source: Path):
    async with simulated(tmp_path) as peer, world(tmp_path, peer, source) as it:
        ident = await it.add(3)
        await until(lambda: it.sim.commands.rows and it.sim.commands.rows[-1]["name"] == "MissingEpisodeSearch")
        await it.sim.settled()
        rows = (await it.http.get("/episode", params={"seriesId": ident, "seasonNumber": 3})).json()
        assert [row["monitored"] for row in rows] == [True, True]
        assert it.sim.store.rows("grabs") == []
