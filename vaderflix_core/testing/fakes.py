"""Providers in memory for every role. They behave well until told to fail, to hang or to lie.

source = FakeMediaSource([item])
source.fail(Unavailable("down"))            # every call raises
source.hang("search")                       # this method never answers
source.lie(42, "locate")                    # this method returns what its role does not declare
source.work()                               # well again
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import structs

from ..api.errors import NotFound
from ..api.models import (
    Availability,
    Candidate,
    Download,
    DownloadAction,
    DownloadState,
    Episode,
    ExternalIds,
    HealthReport,
    Image,
    LibraryItem,
    LibraryPage,
    MediaItem,
    MediaKind,
    MediaRequest,
    NewDownload,
    Notification,
    Progress,
    Quality,
    Receipt,
    ServiceInfo,
    Stage,
    Ticket,
    Tracked,
    Verdict,
)

T = TypeVar("T")
I = TypeVar("I", bound=MediaItem)  # noqa: E741

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
EVERY = "*"


class Fake:
    """What all fakes share. `calls` lists every call as (method, arguments); `hanging` counts calls that hang now."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.hanging = 0
        self.started = 0
        self.stopped = 0
        self._errors: dict[str, BaseException] = {}
        self._lies: dict[str, Any] = {}
        self._hangs: set[str] = set()

    def fail(self, error: BaseException, *methods: str) -> None:
        """Raise `error` from these methods, or from all."""
        self._errors.update(dict.fromkeys(methods or (EVERY,), error))

    def hang(self, *methods: str) -> None:
        """Never answer these methods, or any."""
        self._hangs.update(methods or (EVERY,))

    def lie(self, value: Any, *methods: str) -> None:
        """Return `value` from these methods, or from all, whatever their role declares."""
        self._lies.update(dict.fromkeys(methods or (EVERY,), value))

    def work(self) -> None:
        """Behave well from now on."""
        self._errors.clear()
        self._lies.clear()
        self._hangs.clear()

    async def start(self) -> None:
        """Count the starts; fails and hangs as told."""
        await self._answer("start", (), None)
        self.started += 1

    async def stop(self) -> None:
        """Count the stops."""
        self.stopped += 1

    async def test(self) -> ServiceInfo:
        """Say that a fake answered."""
        return await self._answer("test", (), ServiceInfo(product="Fake", version="1.0"))

    async def _answer(self, method: str, args: tuple[Any, ...], value: T) -> T:
        self.calls.append((method, args))
        if self._hangs & {method, EVERY}:
            self.hanging += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.hanging -= 1
        error = self._errors.get(method) or self._errors.get(EVERY)
        if error is not None:
            raise error
        lie = self._lies.get(method, self._lies.get(EVERY, value))
        answer: T = lie
        return answer


def _matching(items: Iterable[I], query: str) -> list[I]:
    words = query.casefold().split()
    return [item for item in items if all(word in item.title.casefold() for word in words)]


class FakeMediaSource(Fake):
    """Holds the given items; `page_size` is the length of a page of `browse`."""

    def __init__(
        self,
        items: Sequence[LibraryItem] = (),
        *,
        episodes: Sequence[Episode] = (),
        page_size: int = 50,
    ) -> None:
        super().__init__()
        self.items = list(items)
        self.held_episodes = list(episodes)
        self.page_size = page_size

    async def search(self, query: str, limit: int) -> list[LibraryItem]:
        """Items whose title holds all words."""
        return await self._answer("search", (query, limit), _matching(self.items, query)[:limit])

    async def locate(self, kind: MediaKind, ids: ExternalIds) -> Availability:
        """Items of the kind that share an id."""
        found = tuple(item for item in self.items if item.kind is kind and item.ids.shares(ids))
        seasons = found[0].seasons if found else ()
        return await self._answer("locate", (kind, ids), Availability(items=found, seasons=seasons))

    async def item(self, key: str) -> LibraryItem:
        """The item with the key."""
        found = [item for item in self.items if item.key == key]
        if not found:
            raise NotFound("There is no such item.")
        return await self._answer("item", (key,), found[0])

    async def episodes(self, key: str, season: int) -> list[Episode]:
        """The episodes of a season, the same for every series."""
        return await self._answer("episodes", (key, season), [e for e in self.held_episodes if e.season == season])

    async def recently_added(self, limit: int) -> list[LibraryItem]:
        """The newest items."""
        oldest = datetime.min.replace(tzinfo=UTC)
        newest = sorted(self.items, key=lambda item: item.added_at or oldest, reverse=True)
        return await self._answer("recently_added", (limit,), newest[:limit])

    async def browse(self, cursor: str | None) -> LibraryPage:
        """A page of all items."""
        begin = int(cursor or 0)
        end = begin + self.page_size
        page = LibraryPage(
            items=tuple(self.items[begin:end]), next=str(end) if end < len(self.items) else None, total=len(self.items)
        )
        return await self._answer("browse", (cursor,), page)

    async def changes(self, since: datetime) -> list[LibraryItem]:
        """Items added or changed after `since`, and those that do not say when."""
        found = [i for i in self.items if (i.updated_at or i.added_at or since) >= since]
        return await self._answer("changes", (since,), found)

    async def image(self, ref: str, width: int) -> Image:
        """One pixel, for the references of its items."""
        if not any(ref in (item.poster, item.backdrop) for item in self.items):
            raise NotFound("There is no such picture.")
        return await self._answer("image", (ref, width), Image(content_type="image/gif", data=PIXEL))


class FakeRequester(Fake):
    """Gets the given candidates. `added` lists the remote ids it added; `states` sets what `progress` says of each."""

    def __init__(
        self,
        candidates: Sequence[Candidate] = (),
        *,
        kinds: Iterable[MediaKind] = tuple(MediaKind),
        accepts: bool = True,
        qualities: Iterable[Quality] = (Quality.STANDARD,),
    ) -> None:
        super().__init__()
        self.kinds = frozenset(kinds)
        self.candidates = list(candidates)
        self.accepts = accepts
        self.qualities = frozenset(qualities)
        self.added: list[str] = []
        self.states: dict[str, Progress] = {}

    async def search(self, query: str, kind: MediaKind) -> list[Candidate]:
        """Candidates of the kind whose title holds all words."""
        found = [candidate for candidate in _matching(self.candidates, query) if candidate.kind is kind]
        return await self._answer("search", (query, kind), found)

    async def lookup(self, kind: MediaKind, ids: ExternalIds) -> Candidate | None:
        """The candidate that shares an id."""
        return await self._answer("lookup", (kind, ids), self._find(kind, ids))

    async def consider(self, request: MediaRequest) -> Verdict:
        """Accepts what it knows in the qualities it gets, while `accepts` is set."""
        if request.quality not in self.qualities:
            verdict = Verdict(accepts=False, reason="It gets other copies.")
            return await self._answer("consider", (request,), verdict)
        known = self._find(request.kind, request.ids) is not None
        verdict = Verdict(
            accepts=self.accepts and known, reason="It is known here." if known else "It is not known here."
        )
        return await self._answer("consider", (request,), verdict)

    async def submit(self, request: MediaRequest, key: str) -> Ticket:
        """Adds the title once; a second time it is adopted."""
        known = self._find(request.kind, request.ids)
        if known is None:
            raise NotFound("The title is not known here.")
        adopted = known.tracked is not None
        remote_id = known.tracked.remote_id if known.tracked else str(len(self.added) + 1)
        ticket = await self._answer("submit", (request, key), Ticket(remote_id=remote_id, adopted=adopted))
        if not adopted:
            self.added.append(remote_id)
            tracked = Tracked(remote_id=remote_id, monitored=True, has_file=False)
            self.candidates[self.candidates.index(known)] = structs.replace(known, tracked=tracked)
        return ticket

    async def progress(self, ticket: Ticket, request: MediaRequest) -> Progress:
        """What `states` says, else SEARCHING."""
        progress = self.states.get(ticket.remote_id, Progress(stage=Stage.SEARCHING))
        return await self._answer("progress", (ticket, request), progress)

    def _find(self, kind: MediaKind, ids: ExternalIds) -> Candidate | None:
        return next((c for c in self.candidates if c.kind is kind and c.ids.shares(ids)), None)


class FakeDownloader(Fake):
    """Has the given downloads, and does to them what `act` says."""

    def __init__(self, downloads: Sequence[Download] = ()) -> None:
        super().__init__()
        self.held = {download.id: download for download in downloads}

    async def downloads(self) -> list[Download]:
        """All it has."""
        return await self._answer("downloads", (), list(self.held.values()))

    async def act(self, download_id: str, action: DownloadAction) -> None:
        """Pauses, resumes, deletes; the rest leaves no trace."""
        if download_id not in self.held:
            raise NotFound("There is no such download.")
        await self._answer("act", (download_id, action), None)
        states = {DownloadAction.PAUSE: DownloadState.PAUSED, DownloadAction.RESUME: DownloadState.DOWNLOADING}
        if action in (DownloadAction.DELETE, DownloadAction.DELETE_WITH_FILES):
            del self.held[download_id]
        elif action in states:
            self.held[download_id] = structs.replace(self.held[download_id], state=states[action])

    async def add(self, download: NewDownload) -> str:
        """Queues a transfer; the same one twice is one."""
        source = download.magnet.encode() if download.magnet is not None else download.torrent or b""
        download_id = source.hex()[-40:].rjust(40, "0")
        await self._answer("add", (download,), None)
        self.held.setdefault(
            download_id, Download(id=download_id, name="Added", state=DownloadState.QUEUED, progress=0.0)
        )
        return download_id


class FakeNotifier(Fake):
    """Keeps what it was given in `sent`."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Notification] = []

    async def send(self, notification: Notification) -> Receipt:
        """Keep it, once per id."""
        receipt = await self._answer("send", (notification,), Receipt(detail="kept"))
        if notification.id not in {kept.id for kept in self.sent}:
            self.sent.append(notification)
        return receipt


class FakeHealthCheck(Fake):
    """Finds what `reports` holds."""

    def __init__(self, reports: Sequence[HealthReport] = ()) -> None:
        super().__init__()
        self.reports = list(reports)

    async def check(self) -> list[HealthReport]:
        """The reports as they are now."""
        return await self._answer("check", (), list(self.reports))
