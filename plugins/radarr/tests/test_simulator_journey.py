"""A film's whole way through the simulated Radarr: added, found, downloaded, imported, and told of everywhere."""

import asyncio
import json
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from vaderflix_core.api import Peer
from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.testing import Release, Title, served
from vaderflix_qbittorrent.real import RealQbittorrent, real_qbittorrent
from vaderflix_qbittorrent.simulator import QbittorrentSimulator
from vaderflix_radarr.simulator import RadarrSimulator

pytestmark = pytest.mark.anyio
FILM = Title(
    slug="metropolis",
    kind=MediaKind.MOVIE,
    title="Metropolis",
    year=1927,
    ids=ExternalIds(tmdb=19, imdb="tt0017136"),
    overview="A city of two worlds.",
    genres=("Drama",),
    runtime_minutes=153,
    rating=8.3,
)


class Swarm:
    """A download client to add to, and a way to share a release with it."""

    def __init__(self, peer: Peer, mine: RealQbittorrent | None = None, seeder: RealQbittorrent | None = None) -> None:
        self.peer, self.mine, self.seeder = peer, mine, seeder

    async def seed(self, release: Release) -> None:
        """Seed from a second daemon, and introduce the two. The simulated client needs no seeder."""
        if self.mine is None or self.seeder is None:
            return
        (self.seeder.save_path / release.file_name).write_bytes(release.source.read_bytes())
        async with session(self.seeder) as http:
            files = {"torrents": ("x.torrent", release.torrent)}
            form = {"skip_checking": "true", "savepath": str(self.seeder.save_path)}
            assert (await http.post("/api/v2/torrents/add", data=form, files=files)).text == "Ok."
        async with session(self.mine) as http:
            form = {"hashes": release.infohash, "peers": f"127.0.0.1:{self.seeder.bt_port}"}
            answer = await http.post("/api/v2/torrents/addPeers", data=form)
            assert answer.json()[release.infohash]["added"] == 1


@asynccontextmanager
async def session(daemon: RealQbittorrent):
    async with httpx.AsyncClient(base_url=daemon.url) as http:
        await http.post("/api/v2/auth/login", data=daemon.credentials)
        yield http


@asynccontextmanager
async def swarm(kind: str, tmp: Path):
    if kind == "real":
        async with real_qbittorrent(tmp / "mine") as mine, real_qbittorrent(tmp / "seeder") as seeder:
            peer = Peer(plugin="qbittorrent", instance="qbittorrent", url=mine.url, credentials=mine.credentials)
            yield Swarm(peer, mine, seeder)
        return
    simulated = QbittorrentSimulator(tmp / "qb", tmp / "world" / "media")
    simulated.dialect, simulated.seconds_per_download = kind, 0.5
    async with served(simulated.app) as url:
        await simulated.start(url, [])
        yield Swarm(Peer(plugin="qbittorrent", instance="qb", url=url, credentials=simulated.credentials))
        await simulated.stop()


class Listener:
    """A receiver of webhooks, a Plex that is asked to scan, and a reader of the live channel."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hooks: list[dict] = []
        self.scans: list[str] = []
        self.messages: list[tuple[str, str]] = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answer = b"{}"
        if scope["path"] == "/hook":
            self.hooks.append(json.loads(body))
        elif scope["path"] == "/library/sections":
            section = {"key": "7", "Location": [{"id": 1, "path": str(self.root)}]}
            answer = json.dumps({"MediaContainer": {"Directory": [section]}}).encode()
        elif scope["path"] == "/library/sections/7/refresh":
            self.scans.append(httpx.QueryParams(scope["query_string"])["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    async def listen(self, url: str, key: str, ready: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=url, headers={"X-Api-Key": key}, timeout=30) as http:
            token = (await http.post("/signalr/messages/negotiate?negotiateVersion=1")).json()["connectionToken"]
            async with http.stream("GET", "/signalr/messages", params={"id": token}) as stream:
                shake = '{"protocol":"json","version":1}\x1e'
                await http.post("/signalr/messages", params={"id": token}, content=shake)
                async for line in stream.aiter_lines():
                    for part in line.removeprefix("data:").split("\x1e"):
                        message = json.loads(part) if part.strip() not in ("", ":") else {}
                        ready.set()
                        for argument in message.get("arguments", []):
                            self.messages.append((argument["name"], argument["body"].get("action", "")))


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


@pytest.mark.parametrize("kind", ["real", "4.5.2", "5.1", "5.2"])
async def test_a_film_is_found_downloaded_imported_and_told_of(kind: str, tmp_path: Path):
    source = tmp_path / "film.mp4"
    source.write_bytes(os.urandom(3_000_000))
    sim = RadarrSimulator(
        tmp_path / "radarr", tmp_path / "world" / "media", titles=[FILM], sources={"metropolis": source}
    )
    sim.tick_seconds, sim.downloads.refresh_seconds = 0.1, 0.3
    listener = Listener(sim.root)
    async with swarm(kind, tmp_path) as client, served(sim.app) as url, served(listener) as hooks:
        plex = Peer(plugin="plex", instance="plex", url=hooks, credentials={"token": "t"})
        await sim.start(url, [client.peer, plex])
        ready = asyncio.Event()
        reading = asyncio.create_task(listener.listen(url, sim.api_key, ready))
        async with httpx.AsyncClient(base_url=f"{url}/api/v3", headers={"X-Api-Key": sim.api_key}) as http:
            await asyncio.wait_for(ready.wait(), 60)
            fields = [{"name": "url", "value": f"{hooks}/hook"}, {"name": "method", "value": 1}]
            flags = {"onGrab": True, "onDownload": True, "onMovieAdded": True}
            notification = {"name": "us", "implementation": "Webhook", "fields": fields, **flags}
            made = await http.post("/notification", json=notification)
            assert made.status_code == 201, made.text
            film = (await http.get("/movie/lookup", params={"term": "tmdb:19"})).json()[0]
            assert "id" not in film
            body = {**film, "qualityProfileId": 4, "rootFolderPath": str(sim.root), "monitored": True}
            body["addOptions"] = {"searchForMovie": True}
            ident = (await http.post("/movie", json=body)).json()["id"]

            grab = await until(lambda: next(iter(sim.store.rows("grabs")), None))
            await client.seed(sim.releases[grab["downloadId"].lower()])

            async def movie() -> dict | None:
                row = (await http.get(f"/movie/{ident}")).json()
                return row if row["hasFile"] else None

            row = await until(movie)
            path = sim.root / "Metropolis (1927)" / "Metropolis.1927.1080p.WEB.H264-LAB.mp4"
            assert row["movieFile"]["path"] == str(path)
            assert path.read_bytes() == source.read_bytes()
            history = (await http.get("/history/movie", params={"movieId": ident})).json()
            assert [one["eventType"] for one in history] == ["downloadFolderImported", "grabbed"]
            assert {one["downloadId"] for one in history} == {grab["downloadId"]}
            events = ["Test", "MovieAdded", "Grab", "Download"]
            await until(lambda: [hook["eventType"] for hook in listener.hooks] == events)
            await until(lambda: listener.scans == [str(path.parent)])

            async def queue_is_empty() -> bool:
                return (await http.get("/queue")).json()["totalRecords"] == 0

            await until(queue_is_empty)
            expected = {("movie", "updated"), ("queue", "sync"), ("command", "updated"), ("queue/status", "updated")}
            await until(lambda: expected <= set(listener.messages))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await sim.stop()


async def test_a_torrent_that_nobody_seeds_is_shown_as_stalled_and_can_be_given_up(tmp_path: Path):
    source = tmp_path / "film.mp4"
    source.write_bytes(os.urandom(200_000))
    sim = RadarrSimulator(
        tmp_path / "radarr", tmp_path / "world" / "media", titles=[FILM], sources={"metropolis": source}
    )
    sim.stalled, sim.tick_seconds = {"metropolis"}, 0.1
    async with swarm("real", tmp_path) as client, served(sim.app) as url:
        await sim.start(url, [client.peer])
        async with httpx.AsyncClient(base_url=f"{url}/api/v3", headers={"X-Api-Key": sim.api_key}) as http:
            body = {"title": "Metropolis", "tmdbId": 19, "qualityProfileId": 4, "rootFolderPath": str(sim.root)}
            await http.post("/movie", json={**body, "addOptions": {"searchForMovie": True}})

            async def stalled() -> dict | None:
                rows = (await http.get("/queue")).json()["records"]
                return rows[0] if rows and "errorMessage" in rows[0] else None

            row = await until(stalled)
            assert (row["status"], row["trackedDownloadStatus"]) == ("warning", "ok")
            assert row["errorMessage"] == "The download is stalled with no connections"
            answer = await http.delete(f"/queue/{row['id']}", params={"blocklist": "true", "skipRedownload": "true"})
            assert answer.status_code == 200
            assert client.mine is not None
            async with session(client.mine) as daemon:

                async def gone() -> bool:
                    return (await daemon.get("/api/v2/torrents/info")).json() == []

                await until(gone)
            blocked = (await http.get("/blocklist")).json()["records"]
            assert [one["sourceTitle"] for one in blocked] == ["Metropolis.1927.1080p.WEB.H264-STALL"]
        await sim.stop()
