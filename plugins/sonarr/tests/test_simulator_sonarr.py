"""What the simulated Sonarr does of its own: races, dialects, monitoring, blocked imports, and a foreign client."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pyarr
import pytest

from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.testing import CatalogueEpisode, CatalogueSeason, Title, served
from vaderflix_sonarr.simulator import SPEC, SonarrSimulator

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
    seasons=(season(0, 1, 1954), season(1, 3, 1955), season(2, 2, 2099)),
)


class StubClient:
    """A download client whose torrents are done when a test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict] = []
        self.state = "downloading"

    async def test(self) -> None: ...

    async def close(self) -> None: ...

    async def torrents(self, category: str) -> list[dict]:
        left = 0 if self.state == "stalledUP" else 60_000
        return [{**row, "state": self.state, "amount_left": left} for row in self.rows]

    async def add(self, release: Any, category: str) -> None:
        path = self.folder / release.file_name
        path.write_bytes(bytes(100_000))
        row = {"hash": release.infohash, "name": release.file_name, "size": 100_000, "eta": 60}
        self.rows.append({**row, "save_path": str(self.folder), "content_path": str(path)})

    async def delete(self, infohash: str) -> None:
        self.rows = [row for row in self.rows if row["hash"].upper() != infohash.upper()]


@pytest.fixture
def sim(tmp_path: Path) -> SonarrSimulator:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(bytes(100_000))
    made = SonarrSimulator(tmp_path / "own", tmp_path / "media", titles=[SHOW], sources={"lights": clip})
    made.search_seconds = made.metadata_seconds = made.refresh_delay_seconds = 0
    made.client = StubClient(tmp_path)
    return made


@asynccontextmanager
async def api(sim: SonarrSimulator):
    transport = httpx.ASGITransport(sim.app)
    headers = {"X-Api-Key": sim.api_key}
    async with httpx.AsyncClient(transport=transport, base_url="http://sonarr", headers=headers) as http:
        yield http
    await sim.stop()


def wish(sim: SonarrSimulator, **more: Any) -> dict:
    body = {"title": "Harbour Lights", "tvdbId": 910001, "qualityProfileId": 4, "rootFolderPath": str(sim.root)}
    return {**body, **more}


async def test_of_eight_equal_adds_one_is_taken(sim: SonarrSimulator):
    async with api(sim) as http:
        answers = await asyncio.gather(*[http.post("/api/v3/series", json=wish(sim)) for _ in range(8)])
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 201
        assert set(statuses[1:]) <= {400, 409}
        assert len((await http.get("/api/v3/series?tvdbId=910001")).json()) == 1
        conflict = next(answer for answer in answers if answer.status_code == 409)
        assert conflict.json()["message"].endswith("UNIQUE constraint failed: Series.TitleSlug")


@pytest.mark.parametrize(
    ("option", "monitored", "series"),
    [
        ({}, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)], True),
        ({"monitor": "none"}, [], False),
        ({"monitor": "future"}, [(2, 1), (2, 2)], True),
        ({"monitor": "pilot"}, [(1, 1)], True),
        ({"monitor": "firstSeason"}, [(1, 1), (1, 2), (1, 3)], True),
        ({"monitor": "all"}, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)], True),
    ],
)
async def test_an_add_monitors_what_its_option_says(sim: SonarrSimulator, option: dict, monitored: list, series: bool):
    async with api(sim) as http:
        added = (await http.post("/api/v3/series", json=wish(sim, addOptions=option))).json()
        assert (await http.get("/api/v3/episode?seriesId=1")).json() == []
        await sim.settled()
        rows = (await http.get("/api/v3/episode?seriesId=1")).json()
        assert [(row["seasonNumber"], row["episodeNumber"]) for row in rows if row["monitored"]] == monitored
        after = (await http.get(f"/api/v3/series/{added['id']}")).json()
        assert after["monitored"] is series
        assert "addOptions" not in after


async def test_version_4_knows_no_v5_and_version_5_sends_messages_twice(sim: SonarrSimulator):
    async with api(sim) as http:
        assert (await http.get("/api")).json() == {"current": "v3", "deprecated": []}
        assert (await http.get("/api/v5/queue")).status_code == 404
        assert (await http.post("/api/v3/command", json={"name": "Nonsense"})).status_code == 500
        sim.dialect = "5"
        assert (await http.get("/api")).json() == {"current": "v5", "deprecated": ["v3"]}
        assert (await http.get("/api/v5/queue")).status_code == 200
        assert (await http.get("/api/v5/connection")).json() == []
        tag = (await http.post("/api/v5/tag", json={"label": "x"})).json()
        assert (await http.delete(f"/api/v5/tag/{tag['id']}")).status_code == 204
        assert sim.hub.versions == (3, 5)


async def test_a_blocked_import_waits_for_a_person_and_goes_on_by_hand(sim: SonarrSimulator):
    sim.import_blocked["lights"] = "Episode file is a sample"
    async with api(sim) as http:
        options = {"searchForMissingEpisodes": True}
        seasons = [{"seasonNumber": n, "monitored": n == 1} for n in (0, 1, 2)]
        await http.post("/api/v3/series", json=wish(sim, addOptions=options, seasons=seasons))
        await sim.settled()
        await sim.downloads.refresh()
        sim.client.state = "stalledUP"
        for _ in range(2):
            await http.post("/api/v3/command", json={"name": "RefreshMonitoredDownloads"})
            await sim.settled()
        rows = (await http.get("/api/v3/queue")).json()["records"]
        assert {row["trackedDownloadState"] for row in rows} == {"importBlocked"}
        assert {row["trackedDownloadStatus"] for row in rows} == {"warning"}
        assert rows[0]["statusMessages"][0]["messages"] == ["Episode file is a sample"]
        download = rows[0]["downloadId"]
        found = (await http.get(f"/api/v3/manualimport?downloadId={download}&filterExistingFiles=false")).json()
        item = found[0]
        file = {"path": item["path"], "seriesId": item["series"]["id"], "quality": item["quality"]}
        file |= {"episodeIds": [part["id"] for part in item["episodes"]], "downloadId": download}
        await http.post("/api/v3/command", json={"name": "ManualImport", "importMode": "auto", "files": [file]})
        await sim.settled()
        left = (await http.get("/api/v3/queue")).json()["records"]
        assert download not in {row["downloadId"] for row in left}
        held = (await http.get(f"/api/v3/episode?episodeIds={file['episodeIds'][0]}")).json()
        assert held[0]["hasFile"] is True


async def test_one_row_of_a_pack_takes_the_whole_download_away(sim: SonarrSimulator):
    sim.season_pack = True
    async with api(sim) as http:
        await http.post("/api/v3/series", json=wish(sim, addOptions={"searchForMissingEpisodes": True}))
        await sim.settled()
        await sim.downloads.refresh()
        rows = (await http.get("/api/v3/queue")).json()["records"]
        assert len(rows) == 3
        query = "removeFromClient=true&blocklist=true&skipRedownload=true"
        assert (await http.delete(f"/api/v3/queue/{rows[1]['id']}?{query}")).status_code == 200
        assert (await http.get("/api/v3/queue")).json()["totalRecords"] == 0
        assert sim.client.rows == []
        blocked = (await http.get("/api/v3/blocklist")).json()["records"]
        assert len(blocked[0]["episodeIds"]) == 3


async def test_pyarr_accepts_it(sim: SonarrSimulator):
    sim.client = None
    async with served(sim.app) as url:
        await sim.start(url, [])
        client = pyarr.SonarrAPI(url, sim.api_key)

        def use() -> None:
            assert client.get_system_status()["appName"] == "Sonarr"
            found = client.lookup_series(term="harbour")[0]
            profile = client.get_quality_profile()[3]["id"]
            root = client.get_root_folder()[0]["path"]
            added = client.add_series(found, profile, 1, root, monitored=True, search_for_missing_episodes=False)
            assert client.get_series(id_=added["id"])["title"] == "Harbour Lights"
            assert client.get_series(id_=910001, tvdb=True)[0]["id"] == added["id"]
            assert client.post_command("RefreshSeries", seriesId=added["id"])["name"] == "RefreshSeries"
            assert client.get_queue(page_size=50)["records"] == []
            assert client.get_history()["totalRecords"] == 0
            assert client.create_tag("x")["id"] == client.get_tag()[0]["id"]
            assert client.get_disk_space()
            assert client.get_wanted()["page"] == 1
            client.get_calendar()
            changed = client.upd_series({**client.get_series(id_=added["id"]), "monitored": False})
            assert changed["monitored"] is False
            client.del_series(added["id"], delete_files=True)
            assert client.get_series() == []

        await anyio.to_thread.run_sync(use)
        await sim.stop()


async def test_the_world_s_series_are_there(tmp_path: Path):
    made = SPEC.make(tmp_path / "own", tmp_path / "media")
    assert SPEC.instance == "sonarr"
    transport = httpx.ASGITransport(made.app)
    headers = {"X-Api-Key": made.credentials["api_key"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://sonarr", headers=headers) as http:
        for title in made.titles:
            rows = (await http.get("/api/v3/series/lookup", params={"term": title.title})).json()
            assert title.ids.tvdb in {row["tvdbId"] for row in rows}
            poster = next(row for row in rows if row["tvdbId"] == title.ids.tvdb)["images"][0]["url"]
            assert (await http.get(poster)).content[:2] == b"\xff\xd8"
    await made.stop()
