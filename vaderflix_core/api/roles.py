"""What a provider object may be: five roles, and small abilities beside them.

Every method is a coroutine (an async generator where it says so), raises only `api.errors`, and is called through
the core's guard: with a time limit, a concurrency limit and a circuit breaker. A provider may also have
`async def start(self)` and `async def stop(self)`; `stop` must be safe to call twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from .models import (
    Availability,
    Candidate,
    Choice,
    Container,
    Download,
    DownloadAction,
    Episode,
    ExternalIds,
    HealthReport,
    Hint,
    Image,
    LibraryItem,
    LibraryPage,
    LogLine,
    MediaKind,
    MediaRequest,
    NewDownload,
    Notification,
    Playable,
    Progress,
    Quality,
    Receipt,
    ServiceInfo,
    Ticket,
    Verdict,
    Volume,
)
from .people import PendingSignIn, Person, Share, SharedLibrary


class MediaSource(Protocol):
    """Holds titles that can be played now."""

    async def search(self, query: str, limit: int) -> list[LibraryItem]:
        """Titles matching the words, best first."""

    async def locate(self, kind: MediaKind, ids: ExternalIds) -> Availability:
        """What is held of one title. Raises when the source cannot say; an empty answer means “looked, has none”."""

    async def item(self, key: str) -> LibraryItem:
        """One title in full, seasons with their counts included. Raises `NotFound`."""

    async def episodes(self, key: str, season: int) -> list[Episode]:
        """The episodes held of one season of a series, in order."""

    async def recently_added(self, limit: int) -> list[LibraryItem]:
        """The newest titles, newest first."""

    async def browse(self, cursor: str | None) -> LibraryPage:
        """One page of a sweep through everything held; None starts, the page's `next` goes on."""

    async def changes(self, since: datetime) -> list[LibraryItem]:
        """All titles added or changed after `since`; may hold more, never less."""


class Requester(Protocol):
    """Gets titles that are not there yet."""

    kinds: frozenset[MediaKind]

    async def search(self, query: str, kind: MediaKind) -> list[Candidate]:
        """Titles it could get, best first; those it already manages say so."""

    async def lookup(self, kind: MediaKind, ids: ExternalIds) -> Candidate | None:
        """One title by its ids, with its seasons; None when it does not know the title."""

    async def consider(self, request: MediaRequest) -> Verdict:
        """Whether it would take the request, without taking it."""

    async def submit(self, request: MediaRequest, key: str) -> Ticket:
        """Take the request. The same key twice, or a title already managed, gives a ticket and adds nothing twice."""

    async def progress(self, ticket: Ticket, request: MediaRequest) -> Progress:
        """How far a taken request is. Raises when that cannot be known; an empty queue is not an answer."""


class Qualities(Protocol):
    """Says which copies a requester gets. One without it gets standard copies and is never asked for another."""

    qualities: frozenset[Quality]


class Downloader(Protocol):
    """Moves bytes."""

    async def downloads(self) -> list[Download]:
        """All transfers it has."""

    async def act(self, download_id: str, action: DownloadAction) -> None:
        """Do one thing to one transfer. Raises `NotFound`."""

    async def add(self, download: NewDownload) -> str:
        """Start a transfer, or find it running; gives its id."""


class Notifier(Protocol):
    """Tells people."""

    async def send(self, notification: Notification) -> Receipt:
        """Deliver once to all recipients. Raises `Rejected` when it never will, `Unavailable` when later may do."""


class PrivateNotifier(Protocol):
    """Reaches one person where nobody else reads: links that let people in only go this way."""

    async def send_private(self, notification: Notification) -> Receipt:
        """Deliver once to its one recipient, at their email address. Raises what `Notifier.send` raises.

        The text is a whole letter, its greeting included.
        """


class HealthCheck(Protocol):
    """Finds trouble before people do."""

    async def check(self) -> list[HealthReport]:
        """All findings now; an empty list means that all is well."""


class Connectable(Protocol):
    """Can say who answers at the configured address. Every provider of a remote service has it."""

    async def test(self) -> ServiceInfo:
        """Reach the service with these settings. Raises the error that tells the admin what to mend."""


class Images(Protocol):
    """Has the pictures its items refer to."""

    async def image(self, ref: str, width: int) -> Image:
        """The picture, about `width` pixels wide. Raises `NotFound`, and `Rejected` for a ref it did not give out."""


class ByteStream(Protocol):
    """A part of a file on its way: HTTP status 200, 206 or 416, the headers to pass on, and the bytes."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in order."""

    async def close(self) -> None:
        """End the transfer; safe to call twice."""


class Playback(Protocol):
    """Lets people watch an item."""

    async def playables(self, key: str) -> list[Playable]:
        """The files of a film or an episode, best first."""

    async def open(self, ref: str, range_header: str | None) -> ByteStream:
        """The bytes of a file, or the asked range of them."""

    async def link(self, key: str) -> str:
        """The address of the item in the source's own web app."""


class Live(Protocol):
    """Hears from its service the moment something changes."""

    def hints(self) -> AsyncIterator[Hint]:
        """An async generator of hints, as long as the connection lives; it raises when that ends. From now on only."""


class WebhookReceiver(Protocol):
    """Understands the calls its service makes to us."""

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[Hint]:
        """What to read again. The body is never taken as fact."""


class Containers(Protocol):
    """Sees the containers of a host."""

    async def containers(self) -> list[Container]:
        """All containers, running or not."""


class Logs(Protocol):
    """Reads what the containers of a host write."""

    async def logs(self, container_id: str, lines: int) -> list[LogLine]:
        """The last lines of a container, oldest first, 500 at most. Raises `NotFound`."""


class Restart(Protocol):
    """Restarts the containers of a host."""

    async def restart(self, container_id: str) -> None:
        """Stop a container and start it again, or start one that does not run; ends when that is done.

        Raises `NotFound`, `Rejected` when it may not be done, and `Unavailable` with `Cause.TIMEOUT` when it is not
        known whether it was.
        """


class Storage(Protocol):
    """Knows disks."""

    async def volumes(self) -> list[Volume]:
        """The disks it writes to."""


class Choices(Protocol):
    """Knows which values its settings may take."""

    async def choices(self) -> dict[str, list[Choice]]:
        """For each field declared `dynamic`, the values the service offers."""


class Identity(Protocol):
    """Lets people sign in with the account they have at its service, if that account may use *our* service there, or
    is about to: who proved who they are is told apart by `Person.has_access`."""

    async def begin(self, return_to: str) -> PendingSignIn:
        """Begin a sign-in; the service sends the browser back to the address `return_to` where it can."""

    async def poll(self, state: str) -> Person | None:
        """Who signed in; None while nobody has yet.

        Somebody without access to our service has `has_access` False. Raises `NotFound` for a sign-in that is over or
        was begun elsewhere, `Rejected` for people who never come in, and `Unavailable` when their access cannot be
        checked now: no check, no entry.
        """


class Sharing(Protocol):
    """Lets people into libraries of its service.

    Nothing is ever shared more widely, or taken away, than a call says. A library list is never empty. An answer that
    holds less than the service counts raises instead of looking like “nobody”.
    """

    async def libraries(self) -> list[SharedLibrary]:
        """The libraries that can be shared."""

    async def people(self) -> list[Share]:
        """All shares of our service, invitations included. Raises when the list is not known to be whole."""

    async def invite(self, person: str, libraries: list[str]) -> Share:
        """Share libraries with somebody, named by subject, address or name. What is shared with them already stays.

        Raises `Rejected` when the service knows no such person, or the list is empty.
        """

    async def change(self, share: str, libraries: list[str]) -> Share:
        """Share these libraries instead. Raises `NotFound` for a share that is gone, `Rejected` for an empty list."""

    async def remove(self, share: str) -> None:
        """End a share; one that is gone already is no failure."""


class Role(Struct, frozen=True):
    """A role or ability: its Protocol, and the hook that makes providers of it (abilities have none)."""

    protocol: type
    hook: str | None = None

    @property
    def name(self) -> str:
        """The Protocol's name, which is how people and records call the role."""
        return self.protocol.__name__


ROLES: tuple[Role, ...] = (
    Role(MediaSource, "media_sources"),
    Role(Requester, "requesters"),
    Role(Downloader, "downloaders"),
    Role(Notifier, "notifiers"),
    Role(HealthCheck, "health_checks"),
)

ABILITIES: tuple[Role, ...] = tuple(
    Role(p)
    for p in (
        Connectable,
        Qualities,
        PrivateNotifier,
        Images,
        Playback,
        Live,
        WebhookReceiver,
        Containers,
        Logs,
        Restart,
        Storage,
        Choices,
        Identity,
        Sharing,
    )
)
