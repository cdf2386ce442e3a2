"""Kill -9 at any moment, start again: every request arrives, and each film was added exactly once.

The house around the victim (Radarr, qBittorrent and Plex, simulated) lives on. `VADERFLIX_KILLS` sets how often the
process is killed: few in the suite, a hundred and more in `make chaos`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from vaderflix_core.api import ExternalIds, MediaKind, Peer
from vaderflix_core.requests.models import Request, RequestState
from vaderflix_core.store import requests as store
from vaderflix_core.store.database import Database
from vaderflix_core.testing import Title, catalogue, served
from vaderflix_plex.simulator import PlexSimulator
from vaderflix_qbittorrent.simulator import QbittorrentSimulator
from vaderflix_radarr.simulator import RadarrSimulator

pytestmark = pytest.mark.anyio

KILLS = int(os.environ.get("VADERFLIX_KILLS", "12"))
SEED = int(os.environ.get("VADERFLIX_SEED", "7"))
STARTING, WORKING = 1.5, 2.5  # seconds within which a victim is killed: while it starts, or after it has asked
VICTIM = Path(__file__).with_name("victim.py")


def films(number: int) -> list[Title]:
    """As many made-up films, each with a name of its own."""
    return [
        Title(
            slug=f"film-{n}",
            kind=MediaKind.MOVIE,
            title=f"Reel Number {n}",
            year=1920 + n % 40,
            ids=ExternalIds(tmdb=9_500_000 + n, imdb=f"tt95{n:05}"),
            overview="A film that was never made.",
            genres=("Drama",),
            runtime_minutes=60,
            rating=6.0,
        )
        for n in range(number)
    ]


@asynccontextmanager
async def house(folder: Path, titles: list[Title]) -> AsyncIterator[tuple[str, RadarrSimulator]]:
    """Three services that move by themselves; yields the configuration that names them."""
    media = folder / "media"
    for name in ("radarr", "qbittorrent", "plex", "media", "clips"):
        (folder / name).mkdir()
    clip = folder / "clips" / "film.mp4"
    shutil.copy(min((t.clip for t in catalogue()), key=lambda path: path.stat().st_size), clip)
    plex = PlexSimulator(folder / "plex", media, titles)
    client = QbittorrentSimulator(folder / "qbittorrent", media)
    client.seconds_per_download = 0.5
    radarr = RadarrSimulator(folder / "radarr", media, titles=titles, sources={t.slug: clip for t in titles})
    async with served(plex.app) as plex_url, served(client.app) as client_url, served(radarr.app) as url:
        await plex.start(plex_url, [])
        await client.start(client_url, [])
        peers = [
            Peer(plugin="qbittorrent", instance="qbittorrent", url=client_url, credentials=client.credentials),
            Peer(plugin="plex", instance="plex", url=plex_url, credentials=plex.credentials),
        ]
        await radarr.start(url, peers)
        settings = {"plex": plex.settings(plex_url), "radarr": radarr.settings(url)}
        settings["qbittorrent"] = client.settings(client_url)
        try:
            yield toml(settings), radarr
        finally:
            for simulator in (radarr, client, plex):
                await simulator.stop()


def toml(instances: dict[str, dict[str, Any]]) -> str:
    lines = ["[plugins]", 'disabled = ["sonarr", "email", "docker_health"]']
    for name, settings in instances.items():
        lines += ["[[instance]]", f'id = "{name}"', f'plugin = "{name}"', "[instance.settings]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(lines)


def start(data: Path, config: Path, film: Title | None) -> subprocess.Popen[bytes]:
    wanted = {"tmdb": film.ids.tmdb, "title": film.title, "year": film.year} if film else None
    with open(data.parent / "victim.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, str(VICTIM), str(data), str(config), json.dumps(wanted)],
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )


def kill(victim: subprocess.Popen[bytes]) -> None:
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()


def everything(data: Path) -> list[Request]:
    db = Database(f"sqlite:///{data / 'vaderflix.db'}")
    try:
        return db.read_sync(lambda conn: store.find(conn, limit=10_000))
    finally:
        db.dispose()


async def until_available(data: Path, config: Path, seconds: float) -> list[Request]:
    """Let one last process live until nothing is under way, and give what became of all."""
    victim = await asyncio.to_thread(start, data, config, None)
    try:
        deadline = time.monotonic() + seconds
        while True:
            found = await asyncio.to_thread(everything, data)
            if all(r.state is RequestState.AVAILABLE for r in found) or time.monotonic() > deadline:
                return found
            assert victim.poll() is None, (data.parent / "victim.log").read_text()[-3000:]
            await asyncio.sleep(0.5)
    finally:
        kill(victim)


async def test_no_request_is_lost_or_doubled_however_often_the_process_is_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    titles = films(KILLS)
    data, config = tmp_path / "data", tmp_path / "vaderflix.toml"
    async with house(tmp_path, titles) as (text, radarr):
        config.write_text(text)
        for film in titles:
            victim = await asyncio.to_thread(start, data, config, film)
            if chance.random() < 0.25:
                await asyncio.sleep(chance.uniform(0.0, STARTING))
            else:
                assert await asyncio.to_thread(victim.stdout.readline) == b"up\n"
                await asyncio.sleep(chance.uniform(0.0, WORKING))
            kill(victim)
        found = await until_available(data, config, 60 + KILLS)
        asked = {r.ids.tmdb for r in found if r.ids.tmdb is not None}
        adds = Counter(row["tmdbId"] for row in radarr.store.rows("movies") if row["tmdbId"] in asked)
        posts = [path for method, path in radarr.faults.calls if method == "POST" and path.startswith("/api/v3/movie")]
    assert len(found) >= KILLS // 2, "most victims died before they had asked: the test would prove nothing"
    assert [(r.title, r.state, r.evidence) for r in found if r.state is not RequestState.AVAILABLE] == []
    assert len(found) == len(asked), "a film has two requests"
    assert adds == Counter(dict.fromkeys(asked, 1))
    print(f"{KILLS} kills, {len(found)} requests, {len(posts)} adds sent, {len(adds)} films added, 0 lost, 0 doubled")
