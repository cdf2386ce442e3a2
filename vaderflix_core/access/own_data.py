"""All that is kept about an account, for its owner to take along, and what its end would mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..failures import Missing
from ..requests.states import ENDED
from ..store import activity as activity_store
from ..store import own_data as store
from ..store import problems as problem_store
from ..store import requests as request_store
from ..store import sessions as session_store
from ..store import users as user_store
from ..store.database import Database
from .activity import Activity
from .models import ADMIN, Permission, User

PAGE = 100  # rows that are held at a time while an export is written
FOR_MANAGERS = ("evidence", "service", "detail")  # words of services: addresses and paths of the house
REQUEST_FACTS = (
    "id",
    "kind",
    "title",
    "year",
    "ids",
    "seasons",
    "quality",
    "state",
    "decline_reason",
    "created_at",
    "updated_at",
)


class Stake(Struct, frozen=True, kw_only=True):
    """The requests that an account's end would touch: those not done yet, and those that ended."""

    under_way: int
    ended: int


class OwnData:
    """Exports an account's data, and says what its end would mean; `people.People.remove` ends it."""

    def __init__(self, db: Database, activity: Activity, clock: Callable[[], datetime]) -> None:
        self._db = db
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
        async for part in self._listed("problems", self._problems, user):
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
            "messages": store.deliveries_to(conn, fresh),
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
    def _problems(conn: Connection, user: User, before: int | None) -> list[dict[str, Any]]:
        found = problem_store.find(conn, owner=user.id, limit=PAGE, before=before)
        return [msgspec.structs.asdict(problem) for problem in found]

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
        under_way = sum(n for state, n in counts.items() if state not in ENDED)
        return Stake(under_way=under_way, ended=sum(counts.values()) - under_way)
