"""Mails to one person: their templates, the outbox they wait in, and what became of them.

Unlike news (`service.py`), a mail here is for one address and may hold a link that lets its reader in. So it only goes
over providers that vouch for privacy (`PrivateNotifier`), its words wait sealed, and the delivery log shows its title
alone. A mail is queued in the transaction that makes it necessary: nobody hears of what was not kept.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from ..api.errors import Rejected, Unavailable
from ..api.events import NotificationDelivered
from ..api.models import Notification, Receipt, Recipient
from ..api.roles import PrivateNotifier
from ..bus import Bus
from ..failures import Conflict, Invalid, Missing
from ..jobs.runner import After, Effects, Runner, TryAgain
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Pool
from ..store import deliveries, jobs
from ..store.database import Database
from ..store.deliveries import Delivery
from ..store.jobs import Job
from ..vault import Vault
from . import reach
from .letters import KINDS, SAMPLES, looks_like_address, write

SEND = "mail.send"
CHANNEL = ""  # the delivery log's instance for mails: which provider takes one is known when it is sent
PREFIX = "mail:"
SEND_SECONDS = 180.0  # a mail server may take minutes to look into one, and nobody waits for it
ATTEMPTS = 40


class Mails:
    """Mails from queue to receipt."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        pool: Pool,
        guard: Guard,
        runner: Runner,
        vault: Vault,
        clock: Callable[[], datetime],
        base_url: Callable[[], str | None],
    ) -> None:
        self._db = db
        self._bus = bus
        self._pool = pool
        self._guard = guard
        self._vault = vault
        self._clock = clock
        self._base_url = base_url
        runner.register(SEND, self._send, attempts=ATTEMPTS, on_dead=self._refused)

    # -- queueing ------------------------------------------------------------------------------------------------

    def queue(
        self,
        conn: Connection,
        kind: str,
        to: str,
        data: Mapping[str, str],
        *,
        reader: str = "",
        user_id: int | None = None,
    ) -> str:
        """Queue a mail in the caller's transaction; gives its id in the delivery log.

        With the account that it is for, `user_id`, it is not sent once that is removed or closed. Mails to strangers,
        and those that tell somebody of such a decision, are for no account. `reader` is the name beside the address,
        if `name` is not who reads it.
        `data` holds what `letters.KINDS[kind]` names: a `path` is of this house and becomes an absolute link. Raises
        `Invalid` for an address that cannot be written to, `ValueError` for a kind or data that do not fit. Wake
        `host.jobs` after the transaction to have it sent at once.
        """
        if not looks_like_address(to):
            raise Invalid("This is not an email address.", {"email": "This is not an email address"})
        note = msgspec.structs.replace(
            write(kind, data, None),
            url=data["path"] if data.get("path", "").startswith("/") else None,  # the address is put before it last
            id=PREFIX + secrets.token_hex(12),
            recipients=(Recipient(name=(reader or data.get("name", "")).strip()[:120] or to, email=to),),
        )
        sealed = self._vault.seal(msgspec.json.encode(note), note.id)
        now = self._clock()
        self._record(conn, note, "queued", "", now)
        payload = {"id": note.id, "kind": kind, "mail": base64.b64encode(sealed).decode(), "user": user_id}
        jobs.enqueue(conn, key=note.id, kind=SEND, payload=payload, now=now)
        return note.id

    def preview(self, kind: str) -> Notification:
        """A mail with made-up people in it. Raises `Missing` for an unknown kind."""
        if kind not in KINDS:
            raise Missing("There is no such mail.")
        return write(kind, SAMPLES[kind], self._base_url() or "https://house.example")

    async def send_test(self, kind: str, to: str) -> str:
        """Queue a made-up mail to an address; gives its id in the delivery log."""
        if kind not in KINDS:
            raise Missing("There is no such mail.")
        return await self._db.write(lambda conn: self.queue(conn, kind, to, SAMPLES[kind], reader=to))

    # -- delivering ----------------------------------------------------------------------------------------------

    @property
    def possible(self) -> bool:
        """Whether something that can send mails is connected."""
        return bool(self._pool.bindings(PrivateNotifier))

    @property
    def has_address(self) -> bool:
        """Whether the house knows its own public address, which links in mails begin with."""
        return bool(self._base_url())

    def _open(self, payload: Mapping[str, Any]) -> Notification:
        opened = self._vault.open(base64.b64decode(payload["mail"]), str(payload["id"]))
        return msgspec.json.decode(opened, type=Notification)

    def _addressed(self, note: Notification) -> Notification:
        """The mail with a whole link, at the address that the house has now."""
        if note.url is None or not note.url.startswith("/"):
            return note
        base = self._base_url()
        return msgspec.structs.replace(note, url=f"{base.rstrip('/')}{note.url}" if base else None)

    async def _send(self, job: Job) -> Effects | None:
        note = self._addressed(self._open(job.payload))
        user_id = job.payload.get("user")
        if user_id is not None and (why := await self._db.read(lambda conn: reach.why_not(conn, user_id))):
            return self._ended(note, "dropped", why)
        if "path" in KINDS[str(job.payload["kind"])] and note.url is None:
            raise Rejected(
                "This house does not know its own public address (base_url), so the mail's link leads nowhere."
            )
        bindings = self._pool.bindings(PrivateNotifier)
        if not bindings:
            raise TryAgain(
                "Nothing that sends mails runs now. Add a service that does, such as an account at a mail server."
            )
        problem = ""
        for binding in bindings:
            answer: Answer[Receipt] = await self._guard.call(binding, "send_private", note, timeout=SEND_SECONDS)
            if answer.outcome is Outcome.OK and answer.value is not None:
                said = self._guard.clean(answer.value.detail)
                return self._ended(note, "delivered", f"{answer.name}: {said}".strip(": "))
            problem = f"{answer.name}: {answer.error}"
            if answer.outcome in (Outcome.REJECTED, Outcome.NOT_FOUND):
                raise Rejected(problem)
        await self._db.write(lambda conn: self._record(conn, note, "queued", problem, self._clock()))
        raise Unavailable(problem)

    def _refused(self, job: Job, error: str) -> Effects:
        return self._ended(self._open(job.payload), "refused", error)

    def _ended(self, note: Notification, state: str, detail: str) -> Effects:
        def effects(conn: Connection) -> After:
            now = self._clock()
            self._record(conn, note, state, detail, now)
            event = NotificationDelivered(
                at=now, notification_id=note.id, instance=CHANNEL, delivered=state == "delivered", detail=detail
            )
            return lambda: self._bus.publish(event)

        return effects

    @staticmethod
    def _record(conn: Connection, note: Notification, state: str, detail: str, now: datetime) -> None:
        keep = deliveries.drop if state == "dropped" else deliveries.put
        keep(
            conn,
            Delivery(
                notification_id=note.id,
                instance=CHANNEL,
                recipient=reach.NO_NAME if detail == reach.REMOVED else note.recipients[0].email or "",
                title=note.title,
                state=state,
                detail=detail,
                at=now,
            ),
        )

    def hurry(self, conn: Connection, instance: str) -> None:
        """Send soon what waits, if it is one of those that send mails that is back."""
        if self._pool.bindings(PrivateNotifier, instance=instance):
            jobs.hasten(conn, [one.id for one in jobs.unfinished(conn, SEND)], self._clock())

    async def send_again(self, mail_id: str) -> None:
        """Give a refused mail another budget of attempts. Raises `Missing`, or `Conflict` when it was not refused."""
        now = self._clock()

        def work(conn: Connection) -> None:
            job_id = jobs.id_of(conn, mail_id) if mail_id.startswith(PREFIX) else None
            if job_id is None:
                raise Missing("There is no such mail.")
            if not jobs.revive(conn, job_id, now):
                raise Conflict("Only a mail that was refused can be sent again.")
            deliveries.note(conn, mail_id, "queued", "", now)

        await self._db.write(work)
