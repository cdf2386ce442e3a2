"""Who is told what: news become notifications, one job for each channel and person, retried apart."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from ..access.models import Permission, User
from ..api.errors import Rejected, Unavailable
from ..api.events import NotificationDelivered
from ..api.models import Notification, Receipt, Recipient, Severity
from ..api.roles import Notifier
from ..bus import Bus
from ..failures import Conflict
from ..jobs.runner import After, Effects, Runner, TryAgain
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Pool
from ..problems.models import Problem
from ..requests.models import Request
from ..store import deliveries, jobs
from ..store import problems as problem_store
from ..store import requests as request_store
from ..store import users as user_store
from ..store.database import Database
from ..store.deliveries import Delivery
from ..store.jobs import Job
from . import reach
from .queue import NEWS, PROBLEM_NEWS
from .wishes import wants
from .words import problem_news, request_news

DELIVER = "notify.deliver"
SEND_SECONDS = 180.0  # a mail server may take minutes to look into one, and nobody waits for it
TEST_SECONDS = 20.0
TO_MANAGERS = frozenset({"asked", "failed"})


class Notify:
    """Notifications from news to receipt."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        pool: Pool,
        guard: Guard,
        runner: Runner,
        clock: Callable[[], datetime],
        base_url: Callable[[], str | None],
    ) -> None:
        self._db = db
        self._bus = bus
        self._pool = pool
        self._guard = guard
        self._clock = clock
        self._base_url = base_url
        runner.register(NEWS, self._news, attempts=10)
        runner.register(PROBLEM_NEWS, self._problem_news, attempts=10)
        runner.register(DELIVER, self._deliver, attempts=40, on_dead=self._refused)

    async def _news(self, job: Job) -> Effects | None:
        """Turn one piece of news into a delivery for each person and channel."""
        what = str(job.payload["what"])

        def read(conn: Connection) -> tuple[Request | None, list[User]]:
            return request_store.get(conn, int(job.payload["request"])), user_store.all_users(conn)

        request, everyone = await self._db.read(read)
        if request is None:
            return None
        people = [
            user
            for user in everyone
            if not user.disabled
            and wants(user, what)
            and (user.may(Permission.MANAGE_REQUESTS) if what in TO_MANAGERS else user.id == request.user_id)
        ]
        return self._tell([self._note(job.key, request, what, user) for user in people])

    async def _problem_news(self, job: Job) -> Effects | None:
        """The same for a problem: all managers hear of a report but the reporter, who hears when it is solved."""
        what = str(job.payload["what"])

        def read(conn: Connection) -> tuple[Problem | None, list[User]]:
            return problem_store.get(conn, int(job.payload["problem"])), user_store.all_users(conn)

        problem, everyone = await self._db.read(read)
        if problem is None:
            return None
        to_managers = what == "problem_reported"
        people = [
            user
            for user in everyone
            if not user.disabled
            and wants(user, what)
            and (user.id != problem.user_id) is to_managers
            and (user.may(Permission.MANAGE_PROBLEMS) or not to_managers)
        ]
        title, text = problem_news(problem, what)
        page = "/admin/problems" if to_managers else "/problems"
        severity = Severity.WARNING if to_managers else Severity.OK
        return self._tell([self._notification(job.key, user, title, text, page, severity) for user in people])

    def _tell(self, notes: list[Notification]) -> Effects:
        """Queue a delivery of each over every channel."""
        channels = [binding.instance for binding in self._pool.bindings(Notifier)]

        def effects(conn: Connection) -> After | None:
            now = self._clock()
            for note in notes:
                for channel in channels:
                    self._queue(conn, note, channel, now)
            return None

        return effects

    def _note(self, key: str, request: Request, what: str, user: User) -> Notification:
        title, text = request_news(request, what)
        severity = Severity.WARNING if what == "failed" else Severity.OK
        return self._notification(key, user, title, text, f"/requests/{request.id}", severity)

    def _notification(self, key: str, user: User, title: str, text: str, path: str, severity: Severity) -> Notification:
        base = self._base_url()
        return Notification(
            id=f"{key}:{user.id}",
            title=title,
            text=text,
            url=f"{base.rstrip('/')}{path}" if base else None,
            severity=severity,
            recipients=(Recipient(name=user.display_name, email=user.email),),
        )

    def _queue(self, conn: Connection, note: Notification, channel: str, now: datetime) -> None:
        self._record(conn, note, channel, "queued", "", now)
        jobs.enqueue(
            conn,
            key=f"deliver:{note.id}:{channel}",
            kind=DELIVER,
            payload={"note": msgspec.to_builtins(note), "channel": channel},
            now=now,
        )

    @staticmethod
    def _record(conn: Connection, note: Notification, channel: str, state: str, detail: str, now: datetime) -> None:
        who = ", ".join(r.email or r.name for r in note.recipients)
        keep = deliveries.drop if state == "dropped" else deliveries.put
        keep(
            conn,
            Delivery(
                notification_id=note.id,
                instance=channel,
                recipient=reach.NO_NAME if detail == reach.REMOVED else who,
                title=note.title,
                state=state,
                detail=detail,
                at=now,
            ),
        )

    @staticmethod
    def _unpack(payload: dict[str, Any]) -> tuple[Notification, str]:
        return msgspec.convert(payload["note"], Notification), str(payload["channel"])

    async def _deliver(self, job: Job) -> Effects | None:
        note, channel = self._unpack(job.payload)
        if why := await self._db.read(lambda conn: reach.why_not(conn, _account_of(note))):
            return self._ended(note, channel, "dropped", why)
        bindings = self._pool.bindings(Notifier, instance=channel)
        if not bindings:
            raise TryAgain("the channel is switched off or has not started")
        answer: Answer[Receipt] = await self._guard.call(bindings[0], "send", note, timeout=SEND_SECONDS)
        if answer.outcome in (Outcome.REJECTED, Outcome.NOT_FOUND):
            raise Rejected(answer.error)
        if answer.outcome is Outcome.UNAVAILABLE:
            raise Unavailable(answer.error)
        if answer.outcome is not Outcome.OK or answer.value is None:
            raise TryAgain(answer.error)
        return self._ended(note, channel, "delivered", answer.value.detail)

    def _refused(self, job: Job, error: str) -> Effects:
        note, channel = self._unpack(job.payload)
        return self._ended(note, channel, "refused", error)

    def _ended(self, note: Notification, channel: str, state: str, detail: str) -> Effects:
        def effects(conn: Connection) -> After:
            now = self._clock()
            self._record(conn, note, channel, state, detail, now)
            event = NotificationDelivered(
                at=now, notification_id=note.id, instance=channel, delivered=state == "delivered", detail=detail
            )
            return lambda: self._bus.publish(event)

        return effects

    def hurry(self, conn: Connection, instance: str) -> None:
        """Deliver soon what waits for a channel: it is back."""
        waiting = [one.id for one in jobs.unfinished(conn, DELIVER) if one.payload["channel"] == instance]
        jobs.hasten(conn, waiting, self._clock())

    async def send_test(self, instance: str, user: User) -> Answer[Receipt]:
        """Send a made-up notification to one person now, and give what the channel says.

        It stands in the delivery log as well. Raises `Conflict` when the instance sends none, or does not run.
        """
        bindings = self._pool.bindings(Notifier, instance=instance)
        if not bindings:
            raise Conflict("This service sends no notifications, or does not run now.")
        base = self._base_url()
        note = Notification(
            id=f"test:{secrets.token_hex(8)}",
            title="A test message",
            text=f"{user.display_name} sent it to see whether news arrive here.\n\nNobody has to do anything.",
            url=f"{base.rstrip('/')}/you/news" if base else None,
            recipients=(Recipient(name=user.display_name, email=user.email),),
        )
        answer: Answer[Receipt] = await self._guard.call(bindings[0], "send", note, timeout=TEST_SECONDS)
        state, detail = ("delivered", answer.value.detail) if answer.value is not None else ("refused", answer.error)
        now = self._clock()
        await self._db.write(lambda conn: self._record(conn, note, instance, state, detail, now))
        return answer

    async def deliveries(self, limit: int = 100, state: str = "") -> list[Delivery]:
        """The newest deliveries, for the admin; of one state if it is given."""
        return await self._db.read(lambda conn: deliveries.newest(conn, limit, state))


def _account_of(note: Notification) -> int:
    """Whom news are for, as `_notification` puts it into their id."""
    return int(note.id.rpartition(":")[2])
