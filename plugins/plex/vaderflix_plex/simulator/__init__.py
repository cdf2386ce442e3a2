"""A Plex Media Server of the simulated world, faithful enough for python-plexapi.

It holds what the catalogue says is held, and finds more by scanning the world's media folder:
`movies/<Title> (<Year>)/<file>` and `series/<Title>/Season 01/<name> S01E02<...>`. Facts come from the server's
published API and recorded answers; what it does not do is its web socket and transcoding. Of plex.tv it has what people
and shares need, under `/plex.tv`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vaderflix_core.api import Peer
from vaderflix_core.testing import Faults, Title, catalogue

from . import browsing, serving, watching
from .events import Events
from .http import PlexApp, Routes
from .plextv import PREFIX, PlexTv
from .plextv import sharing as plextv_sharing
from .plextv import signing as plextv_signing
from .scan import Scanner
from .state import Item, State
from .wording import PlexWording

TOKEN = "simulated-plex-token"


class PlexSimulator:
    """The server. `app` is what to serve; the attributes below `faults` make it behave as some real ones do."""

    def __init__(self, folder: Path, media: Path, titles: Iterable[Title] | None = None) -> None:
        for name in ("movies", "series"):
            (media / name).mkdir(parents=True, exist_ok=True)
        self.token = TOKEN
        self.credentials = {"token": TOKEN}
        self.state = State(catalogue() if titles is None else titles, media, self.clock())
        self.events = Events()
        self.scanner = Scanner(self.state, self.events)
        self.scanner.take_stock()
        self.sessions: dict[str, tuple[Item, str, int]] = {}  # by player: what it plays, its state, where it is
        self.decided: set[str] = set()
        self.plextv = PlexTv(self.state, TOKEN)
        self.url = "http://127.0.0.1:32400"
        routes = Routes()
        routes.table = [*serving.routes.table, *browsing.routes.table, *watching.routes.table]
        routes.table += [*plextv_signing.routes.table, *plextv_sharing.routes.table]
        self.faults = Faults(PlexApp(self, routes), PlexWording())
        self.app = self.faults
        self.numbers_as_text = False
        self.single_objects = False  # one object where a list holds only one
        self.omit_total = False
        self.longest_page: int | None = None  # give fewer rows than asked for
        self.ignore_paging = False
        self.ignore_filters = False
        self.ignore_sort = False
        self.require_paging = False  # 400 for a listing without a size
        self.require_decision = False  # 503 for a file before a decision
        self.restricted = False  # no search over everything: 404, as for managed people
        self.sign_in = "ok"

    def clock(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def open_to_all(self, path: str) -> bool:
        """What needs no token."""
        # plex.tv looks at tokens by itself
        return path == "/identity" or path.startswith(("/web", PREFIX))

    def settings(self, url: str) -> dict[str, Any]:
        """The settings of an instance that speaks to this server, and to its plex.tv."""
        return {"url": url, "token": self.token, "account_url": f"{url}{PREFIX}"}

    async def start(self, url: str, peers: list[Peer]) -> None:
        """Nothing moves by itself: others ask for scans."""
        self.url = url

    async def stop(self) -> None:
        """End scans and live streams."""
        await self.scanner.stop()
        self.events.drop()
