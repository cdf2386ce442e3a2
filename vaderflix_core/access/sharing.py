"""Who may see which libraries at the sources of the house: asked for, shown, changed, suspended, ended.

What is wanted is kept before anything is called, and followed until the source has it; after many failed tries an admin
is asked. What a source does not say is not known: an error, half a list or silence changes nothing. A share that is
missing in two whole lists in a row was ended there; many at once are a question to an admin.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec import Struct, structs
from sqlalchemy import Connection

from ..api.people import Share, SharedLibrary, ShareState
from ..api.roles import Sharing as SharingRole
from ..failures import Conflict, Invalid, Missing, SourceFailed
from ..plugins.answers import Answer, Outcome
from ..plugins.apart import Apart
from ..plugins.pool import Binding, Pool
from ..store import identities as identity_store
from ..store import shares as store
from ..store import users as user_store
from ..store.database import Database
from ..store.invites import Invite
from ..store.shares import Kept
from .activity import Activity, changed
from .models import User
from .outside import provider_of
from .share_ends import queue_ends
from .share_facts import LIVE, as_there, covers, match, too_many

log = structlog.get_logger("access")

PROMISED = ("wanted", "given_up", ShareState.PENDING)  # the person waits for us, or the source for the person
TRIES = 20  # to have what is wanted: with the waits below, some three days
FIRST_WAIT = timedelta(minutes=1)  # doubled after each try
LONGEST_WAIT = timedelta(hours=6)


class Offered(Struct, frozen=True, kw_only=True):
    """What one source can share; `error` says why that is not known, to admins."""

    instance: str
    name: str
    libraries: tuple[SharedLibrary, ...] = ()
    error: str = ""


class ShareRow(Struct, frozen=True, kw_only=True):
    """One share as an admin sees it: at the source, of an account here, or both."""

    instance: str
    name: str
    state: str
    libraries: tuple[str, ...]
    everything: bool = False
    share_id: str | None = None
    user: User | None = None
    detail: str = ""
    retry_at: datetime | None = None


class Source(Struct, frozen=True, kw_only=True):
    """All shares of one source. `error` is set when it could not be asked: then the rows are what was known last."""

    instance: str
    name: str
    rows: tuple[ShareRow, ...]
    libraries: tuple[SharedLibrary, ...]
    error: str = ""
    gone: int = 0  # so many shares vanished at once that an admin is asked


class NotEnded(SourceFailed):
    """A share is still there after all."""


class Sharing:
    """Sharing of libraries with people."""

    def __init__(
        self, db: Database, pool: Pool, apart: Apart, activity: Activity, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._pool = pool
        self._apart = apart
        self._activity = activity
        self._clock = clock

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def possible(self) -> bool:
        """Whether any source can share."""
        return bool(self._pool.bindings(SharingRole))

    async def libraries(self) -> list[Offered]:
        """What each source can share."""
        found = []
        for binding in self._pool.bindings(SharingRole):
            answer = await self._apart.call(binding, "libraries")
            libraries = tuple(answer.value or ())
            found.append(Offered(instance=binding.instance, name=binding.name, libraries=libraries, error=answer.error))
        return found

    async def by_user(self) -> dict[int, list[Kept]]:
        """What is known of each account's shares."""
        found: dict[int, list[Kept]] = {}
        for kept in await self._db.read(store.everything):
            found.setdefault(kept.user_id, []).append(kept)
        return found

    async def given_up(self) -> int:
        """How many shares were tried until they were given up."""
        return await self._db.read(store.given_up)

    async def overview(self) -> list[Source]:
        """Every source with all its shares, asked for now."""
        return [await self._source(binding) for binding in self._pool.bindings(SharingRole)]

    async def _source(self, binding: Binding) -> Source:
        offered = await self._apart.call(binding, "libraries", anew=True)
        answer = await self._apart.call(binding, "people", anew=True)
        kept, users = await self._db.read(lambda c: (store.of_instance(c, binding.instance), user_store.all_users(c)))
        by_id = {user.id: user for user in users}
        there: list[Share] = answer.value or []
        rows, matched = [], set[str]()
        for one in kept:
            share = match(one, there)
            matched |= {share.id} if share else set()
            # a share that is there shows what is there; the rest shows what we know
            rows.append(_row(binding, one, share, by_id.get(one.user_id)))
        rows += [_row(binding, None, share, None) for share in there if share.id not in matched]
        gone = self._gone(kept, there) if answer.ok else []
        return Source(
            instance=binding.instance,
            name=binding.name,
            rows=tuple(sorted(rows, key=lambda row: row.name.casefold())),
            libraries=tuple(offered.value or ()),
            error=answer.error or offered.error,
            gone=len(gone) if too_many(gone, kept) else 0,
        )

    @staticmethod
    def _gone(kept: Sequence[Kept], there: Sequence[Share]) -> list[Kept]:
        return [one for one in kept if one.state in LIVE and match(one, there) is None]

    # -- asking for ----------------------------------------------------------------------------------------------

    def accepted(self, conn: Connection, user: User, invite: Invite) -> None:
        """Keep what an invitation promises, in the transaction that makes the account."""
        for instance, libraries in invite.libraries.items():
            self.want(conn, user, instance, libraries)

    def want(self, conn: Connection, user: User, instance: str, libraries: Sequence[str]) -> None:
        """Keep that libraries are to be shared with an account; it is done as soon as the source can be asked.

        What is known of a share that is there stays known, and its libraries wanted.
        """
        before = store.get(conn, user.id, instance)
        shared = before.libraries if before is not None and before.state in LIVE else ()
        store.put(
            conn,
            Kept(
                user_id=user.id,
                instance=instance,
                person=user.email or (before.person if before else ""),
                subject=before.subject if before else None,
                remote_id=before.remote_id if before else None,
                libraries=tuple(dict.fromkeys((*shared, *libraries))),
                state="wanted",
                detail="",
                updated_at=self._clock(),
            ),
        )

    async def invite(self, actor: User, user_id: int, instance: str, libraries: Sequence[str]) -> Kept:
        """Share with an account now; what is shared already stays. Raises `Invalid`, `Missing`, `SourceFailed`."""
        if not libraries:
            raise Invalid("Choose a library at least.", {"libraries": "Choose a library at least."})
        binding = self._binding(instance)

        def work(conn: Connection) -> None:
            user = user_store.get(conn, user_id)
            if user is None:
                raise Missing("There is no such account.")
            self.want(conn, user, instance, libraries)
            self._note(conn, actor, "share.invited", binding, user.username, libraries)

        await self._db.write(work)
        kept = await self._kept(user_id, instance)
        return await self.ask_for(binding, kept, anew=True)

    async def ask_for(self, binding: Binding, kept: Kept, *, anew: bool = False) -> Kept:
        """Try to have what is wanted. A source that cannot be asked leaves it wanted, until the tries are used up."""
        provider = provider_of(binding.plugin, binding.instance)

        def read(conn: Connection) -> tuple[User | None, str | None]:
            linked = identity_store.of_user(conn, kept.user_id)
            subject = next((one.subject for one in linked if one.provider == provider), None)
            return user_store.get(conn, kept.user_id), subject

        user, subject = await self._db.read(read)
        who = subject or kept.subject or kept.person or (user.email if user else None)
        if user is None or not who:
            text = "It is not known who they are there: an address, or a linked account, is needed."
            return await self._later(kept, text)
        wanted = structs.replace(kept, subject=subject or kept.subject, person=kept.person or who)
        known = await self._apart.call(binding, "people", anew=anew)
        if not known.ok:
            return await self._later(wanted, known.error)
        there: list[Share] = known.value or []
        share = match(wanted, there)
        if share is None:
            answer = await self._apart.call(binding, "invite", who, list(kept.libraries), timeout=45, anew=anew)
        elif covers(share, kept.libraries):
            return await self._put(wanted, share, tried=True)
        else:
            # an invitation never takes away what was shared before
            union = list(dict.fromkeys((*share.libraries, *kept.libraries)))
            answer = await self._apart.call(binding, "change", share.id, union, timeout=45, anew=anew)
        if answer.ok:
            return await self._put(wanted, answer.value, tried=True)
        if answer.outcome in (Outcome.REJECTED, Outcome.NOT_FOUND):
            return await self._put(wanted, tried=True, state="refused", detail=answer.error, tries=0, retry_at=None)
        return await self._later(wanted, answer.error)

    async def _later(self, kept: Kept, detail: str) -> Kept:
        """Note a try that failed: there is another one, or an admin is asked."""
        tries = kept.tries + 1
        if tries < TRIES:
            wait = min(FIRST_WAIT * 2**kept.tries, LONGEST_WAIT) * random.uniform(0.8, 1.2)
            return await self._put(kept, tried=True, detail=detail, tries=tries, retry_at=self._clock() + wait)
        log.warning("a share is given up", instance=kept.instance, tries=tries, error=detail)
        given_up = await self._put(kept, tried=True, state="given_up", detail=detail, tries=tries, retry_at=None)
        await self._activity.log(None, "share.given_up", kept.person, after={"at": kept.instance, "said": detail})
        return given_up

    async def _put(self, kept: Kept, share: Share | None = None, *, tried: bool = False, **values: Any) -> Kept:
        """Keep what is known now. After a try, which takes its time, what somebody has wanted, ended or dropped
        meanwhile counts instead."""
        now = self._clock()
        after = structs.replace(kept, updated_at=now, **values)
        if share is not None:
            after = as_there(after, share)

        def work(conn: Connection) -> Kept:
            if user_store.get(conn, kept.user_id) is None:
                if share is not None:  # the account was removed while its source was asked
                    queue_ends(conn, [after], now)
            elif not tried:
                store.put(conn, after)
            elif not store.replace(conn, kept, after):
                return store.get(conn, kept.user_id, kept.instance) or after
            return after

        return await self._db.write(work)

    # -- changing ------------------------------------------------------------------------------------------------

    async def change(self, actor: User, instance: str, share_id: str, libraries: Sequence[str]) -> None:
        """Share these libraries instead. Raises `Invalid`, `Missing`, `SourceFailed`."""
        if not libraries:
            raise Invalid("Choose a library at least. To share nothing, suspend or remove the share.")
        binding = self._binding(instance)
        before = await self._there(binding, share_id)
        share: Share = await self._do(binding, "change", share_id, list(libraries))
        kept = self._of(await self._db.read(lambda conn: store.of_instance(conn, instance)), share)
        if kept is not None:
            await self._put(kept, share)
        was, now = changed({"libraries": before.libraries}, {"at": binding.name, "libraries": tuple(libraries)})
        await self._activity.log(actor, "share.changed", share.name, before=was, after=now)

    async def suspend(self, actor: User, user_id: int, instance: str) -> None:
        """End a share for now, and remember what it was. Raises `Missing`, `Conflict`, `SourceFailed`."""
        binding, kept = self._binding(instance), await self._kept(user_id, instance)
        share = match(kept, await self._do(binding, "people"))
        if share is None:
            raise Conflict("This is not shared now.")
        # before the call: what was shared is known whatever comes of it
        whole = as_there(kept, share)
        if not whole.libraries:
            offered = await self._do(binding, "libraries")
            whole = structs.replace(whole, libraries=tuple(library.id for library in offered))
        held = await self._put(whole, state="suspended", detail="")
        try:
            await self._end(binding, share, actor, "share.suspended")
        except NotEnded:
            await self._put(held, share)
            raise
        # again: a look that began before the end may have seen the share, and kept that
        held = await self._put(held)
        await self._db.write(lambda c: self._note(c, actor, "share.suspended", binding, share.name, held.libraries))

    async def restore(self, actor: User, user_id: int, instance: str) -> Kept:
        """Share again what was suspended, refused, given up or ended; what is wanted is tried now. Raises `Missing`,
        `Conflict`."""
        binding, kept = self._binding(instance), await self._kept(user_id, instance)
        if kept.state in LIVE or not kept.libraries:
            raise Conflict("There is nothing to restore.")
        await self._db.write(lambda c: self._note(c, actor, "share.restored", binding, kept.person, kept.libraries))
        wanted = await self._put(kept, state="wanted", remote_id=None, tries=0, retry_at=None)
        return await self.ask_for(binding, wanted, anew=True)

    async def remove(self, actor: User, instance: str, share_id: str) -> None:
        """End a share for good. Raises `Missing`, `SourceFailed`."""
        binding = self._binding(instance)
        share = await self._there(binding, share_id)
        await self._end(binding, share, actor, "share.removed")
        kept = self._of(await self._db.read(lambda conn: store.of_instance(conn, instance)), share)

        def work(conn: Connection) -> None:
            if kept is not None:
                store.drop(conn, kept.user_id, instance)
            before = {"at": binding.name, "libraries": share.libraries}
            self._activity.note(conn, actor, "share.removed", share.name, before=before)

        await self._db.write(work)

    async def forget(self, actor: User, user_id: int, instance: str) -> None:
        """Drop what is remembered of a share that is not there. Raises `Missing`, `Conflict`."""
        kept = await self._kept(user_id, instance)
        if kept.state in LIVE:
            raise Conflict("This is shared. Remove the share instead.")

        def work(conn: Connection) -> None:
            store.drop(conn, user_id, instance)
            self._activity.note(conn, actor, "share.forgotten", kept.person, before={"at": instance})

        await self._db.write(work)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _binding(self, instance: str) -> Binding:
        found = self._pool.bindings(SharingRole, instance=instance)
        if not found:
            raise Missing("There is no such source, or it does not run.")
        return found[0]

    async def _kept(self, user_id: int, instance: str) -> Kept:
        kept = await self._db.read(lambda conn: store.get(conn, user_id, instance))
        if kept is None:
            raise Missing("There is no such share.")
        return kept

    async def _there(self, binding: Binding, share_id: str) -> Share:
        share: Share | None = next((one for one in await self._do(binding, "people") if one.id == share_id), None)
        if share is None:
            raise Missing("This share is gone already.")
        return share

    async def _end(self, binding: Binding, share: Share, actor: User, action: str) -> None:
        """End a share at its source. Raises `NotEnded`, and `SourceFailed` when nobody can tell whether it ended."""
        answer = await self._apart.call(binding, "remove", share.id, timeout=45, anew=True)
        if answer.ok:
            return
        # the answer may have been lost after the deed
        known = await self._apart.call(binding, "people", anew=True)
        if not known.ok:
            text = f"{binding.name} does not say whether it did it. The list shows it once it can be asked."
            before = {"at": binding.name, "libraries": share.libraries}
            await self._activity.log(actor, action, share.name, before=before, after={"outcome": "not known"})
            raise SourceFailed(text, evidence=answer.error)
        if any(one.id == share.id for one in known.value or ()):
            raise NotEnded(f"{binding.name} did not do it. Nothing was changed here.", evidence=answer.error)

    async def _do(self, binding: Binding, method: str, *args: Any) -> Any:
        answer: Answer[Any] = await self._apart.call(binding, method, *args, timeout=45, anew=True)
        if not answer.ok:
            raise SourceFailed(f"{binding.name} did not do it. Nothing was changed here.", evidence=answer.error)
        return answer.value

    @staticmethod
    def _of(kept: Sequence[Kept], share: Share) -> Kept | None:
        return next((one for one in kept if match(one, [share]) is not None), None)

    def _note(
        self, conn: Connection, actor: User, action: str, binding: Binding, who: str, libraries: Sequence[str]
    ) -> None:
        self._activity.note(conn, actor, action, who, after={"at": binding.name, "libraries": list(libraries)})


def _row(binding: Binding, kept: Kept | None, share: Share | None, user: User | None) -> ShareRow:
    return ShareRow(
        instance=binding.instance,
        name=share.name if share else (kept.person if kept else "") or (user.display_name if user else ""),
        state=str(share.state) if share else (kept.state if kept else ""),
        libraries=share.libraries if share else (kept.libraries if kept else ()),
        everything=share.everything if share else False,
        share_id=share.id if share else None,
        user=user,
        detail=kept.detail if kept else "",
        retry_at=kept.retry_at if kept else None,
    )
