"""Follows submitted requests until they can be watched: hints first, polling as the net.

What cannot be known changes nothing: a requester that fails, times out or answers garbage leaves the request where it
is, with the reason beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from ..api.events import RequestChanged, RequestProgressed
from ..api.models import MediaKind, Progress, Quality, Reason, Stage, Ticket
from ..api.roles import MediaSource, Requester
from ..bus import Bus
from ..failures import SourceFailed
from ..library.index import Library
from ..notify.queue import queue_request_news
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Pool
from ..store import requests as store
from ..store.database import Database
from .copies import Copies
from .models import Request, RequestState
from .states import FOLLOWED, awaits_library, observed
from .verdicts import STUCK_AFTER, WORDS

log = structlog.get_logger("requests")

TICK = 2.0
AT_ONCE = 6
EVERY: dict[RequestState, timedelta] = {
    RequestState.SENT: timedelta(seconds=3),
    RequestState.SEARCHING: timedelta(seconds=20),
    RequestState.DOWNLOADING: timedelta(seconds=8),
    RequestState.IMPORTING: timedelta(seconds=4),
    RequestState.PARTLY_AVAILABLE: timedelta(seconds=60),
}
NEWS = {
    RequestState.AVAILABLE: "available",
    RequestState.PARTLY_AVAILABLE: "partly",
    RequestState.FAILED: "failed",
}


class Follower:
    """Keeps every followed request true to what the services say."""

    def __init__(
        self, db: Database, bus: Bus, pool: Pool, guard: Guard, library: Library, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._bus = bus
        self._pool = pool
        self._guard = guard
        self._copies = Copies(pool, guard, library)
        self._clock = clock
        self._hinted: set[tuple[str, str | None]] = set()  # (instance, ticket or None for all)
        self._everything = False
        self._woken = asyncio.Event()

    def hint(self, instance: str, ticket: str | None = None) -> None:
        """Read the requests of an instance again now: all of them, or the one with this ticket."""
        self._hinted.add((instance, ticket))
        self._woken.set()

    def hint_all(self) -> None:
        """Read every followed request again now: the library got something new, say."""
        self._everything = True
        self._woken.set()

    async def run(self) -> None:
        """Follow for ever; cancel to stop."""
        while True:
            self._woken.clear()
            try:
                await self.round()
            except Exception as error:
                log.error("requests could not be followed", exc_info=error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._woken.wait()

    async def round(self) -> None:
        """Look at every request that is due or hinted at."""
        hinted, self._hinted = self._hinted, set()
        everything, self._everything = self._everything, False
        now = self._clock()
        followed = await self._db.read(lambda conn: store.find(conn, states=FOLLOWED, limit=1000))
        due = [
            request
            for request in followed
            if everything
            or (request.instance, None) in hinted
            or (request.instance, request.ticket) in hinted
            or request.checked_at is None
            or now - request.checked_at >= EVERY[request.state]
        ]
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(request: Request) -> None:
            async with gate:
                await self.check(request)

        await asyncio.gather(*(one(request) for request in due))

    async def check(self, request: Request) -> None:
        """Ask the requester and the library about one request, and write down what follows."""
        bindings = self._pool.bindings(Requester, instance=request.instance or "")
        if not bindings:
            await self._unanswered(request, "the service is switched off or has not started")
            return
        ticket = Ticket(remote_id=request.ticket or "")
        answer: Answer[Progress] = await self._guard.call(bindings[0], "progress", ticket, request.as_media_request())
        if answer.outcome is not Outcome.OK or answer.value is None:
            await self._unanswered(request, f"{answer.name}: {answer.error}")
            return
        progress = answer.value
        try:
            held = await self._copies.coverage(request, progress)
        except SourceFailed as failure:
            await self._keep(request, Reason.SERVICE_DOWN, failure.message)
            return
        state = observed(request.state, progress, held, sources=bool(self._pool.bindings(MediaSource)))
        if awaits_library(state, progress) and progress.reason is None:
            lacking = "all of it in 4K" if request.quality is Quality.FOUR_K else "all of it"
            evidence = f"{answer.name} has imported it, and the library does not hold {lacking}."
            progress = replace(progress, reason=Reason.NOT_IN_LIBRARY, evidence=evidence)
        await self._write(request, state, progress)

    async def _unanswered(self, request: Request, evidence: str) -> None:
        """Nobody says how far it is. A film that the library holds can be watched all the same."""
        if request.kind is MediaKind.MOVIE and await self._copies.film(request):
            held = Progress(stage=Stage.IMPORTED, percent=100.0, download_ids=request.download_ids)
            await self._write(request, RequestState.AVAILABLE, held)
            return
        await self._keep(request, Reason.SERVICE_DOWN, evidence)

    async def _keep(self, request: Request, reason: Reason, evidence: str) -> None:
        progress = Progress(
            stage=Stage.SEARCHING,
            percent=request.percent,
            size=request.size,
            left=request.left,
            eta_seconds=request.eta_seconds,
            download_ids=request.download_ids,
            reason=reason,
            evidence=evidence,
        )
        await self._write(request, request.state, progress)

    async def _write(self, request: Request, state: RequestState, progress: Progress) -> None:
        now = self._clock()
        reason = progress.reason if state is not RequestState.AVAILABLE else None
        same = reason is not None and (reason is request.reason or request.stuck_since is not None)
        since = (request.stuck_since or now) if same else (now if reason is not None else None)
        lasting = reason is not None and since is not None and now - since >= STUCK_AFTER.get(reason, timedelta(0))
        shown = reason if lasting else None
        values: dict[str, Any] = {
            "percent": progress.percent,
            "size": progress.size,
            "left": progress.left,
            "eta_seconds": progress.eta_seconds,
            # what was imported has left the queue, and is still the same download
            "download_ids": progress.download_ids or request.download_ids,
            "reason": shown,
            "evidence": progress.evidence if reason is not None else "",
            "stuck_since": since,
        }
        changed = {name: value for name, value in values.items() if getattr(request, name) != value}
        moved = state is not request.state
        if moved or changed:
            values["updated_at"] = now

        def work(conn: Connection) -> bool:
            if not store.change(conn, request.id, request.state, state=state, checked_at=now, **values):
                return False
            if moved:
                store.log(conn, request.id, at=now, type=state, state=state, data=_figures(progress))
                if state in NEWS:
                    queue_request_news(conn, request.id, NEWS[state], now)
            if shown is not request.reason:
                self._log_reason(conn, request, state, shown, progress.evidence, now)
            return True

        if not await self._db.write(work):
            return
        if moved or shown is not request.reason:
            self._bus.publish(
                RequestChanged(
                    at=now,
                    request_id=request.id,
                    kind=request.kind,
                    title=request.title,
                    user_id=request.user_id,
                    state=state,
                    previous=request.state,
                )
            )
        elif changed:
            self._bus.publish(RequestProgressed(at=now, request_id=request.id, user_id=request.user_id))

    @staticmethod
    def _log_reason(
        conn: Connection, request: Request, state: RequestState, reason: Reason | None, evidence: str, now: datetime
    ) -> None:
        if reason is None:
            if request.reason is not None and WORDS[request.reason].stuck and state is request.state:
                store.log(conn, request.id, at=now, type="goes_on", state=state)
            return
        kind = "stuck" if WORDS[reason].stuck else "waiting"
        store.log(conn, request.id, at=now, type=kind, state=state, data={"reason": reason, "evidence": evidence})


def _figures(progress: Progress) -> dict[str, str]:
    return {"size": str(progress.size)} if progress.size else {}
