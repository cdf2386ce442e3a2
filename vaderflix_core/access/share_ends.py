"""Ending what was shared with people whose account goes: durable work, so that a source that is away loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..api.people import Share
from ..api.roles import Sharing as SharingRole
from ..failures import Missing
from ..jobs.broker import Jobs
from ..jobs.runner import Effects, Runner, TryAgain
from ..plugins.apart import Apart
from ..plugins.pool import Binding, Pool
from ..store import identities as identity_store
from ..store import jobs as job_store
from ..store import shares as store
from ..store.database import Database
from ..store.jobs import Job
from ..store.shares import Kept
from .activity import Activity
from .models import User
from .share_facts import match

END = "share.end"
ATTEMPTS = 30  # with the longest wait, some five days
LONGEST = timedelta(hours=6)
SECOND_LOOK = 60.0  # seconds
NOT_SEEN = "Its list does not show this share. It is looked at once more before that is believed."
OVER = ("suspended", "removed")


class ShareEnd(Struct, frozen=True, kw_only=True):
    """A share that is still to be ended. `retry_at` is None once it was given up; `detail` says why."""

    id: int
    instance: str
    person: str
    detail: str
    retry_at: datetime | None


def at_stake(conn: Connection, user_id: int) -> list[Kept]:
    """What an account's end would end at the sources: all that may be there and can be told from other people's."""
    linked = {one.provider.partition(":")[2]: one for one in identity_store.of_user(conn, user_id)}
    found = []
    for one in store.of_user(conn, user_id):
        link = linked.get(one.instance)
        if link is not None:
            person, subject = one.person or link.label, one.subject or link.subject
            one = msgspec.structs.replace(one, person=person, subject=subject)
        if one.state not in OVER and (one.remote_id or one.subject):
            found.append(one)
    return found


def queue_ends(conn: Connection, shared: Sequence[Kept], now: datetime) -> None:
    """Keep that shares are to end, in the transaction that removes their account."""
    for one in shared:
        key = f"{END}:{one.user_id}:{one.instance}:{int(now.timestamp() * 1000)}"
        job_store.enqueue(conn, key=key, kind=END, payload={"share": msgspec.to_builtins(one)}, now=now)


class ShareEnds:
    """Ends at the sources what `queue_ends` has kept, and shows what is not done yet."""

    def __init__(
        self,
        db: Database,
        pool: Pool,
        apart: Apart,
        activity: Activity,
        runner: Runner,
        jobs: Jobs,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._pool = pool
        self._apart = apart
        self._activity = activity
        self._jobs = jobs
        self._clock = clock
        runner.register(END, self._end, attempts=ATTEMPTS, longest=LONGEST, on_dead=self._given_up)

    async def at_stake(self, user_id: int) -> list[Kept]:
        """What an account's end would end at the sources."""
        return await self._db.read(lambda conn: at_stake(conn, user_id))

    async def waiting(self) -> list[ShareEnd]:
        """What is not ended yet, and what was given up."""
        return [
            ShareEnd(
                id=job.id,
                instance=share.instance,
                person=share.person,
                detail=job.error,
                retry_at=None if job.state == "dead" else job.run_at,
            )
            for job in await self._db.read(lambda conn: job_store.unfinished(conn, END))
            for share in [_share(job.payload)]
        ]

    async def try_now(self, actor: User, id: int) -> None:
        """Try one again at once, with another budget. Raises `Missing`."""

        def work(conn: Connection) -> None:
            job = _found(conn, id)
            job_store.go_on(conn, id, self._clock())
            self._note(conn, actor, "share.end_tried_again", _share(job.payload))

        await self._db.write(work)
        self._jobs.wake()

    async def leave(self, actor: User, id: int) -> None:
        """Leave one as it is at the source: it is not tried any more. Raises `Missing`."""

        def work(conn: Connection) -> None:
            job = _found(conn, id)
            job_store.leave(conn, id)
            self._note(conn, actor, "share.end_left", _share(job.payload))

        await self._db.write(work)

    # -- the work ------------------------------------------------------------------------------------------------

    async def _end(self, job: Job) -> Effects | None:
        kept = _share(job.payload)
        bindings = self._pool.bindings(SharingRole, instance=kept.instance)
        if not bindings:
            raise TryAgain("Its source does not run here now.")
        asked_for = job.attempts == 1  # by the one who removed the account, or pressed the button
        share = match(kept, await self._ask(bindings[0], "people", anew=asked_for))
        if share is None:
            if job.error != NOT_SEEN:
                raise TryAgain(NOT_SEEN, after=SECOND_LOOK)
            return self._noted("share.end_not_needed", kept)
        if await self._db.read(lambda conn: _followed(conn, share, kept.instance)):
            return self._noted("share.end_taken_over", kept)
        await self._ask(bindings[0], "remove", share.id, anew=asked_for)
        return self._noted("share.removed", kept)

    async def _ask(self, binding: Binding, method: str, *args: Any, anew: bool) -> Any:
        answer = await self._apart.call(binding, method, *args, timeout=45, anew=anew)
        if not answer.ok:
            raise TryAgain(answer.error)
        return answer.value

    def _given_up(self, job: Job, error: str) -> Effects:
        return self._noted("share.end_given_up", _share(job.payload))

    def _noted(self, action: str, kept: Kept) -> Effects:
        return lambda conn: self._note(conn, None, action, kept)

    def _note(self, conn: Connection, actor: User | None, action: str, kept: Kept) -> None:
        facts = {"at": kept.instance, "libraries": list(kept.libraries), "account": "removed"}
        self._activity.note(conn, actor, action, kept.person, after=facts)


def _share(payload: dict[str, Any]) -> Kept:
    return msgspec.convert(payload["share"], Kept)


def _found(conn: Connection, id: int) -> job_store.Unfinished:
    job = next((one for one in job_store.unfinished(conn, END) if one.id == id), None)
    if job is None:
        raise Missing("This is not to be ended any more.")
    return job


def _followed(conn: Connection, share: Share, instance: str) -> bool:
    """Whether a share has become another account's since."""
    return any(match(one, [share]) is not None for one in store.of_instance(conn, instance))
