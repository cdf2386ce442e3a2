"""Hands an approved request to a requester: route, submit, and the transition in one transaction with "done"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Connection

from ..api.errors import Rejected, Unavailable
from ..api.events import RequestChanged
from ..api.models import Quality, Reason, Ticket, Verdict
from ..bus import Bus
from ..jobs.runner import After, Effects, Runner, TryAgain
from ..notify.queue import queue_request_news
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Binding, Pool
from ..store import requests as store
from ..store.database import Database
from ..store.jobs import Job
from .copies import getters
from .models import Request, RequestState
from .routing import Considered, choose
from .service import SUBMIT

log = structlog.get_logger("requests")

ATTEMPTS = 80  # with at most ten minutes between two: about half a day
SUBMIT_SECONDS = 60.0


class Submitter:
    """The handler of `request.submit` jobs."""

    def __init__(
        self, db: Database, bus: Bus, pool: Pool, guard: Guard, runner: Runner, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._bus = bus
        self._pool = pool
        self._guard = guard
        self._clock = clock
        runner.register(SUBMIT, self.run, attempts=ATTEMPTS, on_dead=self.give_up)

    async def run(self, job: Job) -> Effects | None:
        """Submit once; doing it again finds what the first time left and adopts it."""
        request_id = int(job.payload["request"])
        request = await self._db.read(lambda conn: store.get(conn, request_id))
        if request is None or request.state is not RequestState.APPROVED:
            return None
        binding, trail = await self._route(request)
        answer: Answer[Ticket] = await self._guard.call(
            binding, "submit", request.as_media_request(), job.key, timeout=SUBMIT_SECONDS
        )
        if answer.value is None or answer.outcome is not Outcome.OK:
            await self._waiting(request, binding.name, answer)
            raise self._error(binding.name, answer)
        ticket = answer.value
        return lambda conn: self._sent(conn, request, binding, ticket, trail)

    async def _route(self, request: Request) -> tuple[Binding, tuple[str, ...]]:
        bindings = getters(self._pool, request.kind, request.quality)
        if request.instance is not None:
            # an earlier attempt may have reached this one: only it can find that out
            bindings = [b for b in bindings if b.instance == request.instance] or bindings
        considered = []
        for binding in bindings:
            answer: Answer[Verdict] = await self._guard.call(binding, "consider", request.as_media_request())
            verdict = answer.value if answer.outcome is Outcome.OK else None
            if answer.outcome in (Outcome.REJECTED, Outcome.NOT_FOUND):
                verdict = Verdict(accepts=False, reason=answer.error)
            considered.append(
                Considered(instance=binding.instance, name=binding.name, verdict=verdict, error=answer.error)
            )
            if verdict is None or verdict.accepts:
                break
        in_4k = request.quality is Quality.FOUR_K
        route = choose(considered, "this kind of title in 4K" if in_4k else "this kind of title")
        chosen = next((b for b in bindings if b.instance == route.instance), None)
        if chosen is None:
            if route.wait:
                await self._note(request, Reason.SERVICE_DOWN, route.trail[-1])
                raise TryAgain(route.trail[-1])
            raise Rejected(" ".join(route.trail))
        if request.instance != chosen.instance:
            await self._intend(request, chosen, route.trail)
        return chosen, route.trail

    async def _intend(self, request: Request, binding: Binding, trail: tuple[str, ...]) -> None:
        """Write down whom we are about to call: after a crash, the same one is asked first."""
        await self._db.write(
            lambda conn: store.change(conn, request.id, RequestState.APPROVED, instance=binding.instance, routing=trail)
        )

    def _sent(
        self, conn: Connection, request: Request, binding: Binding, ticket: Ticket, trail: tuple[str, ...]
    ) -> After | None:
        now = self._clock()
        moved = store.change(
            conn,
            request.id,
            RequestState.APPROVED,
            state=RequestState.SENT,
            instance=binding.instance,
            ticket=ticket.remote_id,
            routing=trail,
            reason=None,
            evidence="",
            updated_at=now,
        )
        if not moved:
            return None
        data = {"service": binding.name, "adopted": "yes" if ticket.adopted else "", "detail": ticket.detail}
        store.log(conn, request.id, at=now, type="sent", state=RequestState.SENT, data=data)
        return lambda: self._announce(request, RequestState.SENT, now)

    def _announce(self, request: Request, state: RequestState, now: datetime) -> None:
        event = RequestChanged(
            at=now,
            request_id=request.id,
            kind=request.kind,
            title=request.title,
            user_id=request.user_id,
            state=state,
            previous=request.state,
        )
        self._bus.publish(event)

    async def _waiting(self, request: Request, name: str, answer: Answer[Ticket]) -> None:
        await self._note(request, Reason.SERVICE_DOWN, f"{name}: {answer.error}")

    async def _note(self, request: Request, reason: Reason, evidence: str) -> None:
        """Say on the request why it waits; in the timeline only when that is news."""
        now = self._clock()

        def note(conn: Connection) -> None:
            store.change(conn, request.id, RequestState.APPROVED, reason=reason, evidence=evidence, updated_at=now)
            if request.reason is not reason:
                store.log(
                    conn,
                    request.id,
                    at=now,
                    type="waiting",
                    state=RequestState.APPROVED,
                    data={"reason": reason, "evidence": evidence},
                )

        await self._db.write(note)
        self._announce(request, RequestState.APPROVED, now)

    @staticmethod
    def _error(name: str, answer: Answer[Ticket]) -> Exception:
        if answer.outcome in (Outcome.REJECTED, Outcome.NOT_FOUND):
            return Rejected(f"{name}: {answer.error}")
        if answer.outcome is Outcome.UNAVAILABLE:
            return Unavailable(f"{name}: {answer.error}")
        return TryAgain(f"{name}: {answer.error}")

    def give_up(self, job: Job, error: str) -> Effects:
        """What is written when a request was refused, or its budget is used up: failed, with a way to go on."""
        request_id = int(job.payload["request"])

        def effects(conn: Connection) -> After | None:
            now = self._clock()
            request = store.get(conn, request_id)
            failed = RequestState.FAILED
            if request is None or not store.change(
                conn, request_id, RequestState.APPROVED, state=failed, evidence=error, updated_at=now
            ):
                return None
            store.log(conn, request_id, at=now, type="failed", state=failed, data={"evidence": error})
            queue_request_news(conn, request_id, "failed", now)
            return lambda: self._announce(request, failed, now)

        return effects
