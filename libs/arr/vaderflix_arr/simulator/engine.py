"""A simulated Radarr or Sonarr: the parts put together, the loop that moves them, and what a product has to add."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from vaderflix_core.api import Peer
from vaderflix_core.testing import Faults, Release, Title, catalogue

from .choices import Choices
from .commands import Commands, Spec
from .connections import Connections
from .downloads import Downloads
from .history import History
from .http import Refused, Router, Row
from .manual import ManualImport
from .product import Product
from .queue import QueueRoutes
from .releases import Releases
from .scan import PlexScanner
from .server import Server
from .signalr import Hub
from .store import Store
from .system import System
from .torrents import ClientError, TorrentClient
from .webhooks import Webhooks
from .wording import ArrWording

T = TypeVar("T")
log = logging.getLogger(__name__)


class ArrSimulator(Product):
    """What both products do alike. All attributes below may be changed while it runs."""

    def __init__(
        self,
        folder: Path,
        media: Path,
        *,
        titles: Iterable[Title] | None = None,
        sources: dict[str, Path] | None = None,
        tracker: str | None = None,
    ) -> None:
        self.folder, self.media = folder, media
        known = catalogue() if titles is None else tuple(titles)
        self.titles = tuple(title for title in known if title.kind is self.kind)
        self.sources = sources or {}
        self.tracker = tracker
        self.url, self.url_base = "http://127.0.0.1", ""
        self.tick_seconds, self.search_seconds, self.metadata_seconds = 0.4, 0.1, 0.02
        self.refresh_delay_seconds = 0.1  # from an add to its first refresh
        self.no_release: set[str] = set()  # slugs that no indexer has
        self.stalled: set[str] = set()  # slugs whose releases nobody seeds
        self.unfetchable: set[str] = set()  # slugs whose .torrent the indexer does not hand out
        self.import_blocked: dict[str, str] = {}  # slug to the message that stops the import
        self.client_down = False  # the download client cannot be reached
        self.indexers_down = False
        self.releases: dict[str, Release] = {}  # by infohash, lower case
        self.config_extra = self.configuration()
        self.store = Store(folder / f"{self.slug}.json")
        self.qualities = self.quality_table()
        self.profiles = self.qualities.profiles()
        self.api_key = self._api_key()
        self.credentials = {"api_key": self.api_key}
        self.hub = Hub(self.version)
        self.webhooks = Webhooks(self.app_name, self.version)
        self.client: TorrentClient | None = None
        self.client_name, self.client_address = "qb", ""
        self.connections = Connections(self)
        self.commands = Commands(self)
        self.finder = Releases(self)
        self.downloads = Downloads(self)
        self.queue = QueueRoutes(self)
        self.history = History(self)
        self.system = System(self)
        self.manual = ManualImport(self)
        self.scanner: PlexScanner | None = None
        self.router = Router()
        self._tasks: list[asyncio.Task[None]] = []
        self._jobs: set[asyncio.Task[None]] = set()
        self._health: list[Row] = []
        self._prepare()
        self.app = Faults(Server(self), ArrWording(self.app_name))
        self.faults = self.app

    @property
    def item_field(self) -> str:
        """The field that names an item: movieId or seriesId."""
        return f"{self.noun}Id"

    @property
    def root(self) -> Path:
        """Where its library lies."""
        return self.media / self.table

    def _api_key(self) -> str:
        rows = self.store.rows("secrets")
        if not rows:
            self.store.add("secrets", {"key": secrets.token_hex(16)})
        return str(rows[0]["key"])

    def _prepare(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        if not self.store.rows("roots"):
            self.store.add("roots", {"path": str(self.root)})
        if not self.store.rows("indexer"):
            fields = [{"name": "baseUrl", "value": "http://indexer.invalid"}]
            self.store.add("indexer", {"name": "lab", "fields": fields})
        self.routes(self.router)
        shared = (self.system, Choices(self), self.commands, self.queue, self.history, self.hub, self.manual)
        self.connections.routes(self.router)
        for part in shared:
            part.routes(self.router)
        self.router.add("POST", "/api/v3/release", self.finder.grab_route)
        self.commands.know(
            Spec(name="RefreshMonitoredDownloads", work=self._refresh_downloads, priority="high"),
            Spec(name="ProcessMonitoredDownloads", work=self._refresh_downloads, priority="high", disk=True, long=True),
            Spec(name="ManualImport", work=self.manual.run, body={"files": []}, disk=True, priority="high"),
            Spec(name="RssSync", work=self._nothing, long=True),
            Spec(name="CheckHealth", work=self._nothing),
            Spec(name="Backup", work=self._nothing),
            *self.specs(),
        )

    async def _refresh_downloads(self, body: Row) -> str:
        await self.downloads.refresh()
        return ""

    async def _nothing(self, body: Row) -> str:
        return ""

    # the life of the simulator

    def settings(self, url: str) -> dict[str, Any]:
        """The settings of an instance of our plugin that speaks to it at `url`."""
        return {"url": url, "api_key": self.api_key}

    async def start(self, url: str, peers: list[Peer]) -> None:
        """Begin to move: use the qBittorrent among the peers, tell the Plex among them what was imported."""
        self.url = url.rstrip("/")
        for peer in peers:
            if peer.plugin == "qbittorrent":
                self.connections.use_peer(peer)
            elif peer.plugin == "plex":
                self.scanner = PlexScanner(peer)
        self.connections.rebuild()
        await self.adopt_library()
        await self.downloads.tick()
        self._health = self.health()
        self._tasks = [asyncio.create_task(self._loop()), asyncio.create_task(self.webhooks.run())]

    async def stop(self) -> None:
        """End all background work, and write the state down."""
        tasks, self._tasks = [*self._tasks, *self._jobs], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.commands.stop()
        self.hub.drop()
        await self.webhooks.close()
        await self.connections.close()
        if self.scanner is not None:
            await self.scanner.close()
        self.store.save()

    async def _loop(self) -> None:
        while True:
            await asyncio.sleep(self.tick_seconds)
            try:
                await self.downloads.tick()
                self._watch_health()
                self.store.save()
            except Exception:  # a full disk or a vanished file must not stop the world
                log.exception("the simulated %s stumbled", self.app_name)

    def job(self, work: Callable[[], Awaitable[None]]) -> None:
        """Let something happen in the background."""

        async def run() -> None:
            with suppress(Refused):
                await work()

        task = asyncio.create_task(run())
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def settled(self) -> None:
        """Wait until no job and no command runs, for tests."""
        while self._jobs or self.commands.busy:
            await asyncio.gather(*self._jobs, return_exceptions=True)
            await self.commands.idle()

    async def reached(self, call: Awaitable[T]) -> T:
        """Await a call of the download client, unless the switch says that it cannot be reached."""
        if self.client_down:
            if asyncio.iscoroutine(call):
                call.close()
            raise ClientError("down", f"Connection refused ({self.client_address})")
        return await call

    # health

    def indexers(self) -> list[Row]:
        """The indexers that can be searched."""
        return [] if self.indexers_down else self.store.rows("indexer")

    def health(self) -> list[Row]:
        """GET health, computed now."""
        rows = []
        if not self.indexers():
            rss = (
                f"No indexers available with RSS sync enabled, {self.app_name} will not grab new releases automatically"
            )
            rows.append(self._ill("IndexerRssCheck", "error", rss))
        if self.client is None:
            rows.append(self._ill("DownloadClientCheck", "warning", "No download client is available"))
        elif self.downloads.trouble:
            text = f"Unable to communicate with {self.client_name}. {self.downloads.trouble}"
            page = "unable-to-communicate-with-download-client"
            rows.append(self._ill("DownloadClientCheck", "error", text, page))
        if not self.indexers():
            text = (
                f"No indexers available with Automatic Search enabled, {self.app_name} will not provide any automatic"
                " search results"
            )
            rows.append(self._ill("IndexerSearchCheck", "warning", text))
        return rows

    def _ill(self, source: str, level: str, message: str, page: str = "") -> Row:
        anchor = page or message.lower().replace(",", "").replace(" ", "-")
        wiki = f"https://wiki.servarr.com/{self.slug}/system#{anchor}"
        return {"source": source, "type": level, "message": message, "wikiUrl": wiki}

    def _watch_health(self) -> None:
        now = self.health()
        if now == self._health:
            return
        old, self._health = self._health, now
        self.hub.sync("health")
        for event, flag, rows in (
            ("Health", "onHealthIssue", [row for row in now if row not in old]),
            ("HealthRestored", "onHealthRestored", [row for row in old if row not in now]),
        ):
            for row in rows:
                body = {"level": row["type"], "message": row["message"], "type": row["source"]}
                self.fire(flag, event, {**body, "wikiUrl": row["wikiUrl"]})

    # small helpers for the products

    def fire(self, flag: str, event: str, body: Row, tags: list[int] | None = None) -> None:
        """Send an event to the webhooks that want it."""
        self.webhooks.fire(self.store.rows("notification"), flag, event, body, tags)

    def title_of(self, item: Row) -> Title | None:
        """The title of the world that a library item is."""
        return next((title for title in self.titles if title.slug == item["slug"]), None)

    def release_for(self, name: str, title: Title) -> Path:
        """The file that a release shares. Tests replace this, or give `sources` by slug."""
        return self.sources.get(title.slug, title.clip)

    def queue_rows(self) -> list[Row]:
        """The rows that a DELETE may name; Sonarr 5 adds those of its other dialect."""
        return self.downloads.rows

    async def scan(self, folder: Path) -> None:
        """Tell the media server that a folder has something new."""
        if self.scanner is not None:
            await self.scanner.scan(folder)

    def later(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do something after a while."""

        async def run() -> None:
            await asyncio.sleep(seconds)
            await work()

        self.job(run)

    @property
    def host(self) -> str:
        """Where it is served, without a path."""
        return f"http://{urlsplit(self.url).netloc}"
