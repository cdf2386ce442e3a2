"""Keeps what is known of shares true: takes up what is wanted, and sees what was accepted or ended at the source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import structlog
from msgspec import structs
from sqlalchemy import Connection

from ..api.people import Share, ShareState
from ..api.roles import Sharing as SharingRole
from ..failures import Missing, SourceFailed
from ..plugins.apart import Apart
from ..plugins.pool import Binding, Pool
from ..store import identities as identity_store
from ..store import shares as store
from ..store import users as user_store
from ..store.database import Database
from ..store.shares import Kept
from .activity import Activity
from .models import User
from .outside import provider_of
from .sessions import Sessions
from .share_facts import LIVE, WANTED, as_there, covers, match, too_many
from .sharing import Sharing

log = structlog.get_logger("access")


class ShareWatch:
    """Looks at every source in turn. Only whole lists count; one look without a share is no end of it."""

    def __init__(
        self,
        db: Database,
        pool: Pool,
        apart: Apart,
        sharing: Sharing,
        sessions: Sessions,
        activity: Activity,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._pool = pool
        self._apart = apart
        self._sharing = sharing
        self._sessions = sessions
        self._activity = activity
        self._clock = clock
        self._missed: dict[str, set[int]] = {}  # whose shares the last look did not find
        self._asked: set[str] = set()  # instances whose admins have been told of many at once

    async def look(self) -> None:
        """Bring everything up to date that the sources say now."""
        for binding in self._pool.bindings(SharingRole):
            await self._look_at(binding)

    async def _look_at(self, binding: Binding) -> None:
        await self._have_wanted(binding)
        started = self._clock()
        # before the list: a share that ends in between is in the list, but is no new one
        known = {one.user_id for one in await self._db.read(lambda conn: store.of_instance(conn, binding.instance))}
        answer = await self._apart.call(binding, "people")
        if not answer.ok:
            return
        there: list[Share] = answer.value or []
        await self._adopt(binding, there, known)
        kept = await self._db.read(lambda conn: store.of_instance(conn, binding.instance))
        for one in kept:
            share = match(one, there)
            if share is None or one.updated_at > started or as_there(one, share) == one:
                continue
            # what is wanted beside that which is there stays wanted
            if one.state not in WANTED or covers(share, one.libraries):
                await self._keep(one, as_there(one, share))
        gone = [one for one in kept if one.state in LIVE and one.updated_at <= started and match(one, there) is None]
        if too_many(gone, kept):
            if binding.instance not in self._asked:
                log.warning("many shares are gone at once; an admin is asked", instance=binding.instance, n=len(gone))
            self._asked.add(binding.instance)
            return
        self._asked.discard(binding.instance)
        before = self._missed.get(binding.instance, set())
        self._missed[binding.instance] = {one.user_id for one in gone}
        await self._end(binding, [one for one in gone if one.user_id in before])

    async def _have_wanted(self, binding: Binding) -> None:
        """Try what is due, and at once what waits for people who have linked their account by now."""
        provider = provider_of(binding.plugin, binding.instance)

        def read(conn: Connection) -> tuple[list[Kept], set[int]]:
            return store.of_instance(conn, binding.instance), set(identity_store.of_provider(conn, provider).values())

        kept, linked = await self._db.read(read)
        now = self._clock()
        for one in kept:
            if one.state in ("wanted", "given_up") and one.subject is None and one.user_id in linked:
                await self._sharing.ask_for(binding, structs.replace(one, state="wanted", tries=0))
            elif one.state == "wanted" and (one.retry_at is None or one.retry_at <= now):
                await self._sharing.ask_for(binding, one)

    async def _adopt(self, binding: Binding, there: Sequence[Share], known: Collection[int]) -> None:
        """Begin to follow shares of people who have linked their account: they may be older than the account."""
        provider = provider_of(binding.plugin, binding.instance)
        linked = await self._db.read(lambda conn: identity_store.of_provider(conn, provider))
        for share in there:
            user_id = linked.get(share.subject or "")
            if user_id is not None and user_id not in known:
                blank = Kept(
                    user_id=user_id,
                    instance=binding.instance,
                    person=share.name,
                    subject=share.subject,
                    remote_id=share.id,
                    libraries=share.libraries,
                    state=str(share.state),
                    detail="",
                    updated_at=self._clock(),
                )
                await self._db.write(lambda conn, row=blank: store.put(conn, row))  # type: ignore[misc]

    async def _keep(self, before: Kept, after: Kept) -> bool:
        """Keep what was seen of a share; False when somebody has changed it, or ended it, since it was read."""
        seen = structs.replace(after, updated_at=self._clock())
        return await self._db.write(lambda conn: store.replace(conn, before, seen))

    async def _end(self, binding: Binding, gone: Sequence[Kept]) -> None:
        """Note the end of shares, and of the sessions that were begun with the access they gave."""
        for one in gone:
            what = "The invitation was declined or taken back" if one.state == ShareState.PENDING else "It was ended"
            ended = structs.replace(one, state="removed", detail=f"{what} at {binding.name}.")
            if not await self._keep(one, ended):
                continue
            user = await self._db.read(lambda conn, id=one.user_id: user_store.get(conn, id))  # type: ignore[misc]
            if user is None:
                continue
            for session in await self._sessions.devices(user):
                if session.method == binding.instance[:32]:
                    await self._sessions.end(session.id)
            await self._activity.log(None, "share.ended_there", user.username, after={"at": binding.name})

    async def confirm(self, actor: User, instance: str) -> int:
        """An admin says that the many that are gone were meant to go; gives how many. Raises `SourceFailed`."""
        found = self._pool.bindings(SharingRole, instance=instance)
        if not found:
            raise Missing("There is no such source, or it does not run.")
        answer = await self._apart.call(found[0], "people", anew=True)
        if not answer.ok:
            raise SourceFailed(f"{found[0].name} cannot be asked now. Nothing was changed.", evidence=answer.error)
        kept = await self._db.read(lambda conn: store.of_instance(conn, instance))
        gone = [one for one in kept if one.state in LIVE and match(one, answer.value or []) is None]
        await self._end(found[0], gone)
        await self._activity.log(actor, "share.end_confirmed", found[0].name, after={"shares": len(gone)})
        return len(gone)
