"""A household in memory for the pages: the real host, with plugins whose services live in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from vaderflix_core.api import (
    API_VERSION,
    AuthFailed,
    Candidate,
    Choice,
    Download,
    DownloadState,
    Episode,
    ExternalIds,
    HealthReport,
    Image,
    LibraryItem,
    MediaKind,
    NoSettings,
    NotFound,
    Panel,
    Playable,
    PluginInfo,
    Season,
    Secret,
    ServiceInfo,
    Settings,
    Severity,
    Volume,
    setting,
)
from vaderflix_core.config import load_config
from vaderflix_core.host import Host
from vaderflix_core.testing.catalogue import Title, catalogue
from vaderflix_core.testing.fakes import FakeDownloader, FakeHealthCheck, FakeMediaSource, FakeRequester
from vaderflix_core.testing.modules import MemoryEntryPoint, memory_plugin

PASSWORD = "correct horse battery"
HOSTILE = '<script>alert(1)</script> & "Quotes"'


class ServiceSettings(Settings, frozen=True, kw_only=True):
    url: Annotated[str, setting("Address", "As this server reaches it.", pattern=r"^https?://", placeholder="http://")]
    key: Annotated[Secret, setting("API key", "Under General, Security.")]
    profile: Annotated[str, setting("Quality", dynamic=True)] = ""
    verify: Annotated[bool, setting("Check the certificate", advanced=True)] = True


def _seasons(title: Title) -> tuple[Season, ...]:
    return tuple(
        Season(
            number=s.number,
            episodes=len(s.episodes),
            aired=len(s.episodes),
            available=len(s.episodes) if s.number in title.held_seasons else 0,
        )
        for s in title.seasons
    )


def _common(title: Title) -> dict[str, Any]:
    return {
        "kind": title.kind,
        "title": title.title,
        "ids": title.ids,
        "year": title.year,
        "overview": title.overview,
        "genres": title.genres,
        "runtime_minutes": title.runtime_minutes,
        "rating": title.rating,
        "certification": title.certification,
        "poster": f"posters/{title.slug}",
        "backdrop": f"stills/{title.slug}",
        "seasons": _seasons(title),
    }


class Stream:
    def __init__(self, data: bytes, range_header: str | None) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {"content-type": "video/mp4", "accept-ranges": "bytes"}
        if range_header and range_header.startswith("bytes="):
            start, _, end = range_header[6:].partition("-")
            first, last = int(start), int(end) if end else len(data) - 1
            self.status = 206
            self.headers = {**self.headers, "content-range": f"bytes {first}-{last}/{len(data)}"}
            data = data[first : last + 1]
        self.headers = {**self.headers, "content-length": str(len(data)), "set-cookie": "leak=1"}
        self._data = data

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._data

    async def close(self) -> None:
        pass


class Library(FakeMediaSource):
    """A media source with pictures, files and episodes."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        super().__init__(
            [
                LibraryItem(
                    **_common(t),
                    key=t.slug,
                    added_at=now - timedelta(days=t.added_days_ago),
                    height=1080,
                    section="Films",
                )
                for t in catalogue()
                if t.held
            ]
        )
        self.items.append(
            LibraryItem(
                kind=MediaKind.MOVIE,
                title=HOSTILE,
                ids=ExternalIds(tmdb=9_900_001),
                key="hostile",
                added_at=now,
                year=1999,
            )
        )
        self.by_slug = {t.slug: t for t in catalogue()}

    async def episodes(self, key: str, season: int) -> list[Episode]:
        title = self.by_slug[key]
        return [
            Episode(
                key=f"{key}-{season}-{e.number}",
                season=season,
                number=e.number,
                title=e.title,
                runtime_minutes=25,
                still=f"stills/{key}",
            )
            for s in title.seasons
            if s.number == season
            for e in s.episodes
        ]

    async def image(self, ref: str, width: int) -> Image:
        folder, _, slug = ref.partition("/")
        title = self.by_slug.get(slug)
        if title is None:
            raise NotFound("There is no such picture.")
        path = title.poster if folder == "posters" else title.still
        return Image(content_type="image/jpeg", data=path.read_bytes())

    async def playables(self, key: str) -> list[Playable]:
        return [
            Playable(
                ref=key, container="mp4", video_codec="h264", height=1080, duration=90.0, size=9_000_000, direct=True
            )
        ]

    async def open(self, ref: str, range_header: str | None) -> Stream:
        title = self.by_slug.get(ref.split("-1-")[0]) or catalogue()[0]
        return Stream(title.clip.read_bytes(), range_header)

    async def link(self, key: str) -> str:
        return f"https://library.example/items/{key}"

    async def volumes(self) -> list[Volume]:
        return [Volume(path="/media/films", free=412 * 10**9, total=4 * 10**12, label="Films")]


class Finder(FakeRequester):
    """A requester with pictures, choices and a connection test."""

    def __init__(self, kind: MediaKind, settings: ServiceSettings) -> None:
        found = [t for t in catalogue() if t.kind is kind]
        super().__init__([Candidate(**_common(t), released=t.released) for t in found], kinds=[kind])
        self.settings = settings
        self.by_slug = {t.slug: t for t in found}

    image = Library.image

    async def choices(self) -> dict[str, list[Choice]]:
        return {"profile": [Choice(value="1", label="1080p"), Choice(value="2", label="4K, then 1080p")]}

    async def test(self) -> ServiceInfo:
        if self.settings.key.reveal() == "wrong":
            raise AuthFailed("It refused our credentials.")
        return await self._answer("test", (), ServiceInfo(product="Finder", version="5.1"))


class Client(FakeDownloader):
    def __init__(self) -> None:
        def one(
            n: int, name: str, state: DownloadState, progress: float, down: int = 0, eta: int | None = None
        ) -> Download:
            size = 9_800_000_000
            return Download(
                id=f"{n:040x}",
                name=name,
                state=state,
                progress=progress,
                size=size,
                left=int(size * (1 - progress)),
                down=down,
                eta_seconds=eta,
            )

        super().__init__(
            [
                one(1, "Metropolis.1927.1080p.Restored", DownloadState.DOWNLOADING, 0.43, 6_400_000, 840),
                one(2, "One.Step.Beyond.S02.1080p", DownloadState.DOWNLOADING, 0.71, 7_800_000, 480),
                one(3, "Detour.1945.1080p", DownloadState.STALLED, 0.12),
                one(4, "The.General.1926.1080p", DownloadState.COMPLETE, 1.0),
                one(5, "Carnival.of.Souls.1962", DownloadState.PAUSED, 0.5),
            ]
        )


class Household:
    """The providers of the world, for tests that steer them."""

    def __init__(self) -> None:
        self.library = Library()
        self.finders: dict[str, Finder] = {}
        self.client = Client()
        self.health = FakeHealthCheck()
        self.slow = FakeHealthCheck(
            [HealthReport(severity=Severity.WARNING, code="slow", message="It answers slowly: 4.1 s, usually 0.1 s.")]
        )
        self.panel_fails = False

    def plugins(self) -> list[MemoryEntryPoint]:
        def library(instance: Any) -> list[Any]:
            return [self.library]

        def finders(kind: MediaKind) -> Any:
            def requesters(instance: Any) -> list[Any]:
                finder = self.finders[instance.id] = Finder(kind, instance.settings)
                return [finder]

            return requesters

        async def figures() -> dict[str, int]:
            if self.panel_fails:
                raise RuntimeError("no figures today")
            return {"watching": 3}

        def panels(instance: Any) -> list[Panel]:
            return [Panel(id="now", title="Now playing", template="now.html", data=figures)]

        def broken() -> Any:
            raise ImportError("No module named 'left_pad'")

        def info(name: str, summary: str, settings: type[Settings] = ServiceSettings) -> Any:
            return lambda: PluginInfo(name=name, summary=summary, api=API_VERSION, settings=settings)

        slow = lambda instance: [self.slow if instance.id == "films-4k" else self.health]  # noqa: E731
        return [
            memory_plugin(
                "shelf",
                info=info("Shelf", "Holds films and series.", NoSettings),
                media_sources=library,
                health_checks=lambda instance: [self.health],
                panels=panels,
            ),
            memory_plugin(
                "filmfinder",
                info=info("Film finder", "Finds and fetches films."),
                requesters=finders(MediaKind.MOVIE),
                health_checks=slow,
            ),
            memory_plugin(
                "seriesfinder",
                info=info("Series finder", "Finds and fetches series."),
                requesters=finders(MediaKind.SERIES),
                health_checks=lambda instance: [self.health],
            ),
            memory_plugin(
                "mover",
                info=info("Mover", "Downloads.", NoSettings),
                downloaders=lambda instance: [self.client],
                health_checks=lambda instance: [self.health],
            ),
            MemoryEntryPoint("broken", broken),
        ]


SERVICES = (
    ("library", "shelf", "Library", {}),
    ("films", "filmfinder", "Films", {"url": "http://films:7878", "key": "sesame-films"}),
    ("films-4k", "filmfinder", "Films 4K", {"url": "http://films-4k:7878", "key": "sesame-4k"}),
    ("series", "seriesfinder", "Series", {"url": "http://series:8989", "key": "sesame-series"}),
    ("downloader", "mover", "Downloader", {}),
)


def make_host(folder: Any, household: Household, **overrides: Any) -> Host:
    """A host in `folder` with the household's plugins installed and nothing configured."""
    config = load_config(None, {"VADERFLIX_DATA_DIR": str(folder)}, overrides)
    return Host(config, entry_points=household.plugins())


async def furnish(host: Host) -> None:
    """People, services, a read library."""
    for name, shown, role in (("mara", "Mara", "admin"), ("edith", "Edith", "requester"), ("noor", "Noor", "viewer")):
        await host.access.create_user(name, PASSWORD, role=role, display_name=shown)
    for id, plugin, name, settings in SERVICES:
        await host.instances.save(id=id, plugin=plugin, name=name, settings=settings, new=True)
    await host.library.sweep("library")
    await host.downloads.refresh()
    for id, *_rest in SERVICES:
        await host.monitor.check_now(id)


@asynccontextmanager
async def running(folder: Any, household: Household | None = None, *, bare: bool = False) -> AsyncIterator[Host]:
    """A started host, furnished unless `bare`."""
    host = make_host(folder, household or Household())
    await host.start()
    try:
        if not bare:
            await furnish(host)
        yield host
    finally:
        await host.stop()


async def until(true: Any, seconds: float = 60) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)
