"""Requests for access: a visitor without a link asks, an admin answers, and the visitor is mailed either way.

Asking only puts a job into the outbox, whoever asks: neither the words nor the time of the answer tell whether an
address is known here, or has asked before.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy import Connection

from ..failures import Conflict, Invalid, Missing, NotAllowed
from ..jobs.broker import Jobs
from ..jobs.runner import Effects, Runner
from ..notify.letters import looks_like_address, one_line
from ..notify.mails import Mails
from ..notify.wishes import News, wants
from ..store import access_requests as store
from ..store import jobs as job_store
from ..store import users as user_store
from ..store.access_requests import AccessRequest
from ..store.database import Database
from ..store.invites import Invite
from ..store.jobs import Job
from ..vault import Vault
from .activity import Activity, asking_from
from .invites import CODE_BYTES, Invites, named
from .models import Permission, User

log = structlog.get_logger("access")

ASK = "access.ask"
MAX_NAME, MAX_MESSAGE, MAX_REASON = 120, 1000, 500
# beyond these a flood is on: the first stops the mails to admins, the second keeps nothing more
MAILED, KEPT = 20, 500
INVITED_FOR = timedelta(days=14)


class AccessRequests:
    """All requests for access."""

    def __init__(
        self,
        db: Database,
        invites: Invites,
        activity: Activity,
        mails: Mails,
        runner: Runner,
        jobs: Jobs,
        vault: Vault,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._invites = invites
        self._activity = activity
        self._mails = mails
        self._jobs = jobs
        self._vault = vault
        self._clock = clock
        runner.register(ASK, self._keep, attempts=10)

    # -- asking --------------------------------------------------------------------------------------------------

    async def ask(self, *, name: str, email: str, message: str) -> None:
        """Ask for access. Raises `Invalid` for what cannot be read, `NotAllowed` when nobody may ask."""
        if (await self._invites.house.get()).registration != "request":
            raise NotAllowed("Nobody can ask for access here.", code="not_open")
        name, email = one_line(name), email.strip()
        wrong: dict[str, str] = {}
        if not 1 <= len(name) <= MAX_NAME:
            wrong["name"] = f"Write a name of 1 to {MAX_NAME} letters"
        if not looks_like_address(email):
            wrong["email"] = "This is not an email address"
        if not 1 <= len(message.strip()) <= MAX_MESSAGE:
            wrong["message"] = f"Write 1 to {MAX_MESSAGE} letters"
        if wrong:
            raise Invalid("That could not be sent.", wrong)
        key, now = f"ask:{secrets.token_hex(12)}", self._clock()
        asked = {"name": name, "email": email, "message": message.strip(), "ip": asking_from.get()}
        sealed = base64.b64encode(self._vault.seal(msgspec.json.encode(asked), key)).decode()
        await self._db.write(
            lambda conn: job_store.enqueue(conn, key=key, kind=ASK, payload={"asked": sealed}, now=now)
        )
        self._jobs.wake()

    async def _keep(self, job: Job) -> Effects:
        opened = self._vault.open(base64.b64decode(job.payload["asked"]), job.key)
        asked = msgspec.json.decode(opened, type=dict[str, str])

        def effects(conn: Connection) -> None:
            waiting = store.pending(conn)
            if waiting >= KEPT:
                log.warning("a request for access was dropped: too many wait for an answer", waiting=waiting)
                return
            if store.add(conn, now=self._clock(), **asked) is None or waiting >= MAILED:
                return
            data = {name: asked[name] for name in ("name", "email", "message")} | {"path": "/admin/access"}
            for admin in user_store.all_users(conn):
                address, may = admin.email or "", admin.may(Permission.MANAGE_USERS)
                if looks_like_address(address) and may and wants(admin, News.ACCESS_RECEIVED):
                    self._mails.queue(
                        conn, "access_received", address, data, reader=admin.display_name, user_id=admin.id
                    )

        return effects

    # -- answering -----------------------------------------------------------------------------------------------

    async def newest(self, state: str = "") -> list[AccessRequest]:
        """Requests, newest first, of one state if it is given."""
        return await self._db.read(lambda conn: store.newest(conn, state))

    async def pending(self) -> int:
        """How many wait for an answer."""
        return await self._db.read(store.pending)

    async def approve(
        self,
        actor: User,
        request_id: int,
        *,
        role: str = "viewer",
        note: str = "",
        libraries: Mapping[str, Sequence[str]] | None = None,
    ) -> Invite:
        """Mail the visitor an invitation for their address alone. Raises `Missing`, `Conflict`, `NotAllowed`."""
        await self._invites.check_role(actor, role)
        if len(note) > MAX_REASON:
            raise Invalid("The note is too long.", {"note": f"Use at most {MAX_REASON} letters"})
        code, now = secrets.token_urlsafe(CODE_BYTES), self._clock()

        def work(conn: Connection) -> Invite:
            asked = self._found(conn, request_id)
            new = Invite(
                id=0,
                created_by=actor.id,
                inviter=actor.display_name,
                role=role,
                note=note.strip(),
                email=asked.email,
                libraries={name: tuple(ids) for name, ids in (libraries or {}).items() if ids},
                uses=1,
                used=0,
                created_at=now,
                expires_at=now + INVITED_FOR,
                revoked_at=None,
            )
            invite = self._invites.keep(conn, new, code)
            self._decide(conn, request_id, state="approved", by=actor.display_name, now=now, invite=invite.id)
            after = {"role": role, "invitation": invite.id, "libraries": named(invite), "note": invite.note}
            self._activity.note(conn, actor, "access.approved", asked.email, before={"state": asked.state}, after=after)
            until = f"{invite.expires_at:%-d %B %Y}"
            data = {"name": asked.name, "note": note.strip(), "until": until, "path": f"/invite/{code}"}
            self._mails.queue(conn, "access_approved", asked.email, data)
            return invite

        invite = await self._db.write(work)
        self._jobs.wake()
        return invite

    async def reject(self, actor: User, request_id: int, reason: str) -> None:
        """Refuse a request; the visitor reads the reason in a mail. Raises `Missing`, `Conflict`, `Invalid`."""
        reason = reason.strip()
        if not 1 <= len(reason) <= MAX_REASON:
            raise Invalid("Say why: they read it.", {"reason": f"Write 1 to {MAX_REASON} letters"})
        now = self._clock()

        def work(conn: Connection) -> None:
            asked = self._found(conn, request_id)
            self._decide(conn, request_id, state="rejected", by=actor.display_name, now=now, reason=reason)
            self._activity.note(conn, actor, "access.rejected", asked.email, after={"reason": reason})
            self._mails.queue(conn, "access_rejected", asked.email, {"name": asked.name, "reason": reason})

        await self._db.write(work)
        self._jobs.wake()

    @staticmethod
    def _found(conn: Connection, request_id: int) -> AccessRequest:
        asked = store.get(conn, request_id)
        if asked is None:
            raise Missing("There is no such request.")
        return asked

    @staticmethod
    def _decide(
        conn: Connection,
        request_id: int,
        *,
        state: str,
        by: str,
        now: datetime,
        reason: str = "",
        invite: int | None = None,
    ) -> None:
        if not store.decide(conn, request_id, state=state, by=by, now=now, reason=reason, invite=invite):
            raise Conflict("This request was answered already.")
