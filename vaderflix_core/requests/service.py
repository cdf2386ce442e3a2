"""Requests: asked, decided, followed. A request is stored before anything is called, so it cannot be lost."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from ..access.activity import note
from ..access.models import Permission, User
from ..api.events import RequestChanged
from ..api.models import ExternalIds, MediaKind, Quality
from ..api.roles import Requester
from ..bus import Bus
from ..downloads.service import Downloads
from ..failures import Conflict, Invalid, Missing, NotAllowed
from ..jobs.broker import Jobs
from ..notify.queue import queue_request_news
from ..plugins.pool import Pool
from ..store import jobs as job_store
from ..store import requests as store
from ..store.database import Database
from .copies import copies_of, getters
from .models import Request, RequestState, TimelineEntry
from .states import ENDED, OPEN, may_move

SUBMIT = "request.submit"
RIGHTS = {
    (MediaKind.MOVIE, Quality.STANDARD): (Permission.REQUEST_MOVIE, Permission.AUTO_APPROVE_MOVIE),
    (MediaKind.SERIES, Quality.STANDARD): (Permission.REQUEST_SERIES, Permission.AUTO_APPROVE_SERIES),
    (MediaKind.MOVIE, Quality.FOUR_K): (Permission.REQUEST_4K_MOVIE, Permission.AUTO_APPROVE_4K_MOVIE),
    (MediaKind.SERIES, Quality.FOUR_K): (Permission.REQUEST_4K_SERIES, Permission.AUTO_APPROVE_4K_SERIES),
}

# the method `list` hides the type of that name inside the class
Found = list[Request]
Timeline = list[TimelineEntry]
MOVES = frozenset({RequestState.SENT, RequestState.SEARCHING, RequestState.DOWNLOADING, RequestState.PARTLY_AVAILABLE})


def may_ask(user: User, kind: MediaKind, quality: Quality = Quality.STANDARD) -> bool:
    """Whether an account may request such copies of this kind of title."""
    return user.may(RIGHTS[kind, quality][0])


def needs_no_approval(user: User, kind: MediaKind, quality: Quality = Quality.STANDARD) -> bool:
    """Whether such a request of an account is approved at once."""
    return user.may(RIGHTS[kind, quality][1])


class AlreadyRequested(Conflict):
    """The title is asked for already; `request` is the open request."""

    code = "already_requested"

    def __init__(self, request: Request) -> None:
        copy = " in 4K" if request.quality is Quality.FOUR_K else ""
        super().__init__(f"{request.title} has been requested{copy} already.")
        self.request = request


def submit_key(request_id: int, round: int) -> str:
    """The key of a request's submit job: one for each time it was approved."""
    return f"request:{request_id}:submit:{round}"


class Requests:
    """The life of requests up to the moment they are approved; `submit.py` and `follow.py` carry them on."""

    def __init__(
        self, db: Database, bus: Bus, jobs: Jobs, downloads: Downloads, pool: Pool, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._bus = bus
        self._jobs = jobs
        self._downloads = downloads
        self._pool = pool
        self._clock = clock

    # -- asking --------------------------------------------------------------------------------------------------

    async def create(
        self,
        user: User,
        *,
        kind: MediaKind,
        ids: ExternalIds,
        title: str,
        year: int | None = None,
        seasons: tuple[int, ...] = (),
        poster: str | None = None,
        quality: Quality = Quality.STANDARD,
    ) -> Request:
        """Ask for a title. Approved at once for accounts that may; raises `AlreadyRequested` for an open one.

        A series with other seasons than those already asked for is a request of its own, and so is another copy.
        """
        if not may_ask(user, kind, quality):
            copies = " in 4K" if quality is Quality.FOUR_K else ""
            raise NotAllowed(f"Your account cannot request this kind of title{copies}. Ask an admin of this house.")
        if not (ids.imdb or ids.tmdb or ids.tvdb):
            raise Invalid("The title cannot be told apart from others of its name.", {"ids": "One id is needed"})
        seasons = tuple(sorted(set(seasons))) if kind is MediaKind.SERIES else ()
        now = self._clock()

        def work(conn: Connection) -> tuple[Request, bool]:
            for open_one in store.for_title(conn, kind, ids, OPEN, quality):
                if not seasons or not open_one.seasons or set(seasons) <= set(open_one.seasons):
                    return open_one, False
            request_id = store.add(
                conn,
                user_id=user.id,
                kind=kind,
                ids=ids,
                title=title,
                year=year,
                poster=poster,
                seasons=seasons,
                quality=quality,
                now=now,
            )
            store.log(conn, request_id, at=now, type="asked", state=RequestState.PENDING, actor=user.display_name)
            self._note(conn, user, "asked", self._found(conn, request_id), now)
            if needs_no_approval(user, kind, quality):
                self._approve(conn, request_id, RequestState.PENDING, user, now)
            else:
                queue_request_news(conn, request_id, "asked", now)
            return self._found(conn, request_id), True

        request, new = await self._db.write(work)
        if not new:
            raise AlreadyRequested(request)
        self._told(request, None)
        return request

    def offers(self, kind: MediaKind, quality: Quality = Quality.STANDARD) -> bool:
        """Whether some service that runs now gets such copies of this kind of title."""
        return bool(getters(self._pool, kind, quality))

    def unspoken_to(self, user: User) -> frozenset[str]:
        """The services that get only 4K copies, for an account that may not ask for any: it need not hear of them."""
        if any(may_ask(user, kind, Quality.FOUR_K) for kind in MediaKind):
            return frozenset()
        names = {binding.instance for binding in self._pool.bindings(Requester)}
        return frozenset(name for name in names if copies_of(self._pool, name) == {Quality.FOUR_K})

    # -- deciding ------------------------------------------------------------------------------------------------

    def _approve(self, conn: Connection, request_id: int, state: RequestState, actor: User, now: datetime) -> None:
        """Approve and enqueue the submission in the same transaction: the one cannot be without the other."""
        rounds = sum(1 for entry in store.timeline(conn, request_id) if entry.type in ("approved", "retried"))
        self._move(conn, request_id, state, RequestState.APPROVED, now, reason=None, evidence="", decline_reason="")
        kind = "retried" if state is RequestState.FAILED else "approved"
        store.log(conn, request_id, at=now, type=kind, state=RequestState.APPROVED, actor=actor.display_name)
        job_store.enqueue(
            conn, key=submit_key(request_id, rounds), kind=SUBMIT, payload={"request": request_id}, now=now
        )

    def _move(
        self, conn: Connection, request_id: int, state: RequestState, to: RequestState, now: datetime, **values: Any
    ) -> None:
        if not may_move(state, to):
            raise Conflict(f"A request that is {state.value.replace('_', ' ')} cannot become {to.value}.")
        if not store.change(conn, request_id, state, state=to, updated_at=now, **values):
            raise Conflict("Somebody else decided this request a moment ago. Look again.")

    @classmethod
    def _note(cls, conn: Connection, actor: User, deed: str, before: Request, now: datetime, **more: str) -> None:
        """The entry of a decision in the activity log, once it stands in the transaction."""
        title = f"{before.title} ({before.year})" if before.year else before.title
        if before.quality is Quality.FOUR_K:
            title += " in 4K"
        state = cls._found(conn, before.id).state
        was = {"state": before.state} if state is not before.state else {}
        after = {"request": before.id, "by": before.username, "state": state, **more}
        note(conn, now, actor, f"request.{deed}", title, before=was, after=after)

    @staticmethod
    def _found(conn: Connection, request_id: int) -> Request:
        request = store.get(conn, request_id)
        if request is None:
            raise Missing("There is no such request.")
        return request

    async def _decide(self, request_id: int, work: Callable[[Connection, Request, datetime], None]) -> Request:
        now = self._clock()

        def decide(conn: Connection) -> tuple[RequestState, Request]:
            before = self._found(conn, request_id)
            work(conn, before, now)
            return before.state, self._found(conn, request_id)

        previous, request = await self._db.write(decide)
        self._told(request, previous)
        return request

    async def approve(self, actor: User, request_id: int) -> Request:
        """Let a pending or declined request go on. Raises `Missing`, `Conflict`, `NotAllowed`."""
        self._need_manager(actor)

        def work(conn: Connection, before: Request, now: datetime) -> None:
            self._approve(conn, request_id, before.state, actor, now)
            self._note(conn, actor, "approved", before, now)
            queue_request_news(conn, request_id, "approved", now)

        return await self._decide(request_id, work)

    async def decline(self, actor: User, request_id: int, reason: str) -> Request:
        """Refuse a pending request, with a reason that the asker reads."""
        self._need_manager(actor)
        if not reason.strip():
            raise Invalid("Say why, so that nobody has to ask again.", {"reason": "A reason is needed"})

        def work(conn: Connection, before: Request, now: datetime) -> None:
            words = reason.strip()[:500]
            self._move(conn, request_id, before.state, RequestState.DECLINED, now, decline_reason=words)
            store.log(
                conn,
                request_id,
                at=now,
                type="declined",
                state=RequestState.DECLINED,
                actor=actor.display_name,
                data={"reason": words},
            )
            self._note(conn, actor, "declined", before, now, reason=words)
            queue_request_news(conn, request_id, "declined", now)

        return await self._decide(request_id, work)

    async def cancel(self, actor: User, request_id: int) -> Request:
        """Take a request back: the asker's own, or any for a manager. What was added elsewhere stays there."""

        def work(conn: Connection, before: Request, now: datetime) -> None:
            self._need_owner(actor, before)
            self._move(conn, request_id, before.state, RequestState.CANCELLED, now)
            store.log(
                conn,
                request_id,
                at=now,
                type="cancelled",
                state=RequestState.CANCELLED,
                actor=actor.display_name,
            )
            self._note(conn, actor, "cancelled", before, now)

        return await self._decide(request_id, work)

    async def retry(self, actor: User, request_id: int) -> Request:
        """Send a failed request again."""
        self._need_manager(actor)

        def work(conn: Connection, before: Request, now: datetime) -> None:
            if before.state is not RequestState.FAILED:
                raise Conflict("Only a failed request can be tried again.")
            self._approve(conn, request_id, before.state, actor, now)
            self._note(conn, actor, "retried", before, now)

        return await self._decide(request_id, work)

    @staticmethod
    def _need_manager(actor: User) -> None:
        if not actor.may(Permission.MANAGE_REQUESTS):
            raise NotAllowed("Your account cannot decide requests.")

    @staticmethod
    def _need_owner(actor: User, request: Request) -> None:
        if request.user_id != actor.id and not actor.may(Permission.MANAGE_REQUESTS):
            raise Missing("There is no such request.")

    def _told(self, request: Request, previous: RequestState | None) -> None:
        self._jobs.wake()
        self._bus.publish(
            RequestChanged(
                at=request.updated_at,
                request_id=request.id,
                kind=request.kind,
                title=request.title,
                user_id=request.user_id,
                state=request.state,
                previous=previous,
            )
        )

    # -- reading -------------------------------------------------------------------------------------------------

    @staticmethod
    def _owner_filter(viewer: User) -> int | None:
        return None if viewer.may(Permission.VIEW_REQUESTS) else viewer.id

    async def get(self, viewer: User, request_id: int) -> Request:
        """One request: the viewer's own, or any for a manager. Raises `Missing`."""
        owner = self._owner_filter(viewer)
        request = await self._db.read(lambda conn: store.get(conn, request_id, owner=owner))
        if request is None:
            raise Missing("There is no such request.")
        return self._live(request)

    def _live(self, request: Request) -> Request:
        """The request with the downloader's own figures, which are fresher than the requester's."""
        if request.state not in MOVES:
            return request
        figures = self._downloads.figures(request.download_ids)
        if figures is None:
            return request
        return msgspec.structs.replace(
            request,
            percent=figures.percent,
            size=figures.size,
            left=figures.left,
            speed=figures.speed,
            eta_seconds=figures.eta_seconds,
        )

    async def timeline(self, viewer: User, request_id: int) -> Timeline:
        """What happened to it, oldest first. Raises `Missing`."""
        await self.get(viewer, request_id)
        return await self._db.read(lambda conn: store.timeline(conn, request_id))

    async def list(
        self,
        viewer: User,
        *,
        scope: str = "mine",
        states: Collection[RequestState] = (),
        limit: int = 50,
        before: int | None = None,
    ) -> Found:
        """Requests, newest first: `mine`, or `all` for a manager (for others, all they may see are theirs)."""
        owner = viewer.id if scope == "mine" else self._owner_filter(viewer)
        found = await self._db.read(
            lambda conn: store.find(conn, owner=owner, states=states, limit=min(limit, 200), before=before)
        )
        return [self._live(request) for request in found]

    async def for_title(self, kind: MediaKind, ids: ExternalIds, quality: Quality | None = None) -> Found:
        """Requests for one title that are open or were fulfilled, newest first; all, or those for such copies."""
        wanted = OPEN | {RequestState.AVAILABLE}
        found = await self._db.read(lambda conn: store.for_title(conn, kind, ids, wanted, quality))
        return [self._live(request) for request in found]

    async def open_for(self, kind: MediaKind, ids: ExternalIds, quality: Quality = Quality.STANDARD) -> Request | None:
        """The newest request for such a copy of a title that has not ended."""
        found = await self.for_title(kind, ids, quality)
        return next((request for request in found if request.state not in ENDED), None)

    async def counts(self, viewer: User) -> dict[RequestState, int]:
        """How many requests the viewer may see in each state."""
        owner = self._owner_filter(viewer)
        return await self._db.read(lambda conn: store.counts(conn, owner))
