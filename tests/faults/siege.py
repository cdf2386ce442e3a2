"""A household whose services are made to fail: the real host, all simulators, and people who look at its pages."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import vaderflix_arr.snapshot
import vaderflix_core.search.search
import vaderflix_docker_health.view
import vaderflix_plex.shelf
from vaderflix_core.api import ExternalIds, MediaKind
from vaderflix_core.api.settings import fields
from vaderflix_core.config import load_config
from vaderflix_core.demo import Running, furnish, people, simulated
from vaderflix_core.host import Host
from vaderflix_core.store import jobs as job_store
from vaderflix_core.testing import CatalogueEpisode, CatalogueSeason, Fault, Title
from vaderflix_web.app import create_app

PATIENCE = 0.3  # seconds that a call of a service may take that hangs; others have their usual limits
SLOW = 0.02
PLUGINS = ("plex", "radarr", "sonarr", "qbittorrent", "email", "docker_health")
INSTANCES = {name: "docker" if name == "docker_health" else name for name in PLUGINS}
NAMES = {
    "plex": "Plex",
    "radarr": "Radarr",
    "sonarr": "Sonarr",
    "qbittorrent": "qBittorrent",
    "email": "Email",
    "docker_health": "Docker",
}
FAULTS = tuple(Fault)
SILENT = tuple(fault for fault in Fault if fault not in (Fault.SLOW, Fault.EMPTY))  # no usable answer comes
# for how long answers are given again: here, no case may see what the case before it has read
MEMORIES: tuple[tuple[Any, str, Any], ...] = (
    (vaderflix_core.search.search, "REMEMBERED", 0.0),
    (vaderflix_arr.snapshot, "FRESH", timedelta(0)),
    (vaderflix_docker_health.view, "FRESH", 0.0),
    (vaderflix_plex.shelf, "FRESH", 0.0),
)
# what a page of ours never holds: Python's way to tell of an error, whosever it is
TRACES = re.compile(r'Traceback \(most recent|File "[^"]+", line \d+|\b(httpx|msgspec|sqlalchemy|asyncio)\.\w+')


def words(page: str) -> str:
    """What a page says to somebody who reads it: its text on one line."""
    page = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def invented(kind: MediaKind, number: int) -> Title:
    """A film, or a series of one season with two episodes, that was never made."""
    episodes = (
        CatalogueEpisode(number=1, title="First", air_date="1961-01-03"),
        CatalogueEpisode(number=2, title="Second", air_date="1961-01-10"),
    )
    series = kind is MediaKind.SERIES
    return Title(
        slug=f"invented-{kind}-{number}",
        kind=kind,
        title=f"{'Serial' if series else 'Reel'} Number {number}",
        year=1961,
        ids=ExternalIds(tmdb=9_600_000 + number, tvdb=9_700_000 + number if series else None),
        overview="It was never made.",
        genres=("Drama",),
        runtime_minutes=30,
        rating=6.0,
        seasons=(CatalogueSeason(number=1, episodes=episodes),) if series else (),
    )


class Clock:
    """The time, and how far a test has moved it on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, **delta: float) -> None:
        self.ahead += timedelta(**delta)


class Visitor:
    """Somebody who is signed in. Whatever they are shown is searched for traces and for secrets."""

    def __init__(self, app: Any, canaries: set[str]) -> None:
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://vaderflix.test",
            headers={"x-vaderflix": "1"},
        )
        self.canaries = canaries

    def _looked_at(self, answer: httpx.Response, failing: tuple[int, ...]) -> httpx.Response:
        what = f"{answer.request.method} {answer.request.url}"
        assert answer.status_code < 500 or answer.status_code in failing, f"{what}: {answer.status_code} {answer.text}"
        found = TRACES.search(answer.text)
        assert found is None, f"{what} shows a trace: {answer.text[max(0, found.start() - 200) : found.end() + 200]}"
        for canary in self.canaries:
            assert canary not in answer.text, f"{what} shows a secret"
        return answer

    async def get(self, path: str, *, failing: tuple[int, ...] = (), **headers: str) -> httpx.Response:
        """Any answer but a failure of ours; `failing` are the 5xx that may come."""
        return self._looked_at(await self.http.get(path, headers=headers), failing)

    async def read(self, path: str, *, failing: tuple[int, ...] = ()) -> str:
        """What a page says."""
        return words((await self.get(path, failing=failing)).text)

    async def json(self, path: str) -> Any:
        """What the API says."""
        answer = await self.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, *, failing: tuple[int, ...] = ()) -> httpx.Response:
        """Send JSON to the API."""
        return self._looked_at(await self.http.post(f"/api/v1{path}", json=body), failing)

    async def send(self, path: str, **form: str) -> str:
        """Send a form of a page; what comes back, redirects followed."""
        page = (await self.http.get("/signin", follow_redirects=True)).text
        token = re.search(r'name="_csrf_token" value="(\w+)"', page)
        assert token is not None
        answer = await self.http.post(path, data={"_csrf_token": token[1], **form}, follow_redirects=True)
        return words(self._looked_at(answer, ()).text)


class House:
    """The host, its services, and the people: Mara is an admin, Jonas requests, Edith watches."""

    def __init__(self, host: Host, app: Any, running: dict[str, Running], clock: Clock) -> None:
        self.host, self.app, self.running, self.clock = host, app, running, clock
        self.canaries: set[str] = set()
        self.hung: set[str] = set()  # the instances whose calls are given up after `patience`
        self.patience = PATIENCE
        host.guard.call = self._hurried(host.guard.call, lambda binding: binding.instance)  # type: ignore[method-assign]
        host.guard.run = self._hurried(host.guard.run, lambda instance: instance)  # type: ignore[method-assign]
        self.asked: dict[str, int] = {}  # by service: the request that it works on
        self.mara: Visitor
        self.jonas: Visitor
        self.edith: Visitor

    def _hurried(self, call: Any, instance_of: Callable[[Any], str]) -> Any:
        """The same call, with less patience for an instance that hangs."""

        def hurried(whose: Any, *args: Any, timeout: float | None = None) -> Any:
            hangs = instance_of(whose) in self.hung
            return call(whose, *args, timeout=self.patience if hangs else timeout)

        return hurried

    def simulator(self, plugin: str) -> Any:
        return self.running[plugin].simulator

    async def open(self, folder: Path) -> None:
        accounts, *_ = await people(self.host, folder)
        await furnish(self.host, self.running)
        for config in await self.host.instances.list():
            info = self.host.plugins[config.plugin].info
            assert info is not None
            secret = [field.name for field in fields(info.settings) if field.kind == "secret"]
            self.canaries |= {str(config.settings[name]) for name in secret if config.settings.get(name)}
        for account in accounts:
            visitor = Visitor(self.app, self.canaries)
            await visitor.send("/signin", username=account.username, password=account.password)
            setattr(self, account.username, visitor)

    def invent(self, *titles: Title) -> None:
        """Have all services know more titles, which nobody holds."""
        self.simulator("plex").state.titles += titles
        for plugin in ("radarr", "sonarr"):
            simulator = self.simulator(plugin)
            simulator.titles += tuple(title for title in titles if title.kind is simulator.kind)

    def haste(self) -> None:
        """Let the services move as fast as they can; only downloads wait for `seconds_per_download`."""
        for plugin in ("radarr", "sonarr"):
            simulator = self.simulator(plugin)
            simulator.tick_seconds, simulator.search_seconds, simulator.refresh_delay_seconds = 0.05, 0.0, 0.01
        self.simulator("plex").scanner.seconds = 0.01

    async def settle(self) -> None:
        """Run every job that is due, and those that follow from it."""
        while due := await self.host.db.write(lambda conn: job_store.relay(conn, self.clock())):
            for job_id in due:
                await self.host.runner.run(job_id)

    async def follow(self, true: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
        """Follow requests until something is so."""
        async with asyncio.timeout(seconds):
            while not await true():
                self.host.follower.hint_all()
                await self.host.follower.round()
                await asyncio.sleep(0.05)

    async def restored(self, instance: str) -> None:
        """Check an instance, and those that complained of it, until all is well."""
        async with asyncio.timeout(60):
            while any(one.severity in (None, "warning", "error") for one in self.host.monitor.status()):
                for id in INSTANCES.values() if instance == "qbittorrent" else (instance,):
                    await self.host.monitor.check_now(id)

    async def well(self, plugin: str) -> None:
        """End a fault, as an admin who has mended the service and presses “Try now”."""
        self.simulator(plugin).faults.clear()
        self.hung.discard(INSTANCES[plugin])
        await self.host.supervisor.retry(INSTANCES[plugin])

    @asynccontextmanager
    async def under(self, plugin: str, fault: Fault, *, path: str = "", method: str = "") -> AsyncIterator[str]:
        """A fault is on inside; gives the service's name on the pages."""
        await self.well(plugin)
        if fault is Fault.HANG:
            self.hung.add(INSTANCES[plugin])
        self.simulator(plugin).faults.set(fault, path=path, method=method, seconds=SLOW)
        try:
            yield NAMES[plugin]
        finally:
            await self.well(plugin)


@asynccontextmanager
async def besieged(folder: Path, *, plugins: Any = None) -> AsyncIterator[House]:
    """A household in `folder`, with all bundled plugins or with those given. Nothing moves until the test says so."""
    clock = Clock()
    host = Host(load_config(None, {"VADERFLIX_DATA_DIR": str(folder)}), clock=clock, entry_points=plugins)
    async with simulated(host.plugins, folder / "world") as running:
        house = House(host, create_app(host, manage_host=False), running, clock)
        try:
            await house.open(folder)
            yield house
        finally:
            await host.stop()


def forgetful() -> Iterator[None]:
    """No answer is given twice."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in MEMORIES:
            patch.setattr(module, name, value)
        yield
