"""Shared fixtures: instances of the plugin, the simulator over real HTTP, and the real daemon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog
from anyio.from_thread import start_blocking_portal

from vaderflix_core.api import Instance, Secret
from vaderflix_core.testing import make_release, served
from vaderflix_qbittorrent.downloader import Qbittorrent
from vaderflix_qbittorrent.health import QbittorrentHealth
from vaderflix_qbittorrent.real import RealQbittorrent, installed, real_qbittorrent
from vaderflix_qbittorrent.settings import QbittorrentSettings
from vaderflix_qbittorrent.simulator import QbittorrentSimulator

DATA = Path(__file__).parent / "data"


class Connected(SimpleNamespace):
    """One instance: `.downloader`, `.health`, `.client` share it."""


@pytest.fixture
async def connect():
    """Make providers: `connect(url, username, password)`."""
    made = []

    def build(url: str, username: str = "admin", password: str = "", api_key: str = "") -> Connected:
        settings = QbittorrentSettings(url=url, username=username, password=Secret(password), api_key=Secret(api_key))
        instance = Instance(
            id="q", plugin="qbittorrent", name="q", settings=settings, install_id="i", log=structlog.get_logger()
        )
        made.append(instance)
        downloader = instance.shared(Qbittorrent)
        return Connected(downloader=downloader, health=QbittorrentHealth(instance), client=downloader._client)

    yield build
    for instance in made:
        await instance.close()


@pytest.fixture
async def simulator(tmp_path):
    """A running simulator with its address in `.url`; its torrents take half a second."""
    made = QbittorrentSimulator(tmp_path / "qbittorrent", tmp_path / "media")
    made.seconds_per_download = 0.5
    async with served(made.app) as url:
        made.url = url
        yield made
        await made.stop()


@pytest.fixture
def simulated(simulator, connect) -> Connected:
    return connect(simulator.url, **simulator.credentials)


@pytest.fixture
def release(tmp_path):
    """A release of 300 kB that nobody shares yet."""
    source = tmp_path / "film.mp4"
    source.write_bytes(bytes(range(256)) * 1200)
    return make_release("Safe.Movie.1923.1080p-GRP", source)


@pytest.fixture
def share(tmp_path):
    """Put a release's bytes into the simulated swarm."""

    def put(release) -> None:
        swarm = tmp_path / "swarm"
        swarm.mkdir(exist_ok=True)
        (swarm / release.infohash).write_bytes(release.source.read_bytes())

    return put


@pytest.fixture(scope="session")
def real(tmp_path_factory) -> Iterator[RealQbittorrent]:
    """Debian's qbittorrent-nox, one for the whole run."""
    if not installed():
        pytest.skip("qbittorrent-nox is not installed")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(real_qbittorrent(tmp_path_factory.mktemp("real"), queueing=True)) as daemon,
    ):
        yield daemon


@pytest.fixture
async def really(real, connect):
    """An instance of the real daemon, which has no torrents before and after."""
    connected = connect(real.url, real.username, real.password)
    yield connected
    hashes = [torrent.hash for torrent in await connected.client.torrents()]
    if hashes:
        await connected.client.command("torrents/delete", hashes="|".join(hashes), deleteFiles="true")


@pytest.fixture
def until():
    """Wait until an async condition holds, and give what it gave."""

    async def wait(condition: Callable, seconds: float = 60):
        end = time.monotonic() + seconds
        while True:
            value = await condition()
            if value:
                return value
            assert time.monotonic() < end, "it did not come to pass"
            await asyncio.sleep(0.03)

    return wait
