"""What the simulated Radarr does of its own: races, switches, the stale queue, live messages, and a foreign client."""

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pyarr
import pytest

from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.testing import Fault, Title, served
from vaderflix_radarr.simulator import SPEC, RadarrSimulator

pytestmark = pytest.mark.anyio


def film(slug: str, title: str, year: int, tmdb: int, **more: Any) -> Title:
    facts = {"overview": "A film.", "genres": ("Drama",), "runtime_minutes": 90, "rating": 8.0, **more}
    return Title(slug=slug, kind=MediaKind.MOVIE, title=title, year=year, ids=ExternalIds(tmdb=tmdb), **facts)


FILMS = (film("metropolis", "Metropolis", 1927, 19), film("later", "The Later Film", 2099, 999, released=False))


class StubClient:
    """A download client whose torrents are done when a test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict] = []
        self.state, self.left = "downloading", 60_000

    async def test(self) -> None: ...

    async def close(self) -> None: ...

    async def torrents(self, category: str) -> list[dict]:
        left = 0 if self.state == "stalledUP" else self.left
        return [{**row, "state": self.state, "amount_left": left} for row in self.rows]

    async def add(self, release: Any, category: str) -> None:
        path = self.folder / release.file_name
        path.write_bytes(bytes(100_000))
        row = {"hash": release.infohash, "name": release.file_name, "size": 100_000, "eta": 60}
        self.rows.append({**row, "save_path": str(self.folder), "content_path": str(path)})

    async def delete(self, infohash: str) -> None:
        self.rows = [row for row in self.rows if row["hash"].upper() != infohash.upper()]


def make(tmp: Path) -> RadarrSimulator:
    clip = tmp / "clip.mp4"
    clip.write_bytes(bytes(100_000))
    made = RadarrSimulator(tmp / "own", tmp / "media", titles=FILMS, sources={film.slug: clip for film in FILMS})
    made.search_seconds = made.metadata_seconds = made.refresh_delay_seconds = 0
    made.client = StubClient(tmp)
    return made


@pytest.fixture
def sim(tmp_path: Path) -> RadarrSimulator:
    return make(tmp_path)


@asynccontextmanager
async def api(sim: RadarrSimulator, **headers: str):
    transport = httpx.ASGITransport(sim.app)
    headers = headers or {"X-Api-Key": sim.api_key}
    async with httpx.AsyncClient(transport=transport, base_url="http://radarr", headers=headers) as http:
        yield http
    await sim.stop()


def wish(sim: RadarrSimulator, **more: Any) -> dict:
    body = {"title": "Metropolis", "tmdbId": 19, "qualityProfileId": 4, "rootFolderPath": str(sim.root)}
    return {**body, "addOptions": {"searchForMovie": True}, **more}


async def add(sim: RadarrSimulator, http: httpx.AsyncClient, **more: Any) -> dict:
    """Add a film, and wait until its search is over and the queue knows it."""
    row = (await http.post("/api/v3/movie", json=wish(sim, **more))).json()
    await sim.settled()
    await sim.downloads.refresh()
    return row


async def queue(http: httpx.AsyncClient) -> list[dict]:
    return (await http.get("/api/v3/queue")).json()["records"]


async def refresh(sim: RadarrSimulator, http: httpx.AsyncClient) -> None:
    await http.post("/api/v3/command", json={"name": "RefreshMonitoredDownloads"})
    await sim.settled()


async def test_of_eight_equal_adds_one_is_taken(sim: RadarrSimulator):
    async with api(sim) as http:
        answers = await asyncio.gather(*[http.post("/api/v3/movie", json=wish(sim)) for _ in range(8)])
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 201
        assert set(statuses[1:]) <= {400, 409}
        assert len((await http.get("/api/v3/movie?tmdbId=19")).json()) == 1
        conflict = next(answer for answer in answers if answer.status_code == 409)
        assert conflict.json()["message"].endswith("UNIQUE constraint failed: Movies.MovieMetadataId")


async def test_lookup_rows_carry_an_id_once_they_are_in_the_library(sim: RadarrSimulator):
    async with api(sim) as http:
        before = (await http.get("/api/v3/movie/lookup?term=metropolis")).json()
        assert "id" not in before[0]
        await add(sim, http)
        after = (await http.get("/api/v3/movie/lookup?term=tmdb:19")).json()
        assert after[0]["id"] == 1
        assert "id" not in (await http.get("/api/v3/movie/lookup/tmdb?tmdbId=19")).json()


async def test_an_unreleased_film_is_accepted_and_not_searched(sim: RadarrSimulator):
    async with api(sim) as http:
        row = await add(sim, http, title="The Later Film", tmdbId=999)
        assert row["isAvailable"] is False
        assert sim.store.rows("grabs") == []
        assert (await http.get("/api/v3/wanted/missing")).json()["totalRecords"] == 0


async def test_a_film_that_no_indexer_has_stays_wanted(sim: RadarrSimulator):
    sim.no_release.add("metropolis")
    async with api(sim) as http:
        await add(sim, http)
        assert await queue(http) == []
        assert (await http.get("/api/v3/wanted/missing")).json()["totalRecords"] == 1
        assert (await http.get("/api/v3/command")).json()[-1]["message"].endswith("0 reports downloaded.")


async def test_the_queue_is_as_old_as_the_last_refresh(sim: RadarrSimulator):
    async with api(sim) as http:
        await add(sim, http)
        assert (await queue(http))[0]["sizeleft"] == 60_000
        sim.client.left = 20_000
        await sim.downloads.tick()
        assert (await queue(http))[0]["sizeleft"] == 60_000
        await refresh(sim, http)
        row = (await queue(http))[0]
        assert (row["sizeleft"], row["timeleft"]) == (20_000, "00:01:00")


async def test_a_client_that_is_down_leaves_the_queue_empty_and_health_says_so(sim: RadarrSimulator):
    async with api(sim) as http:
        await add(sim, http)
        sim.client_down = True
        await refresh(sim, http)
        answer = await http.get("/api/v3/queue")
        assert (answer.status_code, answer.json()["totalRecords"]) == (200, 0)
        health = (await http.get("/api/v3/health")).json()
        assert [(row["source"], row["type"]) for row in health] == [("DownloadClientCheck", "error")]
        sim.client_down = False
        await refresh(sim, http)
        assert len(await queue(http)) == 1
        assert (await http.get("/api/v3/health")).json() == []


async def test_a_torrent_removed_by_hand_leaves_only_its_grab(sim: RadarrSimulator):
    async with api(sim) as http:
        await add(sim, http)
        sim.store.rows("grabs")[0]["added"] = "2026-01-01T00:00:00Z"
        sim.client.rows = []
        await refresh(sim, http)
        assert await queue(http) == []
        history = (await http.get("/api/v3/history")).json()["records"]
        assert [row["eventType"] for row in history] == ["grabbed"]
        await http.post("/api/v3/command", json={"name": "MoviesSearch", "movieIds": [1]})
        await sim.settled()
        assert len(sim.client.rows) == 1


async def test_a_blocklisted_download_is_replaced_by_the_next_best(sim: RadarrSimulator):
    async with api(sim) as http:
        await add(sim, http)
        row = (await queue(http))[0]
        assert row["quality"]["quality"]["name"] == "WEBDL-1080p"
        answer = await http.delete(f"/api/v3/queue/{row['id']}?removeFromClient=true&blocklist=true")
        assert answer.status_code == 200
        await sim.settled()
        await refresh(sim, http)
        rows = await queue(http)
        assert [row["quality"]["quality"]["name"] for row in rows] == ["WEBDL-720p"]
        history = (await http.get("/api/v3/history?sortDirection=ascending")).json()["records"]
        assert [row["eventType"] for row in history] == ["grabbed", "downloadFailed", "grabbed"]
        assert (await http.delete(f"/api/v3/queue/{row['id']}")).status_code == 404


async def test_a_blocked_import_waits_and_goes_on_when_its_cause_is_gone(sim: RadarrSimulator):
    sim.import_blocked["metropolis"] = "Caution: Found executable file with extension: '.exe'"
    async with api(sim) as http:
        await add(sim, http)
        sim.client.state = "stalledUP"
        for _ in range(3):
            await refresh(sim, http)
        row = (await queue(http))[0]
        assert (row["status"], row["trackedDownloadStatus"]) == ("completed", "warning")
        assert row["trackedDownloadState"] == "importPending"
        sim.import_blocked.clear()
        await refresh(sim, http)
        assert (await http.get("/api/v3/movie/1")).json()["hasFile"] is True


async def test_a_grab_needs_a_search_of_the_last_half_hour(sim: RadarrSimulator):
    sim.no_release.add("metropolis")
    async with api(sim) as http:
        await add(sim, http)
        sim.no_release.clear()
        found = (await http.get("/api/v3/release?movieId=1")).json()
        assert [row["approved"] for row in found] == [True, True]
        chosen = {"guid": found[1]["guid"], "indexerId": 1}
        sim.finder.expire()
        assert (await http.post("/api/v3/release", json=chosen)).status_code == 404
        await http.get("/api/v3/release?movieId=1")
        sim.unfetchable.add("metropolis")
        assert (await http.post("/api/v3/release", json=chosen)).status_code == 409
        sim.unfetchable.clear()
        assert (await http.post("/api/v3/release", json=chosen)).status_code == 200
        sim.client = None
        answer = await http.post("/api/v3/release", json=chosen)
        assert (answer.status_code, sorted(answer.json())) == (500, ["description", "message"])


async def test_a_command_goes_through_its_states(sim: RadarrSimulator):
    async with api(sim) as http:
        row = (await http.post("/api/v3/command", json={"name": "rsssync"})).json()
        assert (row["name"], row["status"], row["result"]) == ("RssSync", "queued", "unknown")
        await sim.settled()
        row = (await http.get(f"/api/v3/command/{row['id']}")).json()
        assert (row["status"], row["result"]) == ("completed", "successful")
        assert {"started", "ended", "duration"} <= set(row)
        assert [one for one in sim.hub.sent if one[0] == "command"] == [("command", "updated")] * 3


async def test_a_restarted_world_goes_on(tmp_path: Path):
    first = make(tmp_path)
    async with api(first) as http:
        await add(first, http)
    second = make(tmp_path)
    second.client = first.client or StubClient(tmp_path)
    assert second.api_key == first.api_key
    async with api(second) as http:
        assert [row["tmdbId"] for row in (await http.get("/api/v3/movie")).json()] == [19]
        assert (await http.get("/api/v3/history")).json()["totalRecords"] == 1


async def test_what_lies_in_the_root_folder_is_taken_in_at_the_start(sim: RadarrSimulator):
    path = sim.root / "Metropolis (1927)" / "Metropolis (1927).mp4"
    path.parent.mkdir()
    path.write_bytes(bytes(1000))
    sim.client = None
    await sim.start("http://127.0.0.1:1", [])
    async with api(sim) as http:
        rows = (await http.get("/api/v3/movie?tmdbId=19")).json()
        assert [(row["hasFile"], row["sizeOnDisk"]) for row in rows] == [(True, 1000)]
        assert [row["message"] for row in (await http.get("/api/v3/health")).json()] == [
            "No download client is available"
        ]


async def test_a_wrong_key_in_the_query_beats_the_right_one_in_the_header(sim: RadarrSimulator):
    async with api(sim) as http:
        assert (await http.get("/api/v3/tag?apikey=wrong")).status_code == 401
        assert (await http.get("/api/v3/tag")).status_code == 200
    async with api(sim, Authorization=f"Bearer {sim.api_key}") as http:
        assert (await http.get("/api/v3/tag")).status_code == 200


async def test_covers_need_the_key(sim: RadarrSimulator):
    async with api(sim) as http:
        image = (await http.get("/api/v3/movie/lookup?term=metropolis")).json()[0]["images"][0]
        assert (await http.get(image["url"])).headers["content-type"] == "image/jpeg"
    async with api(sim, Accept="*/*") as http:
        assert (await http.get(image["url"])).status_code == 401
        assert (await http.get(httpx.URL(image["remoteUrl"]).path)).status_code == 200


async def test_a_url_base_is_redirected_to_with_method_and_body(sim: RadarrSimulator):
    sim.url_base = "/radarr"
    async with api(sim) as http:
        answer = await http.post("/api/v3/tag", json={"label": "hd"})
        assert (answer.status_code, answer.headers["location"]) == (307, "/radarr/api/v3/tag")
        answer = await http.post("/api/v3/tag", json={"label": "hd"}, follow_redirects=True)
        assert (answer.status_code, answer.json()) == (201, {"label": "hd", "id": 1})


async def test_pages_hold_ten_unless_asked(sim: RadarrSimulator):
    for number in range(25):
        about = {"sourceTitle": f"{number}", "languages": [], "quality": sim.qualities.unknown.model()}
        sim.history.write("grabbed", [{"movieId": 1}], about, {})
    async with api(sim) as http:
        page = (await http.get("/api/v3/history")).json()
        assert (page["totalRecords"], page["pageSize"], len(page["records"])) == (25, 10, 10)
        page = (await http.get("/api/v3/history?page=3&sortKey=nonsense&sortDirection=ascending")).json()
        assert [row["sourceTitle"] for row in page["records"]] == ["20", "21", "22", "23", "24"]
        assert page["sortKey"] == "date"


async def test_masked_secrets_are_kept_when_sent_back(sim: RadarrSimulator):
    fields = [{"name": "url", "value": "http://127.0.0.1:1/x"}, {"name": "password", "value": "s3cret"}]
    sim.store.add("notification", {"name": "us", "fields": fields, "tags": []})
    async with api(sim) as http:
        row = (await http.get("/api/v3/notification/1")).json()
        assert {field["name"]: field.get("value") for field in row["fields"]}["password"] == "********"
        assert "s3cret" not in json.dumps(row)
        assert (await http.put("/api/v3/notification/1", json=row)).status_code == 500  # its test reaches nobody
        kept = sim.store.rows("notification")[0]["fields"]
        assert {field["name"]: field.get("value") for field in kept}["password"] == "s3cret"


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (Fault.UNAUTHORIZED, 401, b""),
        (Fault.RATE_LIMITED, 429, b"Too Many Requests"),
        (Fault.EMPTY, 200, b"[]"),
    ],
)
async def test_faults_speak_its_language(sim: RadarrSimulator, fault: Fault, status: int, body: bytes):
    async with api(sim) as http:
        sim.faults.set(fault, path="/movie")
        answer = await http.get("/api/v3/movie")
        assert (answer.status_code, answer.content) == (status, body)
        sim.faults.set(Fault.SERVER_ERROR)
        assert sorted((await http.get("/api/v3/movie")).json()) == ["description", "message"]
        sim.faults.set(Fault.EMPTY)
        assert (await http.get("/api/v3/queue")).json()["records"] == []
        sim.faults.clear()


def events(chunk: bytes) -> list[dict]:
    """The messages of one `data:` line, which may hold several."""
    assert chunk.startswith(b"data: ")
    assert chunk.endswith(b"\x1e\r\n\r\n")
    return [json.loads(part) for part in chunk[6:].strip().split(b"\x1e") if part]


async def test_the_live_channel_shakes_hands_tells_and_keeps_alive(sim: RadarrSimulator):
    sim.hub.keep_alive_seconds = 0.3
    sim.client = None
    headers = {"X-Api-Key": sim.api_key}
    async with served(sim.app) as url, httpx.AsyncClient(base_url=url, headers=headers) as http:
        made = (await http.post("/signalr/messages/negotiate?negotiateVersion=1")).json()
        kinds = [row["transport"] for row in made["availableTransports"]]
        assert kinds == ["WebSockets", "ServerSentEvents", "LongPolling"]
        token = {"id": made["connectionToken"]}
        async with http.stream("GET", "/signalr/messages", params=token) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            chunks = stream.aiter_bytes()
            assert await anext(chunks) == b":\r\n"
            shake = '{"protocol":"json","version":1}\x1e'
            assert (await http.post("/signalr/messages", params=token, content=shake)).status_code == 200
            first = events(await anext(chunks))
            assert first[0] == {}
            assert first[1]["arguments"][0]["body"] == {"version": sim.version}
            sim.hub.send("movie", "updated", {"id": 1})
            sim.hub.sync("queue")
            both = events(await anext(chunks))
            assert [message["arguments"][0]["name"] for message in both] == ["movie", "queue"]
            assert events(await anext(chunks)) == [{"type": 6}]
        assert (await http.get("/signalr/messages?id=nobody")).status_code == 404
        await sim.stop()


async def test_pyarr_accepts_it(sim: RadarrSimulator):
    sim.client = None
    async with served(sim.app) as url:
        await sim.start(url, [])
        client = pyarr.RadarrAPI(url, sim.api_key)

        def use() -> None:
            assert client.get_system_status()["appName"] == "Radarr"
            found = client.lookup_movie(term="metropolis")[0]
            profile = client.get_quality_profile()[3]["id"]
            root = client.get_root_folder()[0]["path"]
            added = client.add_movie(found, root, profile, monitored=True, search_for_movie=True)
            assert client.get_movie(id_=added["id"])["title"] == "Metropolis"
            assert client.get_movie(id_=19, tmdb=True)[0]["id"] == added["id"]
            assert client.post_command("RefreshMovie", movieIds=[added["id"]])["name"] == "RefreshMovie"
            assert client.get_queue(page_size=50)["records"] == []
            assert client.get_history()["totalRecords"] == 0
            assert client.create_tag("x")["id"] == client.get_tag()[0]["id"]
            assert client.get_disk_space()
            assert [row["source"] for row in client.get_health()] == ["DownloadClientCheck"]
            changed = client.upd_movie({**client.get_movie(id_=added["id"]), "monitored": False})
            assert changed["monitored"] is False
            client.del_movie(added["id"], delete_files=True)
            assert client.get_movie() == []
            with pytest.raises(pyarr.exceptions.PyarrUnauthorizedError):
                pyarr.RadarrAPI(url, "wrong").get_system_status()

        await anyio.to_thread.run_sync(use)
        await sim.stop()


async def test_the_world_s_films_are_there(tmp_path: Path):
    made = SPEC.make(tmp_path / "own", tmp_path / "media")
    assert SPEC.instance == "radarr"
    transport = httpx.ASGITransport(made.app)
    headers = {"X-Api-Key": made.credentials["api_key"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://radarr", headers=headers) as http:
        for title in made.titles:
            rows = (await http.get("/api/v3/movie/lookup", params={"term": title.title})).json()
            assert title.ids.tmdb in {row["tmdbId"] for row in rows}
            poster = next(row for row in rows if row["tmdbId"] == title.ids.tmdb)["images"][0]["url"]
            assert (await http.get(poster)).content[:2] == b"\xff\xd8"
    await made.stop()
