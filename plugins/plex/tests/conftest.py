"""What the tests of this plugin share: a simulated server, providers, recorded answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import structlog

from vaderflix_core.api import ExternalIds, Instance, MediaKind, Secret
from vaderflix_core.testing import CatalogueEpisode, CatalogueSeason, Title, catalogue, served
from vaderflix_plex.provider import PlexProvider
from vaderflix_plex.settings import PlexSettings
from vaderflix_plex.simulator import PlexSimulator

DATA = Path(__file__).parent / "data"


def title(slug: str, name: str, *, kind: MediaKind = MediaKind.MOVIE, number: int = 1, **more) -> Title:
    """A title of a catalogue that a test makes up."""
    values = {
        "year": 1960, "overview": "A test.", "genres": ("Drama",), "runtime_minutes": 60, "rating": 5.0, "held": True,
    }  # fmt: skip
    ids = ExternalIds(imdb=f"tt{9_500_000 + number}", tmdb=9_500_000 + number)
    return Title(slug=slug, kind=kind, title=name, ids=ids, **{**values, **more})


def episodes(*counts: int) -> tuple[CatalogueSeason, ...]:
    """Seasons with as many episodes each."""
    return tuple(
        CatalogueSeason(
            number=number,
            episodes=tuple(CatalogueEpisode(number=n, title=f"Chapter {n}") for n in range(1, count + 1)),
        )
        for number, count in enumerate(counts, 1)
    )


@pytest.fixture
def made_title():
    return title


@pytest.fixture
def made_seasons():
    return episodes


@pytest.fixture
async def provide():
    """Makes providers; closes them at the end."""
    made = []

    def make(url: str, *, token: str = "simulated-plex-token", timeout: float = 5.0, transport=None, **settings):
        instance = Instance(
            id="plex",
            plugin="plex",
            name="Plex",
            settings=PlexSettings(url=url, token=Secret(token), **settings),
            install_id="test-install",
            log=structlog.get_logger(),
            transport=(lambda: transport) if transport else None,
        )
        provider = PlexProvider(instance, timeout=timeout)
        provider.settle = 0.05
        made.append((provider, instance))
        return provider

    yield make
    for provider, instance in made:
        await provider.stop()
        await instance.close()


@pytest.fixture
def simulated(tmp_path: Path):
    """A context manager that serves a simulator and gives (simulator, url)."""

    @asynccontextmanager
    async def serve(titles=None):
        simulator = PlexSimulator(tmp_path / "plex", tmp_path / "media", titles)
        simulator.scanner.seconds = 0.0
        async with served(simulator.app) as url:
            try:
                yield simulator, url
            finally:
                await simulator.stop()

    return serve


@pytest.fixture
async def plex(simulated, provide):
    """(simulator, provider) over the world's catalogue."""
    async with simulated() as (simulator, url):
        yield simulator, provide(url)


@pytest.fixture
async def household(simulated, provide, monkeypatch):
    """(simulator, provider) that knows the simulator's plex.tv, without its pauses."""
    monkeypatch.setattr("vaderflix_plex.account.GAP", 0.0)
    monkeypatch.setattr("vaderflix_plex.identity.POLL_GAP", 0.0)
    async with simulated() as (simulator, url):
        yield simulator, provide(url, account_url=f"{url}/plex.tv")


def recording(name: str):
    """The body of a recorded answer."""
    value = json.loads((DATA / name).read_text())
    return value["body"] if "_status" in value else value


@pytest.fixture
def recorded() -> Callable[[str], object]:
    return recording


@pytest.fixture
def replayed(provide):
    """A provider over a server that answers only what is given, as path -> JSON value, bytes or httpx.Response."""

    def make(answers: dict[str, object], **options):
        answers = {"/identity": recording("spec-identity.json"), **answers}

        def answer(request: httpx.Request) -> httpx.Response:
            value = answers.get(request.url.path)
            if callable(value):
                value = value(request)
            if value is None:
                return httpx.Response(404, html="<html><body><h1>404 Not Found</h1></body></html>")
            if isinstance(value, httpx.Response):
                return value
            return httpx.Response(200, content=msgspec.json.encode(value), headers={"Content-Type": "application/json"})

        return provide("http://plex.test:32400", transport=httpx.MockTransport(answer), **options)

    return make


@pytest.fixture
def clip() -> Path:
    """A film that browsers play."""
    return next(each for each in catalogue() if each.slug == "metropolis").clip
