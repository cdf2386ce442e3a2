"""All that is kept about an account, for its owner to take along; and the account's end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Conflict, Missing
from ..requests.models import RequestState
from ..requests.states import ENDED
from ..store import activity as activity_store
from ..store import own_data as store
from ..store import requests as request_store
from ..store import sessions as session_store
from ..store import users as user_store
from ..store.database import Database
from .activity import Activity
from .models import ADMIN, Permission, User
from .sessions import Sessions

PAGE = 100  # rows that are held at a time while an export is written
UNDER_WAY = frozenset(RequestState) - ENDED - {RequestState.PENDING, RequestState.FAILED}
FOR_MANAGERS = ("evidence", "service", "detail")  # words of services: addresses and paths of the house
REQUEST_FACTS = ("id", "kind", "title", "year", "ids", "seasons", "state", "decline_reason", "created_at", "updated_at")


class Stake(Struct, frozen=True, kw_only=True):
    """What an account's end would mean: requests that wait, that are on their way, and the rest."""

    waiting: int
    under_way: int
    ended: int


class OwnData:
    """Exports an account's data, and removes accounts."""

    def __init__(self, db: Database, sessions: Sessions, activity: Activity, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._sessions = sessions
        self._activity = activity
        self._clock = clock

    # -- export --------------------------------------------------------------------------------------------------

    async def export(self, user: User) -> AsyncIterator[bytes]:
        """Everything about an account as one JSON object, in parts of bounded size. No secret is in it.

        Tokens, keys, password and second factor are named by what they are, never by their value or its hash.
        """
        await self._activity.log(user, "data.exported", user.username)
        first = await self._db.read(lambda conn: self._facts(conn, user))
        yield b'{"exported_at":' + msgspec.json.encode(self._clock())
        for name, value in first.items():
            yield b',"' + name.encode() + b'":' + msgspec.json.encode(value)
        async for part in self._listed("requests", self._requests, user):
            yield part
        async for part in self._listed("activity", self._entries, user):
            yield part
        yield b"}"

    async def _listed(self, name: str, page: Callable[..., list[dict[str, Any]]], user: User) -> AsyncIterator[bytes]:
        yield b',"' + name.encode() + b'":['
        before: int | None = None
        while True:
            rows = await self._db.read(partial(page, user=user, before=before))
            for row in rows:
                yield (b"," if before is not None else b"") + msgspec.json.encode(row)
                before = row["id"]
            if len(rows) < PAGE:
                break
        yield b"]"

    def _facts(self, conn: Connection, user: User) -> dict[str, Any]:
        now = self._clock()
        fresh = user_store.get(conn, user.id)
        if fresh is None:
            raise Missing("There is no such account.")
        return {
            "profile": fresh,
            "second_factor": store.second_factor_of(conn, user.id),
            "passkeys": store.passkeys_of(conn, user.id),
            "identities": store.identities_of(conn, user.id),
            "devices": session_store.of_user(conn, user.id, now),
            "api_keys": session_store.keys_of(conn, user.id),
            "shares": store.shares_of(conn, user.id),
            "watched": store.positions_of(conn, user.id),
            "messages": store.deliveries_to(conn, fresh.email) if fresh.email else [],
        }

    @staticmethod
    def _requests(conn: Connection, user: User, before: int | None) -> list[dict[str, Any]]:
        hidden = () if user.may(Permission.MANAGE_REQUESTS) else FOR_MANAGERS
        found = []
        for request in request_store.find(conn, owner=user.id, limit=PAGE, before=before):
            facts = {name: getattr(request, name) for name in REQUEST_FACTS}
            facts["timeline"] = [
                {
                    "at": entry.at,
                    "what": entry.type,
                    "state": entry.state,
                    "by": entry.actor,
                    "details": {name: words for name, words in entry.data.items() if name not in hidden},
                }
                for entry in request_store.timeline(conn, request.id)
            ]
            found.append(facts)
        return found

    @staticmethod
    def _entries(conn: Connection, user: User, before: int | None) -> list[dict[str, Any]]:
        entries = activity_store.find(conn, actor_id=user.id, before=before, limit=PAGE)
        return [msgspec.structs.asdict(entry) for entry in entries]

    # -- the end -------------------------------------------------------------------------------------------------

    async def is_needed(self, user: User) -> bool:
        """Whether the house would have no admin without this account."""
        return user.role == ADMIN and not await self._db.read(lambda conn: user_store.other_admins(conn, user.id))

    async def stake(self, user_id: int) -> Stake:
        """What an account's end would mean for its requests."""
        counts = await self._db.read(lambda conn: request_store.counts(conn, user_id))
        under_way = sum(n for state, n in counts.items() if state in UNDER_WAY)
        waiting = counts.get(RequestState.PENDING, 0)
        return Stake(waiting=waiting, under_way=under_way, ended=sum(counts.values()) - waiting - under_way)

    async def remove(self, actor: User, user_id: int, *, heir: int | None = None) -> None:
        """Remove an account for ever, in one transaction with its entry in the log.

        Its requests that are on their way go to `heir`, else to the admin who has been here longest: services fetch
        them already, and somebody has to see how that ends. All others go with the account, those that wait for
        approval too. The activity log keeps what was done. Raises `Missing`; `Conflict` for the last admin.
        """

        def work(conn: Connection) -> None:
            store.lock_admins(conn)
            user = user_store.get(conn, user_id)
            if user is None:
                raise Missing("There is no such account.")
            others = user_store.other_admins(conn, user_id)
            if user.role == ADMIN and not others:
                raise Conflict("This is the only admin. Make somebody else an admin first.", code="last_admin")
            now = self._clock()
            to = heir if heir is not None and heir != user_id else store.oldest_admin(conn, user_id)
            handed = store.hand_over(conn, user_id, to, UNDER_WAY) if to is not None else []
            for request_id in handed:
                request = request_store.get(conn, request_id)
                if request is not None:
                    request_store.log(conn, request_id, at=now, type="handed_over", state=request.state)
            before = {"role": user.role, "name": user.display_name}
            self._activity.note(
                conn, actor, "account.removed", user.username, before=before, after={"handed_over": len(handed)}
            )
            if user.email:
                store.forget_deliveries(conn, user.email)
            store.remove(conn, user_id)

        await self._db.write(work)
        self._sessions.forget(user_id)
