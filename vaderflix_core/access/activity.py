"""Who did what: the one place where deeds of people are noted, read again and exported.

Every entry names the actor, their address, the thing and what it was before and after. The address comes from the
connection that asks: the web sets `asking_from` for each of its requests, so that no domain has to hand it on.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..store import activity as store
from ..store.activity import Entry
from ..store.database import Database
from .models import User

asking_from: ContextVar[str] = ContextVar("asking_from", default="")

Values = Mapping[str, object]
EXPORT_PAGE = 1_000  # entries that are in memory at once
LONGEST = 500  # characters of one value
COLUMNS = ("id", "at", "actor", "actor_id", "ip", "action", "subject", "before", "after")
# a spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class ActivityFilter(Struct, frozen=True, kw_only=True):
    """Which entries: of one account, of one action (or a group of them, by its first word), with words, of a time."""

    actor_id: int | None = None
    action: str = ""
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None


def changed(before: Values, after: Values) -> tuple[dict[str, object], dict[str, object]]:
    """Only what differs of two sets of values."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before[n] for n in names if n in before}, {n: after[n] for n in names if n in after}


def note(
    conn: Connection,
    at: datetime,
    actor: User | None,
    action: str,
    subject: str,
    *,
    before: Values | None = None,
    after: Values | None = None,
    ip: str = "",
) -> None:
    """Note a deed in the caller's transaction: the deed and its entry are kept together, or neither is."""
    store.append(
        conn,
        Entry(
            at=at,
            actor_id=actor.id if actor else None,
            actor=actor.username if actor else "",
            ip=(ip or asking_from.get())[:45],
            action=action[:64],
            subject=subject[:LONGEST],
            before=_plain(before or {}),
            after=_plain(after or {}),
        ),
    )


class Activity:
    """The activity log."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    # -- writing -------------------------------------------------------------------------------------------------

    async def log(
        self,
        actor: User | None,
        action: str,
        subject: str,
        *,
        before: Values | None = None,
        after: Values | None = None,
        ip: str = "",
    ) -> None:
        """Note a deed. `action` is `thing.deed`; `actor` is None for a visitor. Never put a secret into the values."""
        await self._db.write(lambda c: self.note(c, actor, action, subject, before=before, after=after, ip=ip))

    def note(
        self,
        conn: Connection,
        actor: User | None,
        action: str,
        subject: str,
        *,
        before: Values | None = None,
        after: Values | None = None,
        ip: str = "",
    ) -> None:
        """`log` in the caller's transaction."""
        note(conn, self._clock(), actor, action, subject, before=before, after=after, ip=ip)

    # -- reading -------------------------------------------------------------------------------------------------

    async def find(
        self, wanted: ActivityFilter | None = None, *, before: int | None = None, limit: int = 100
    ) -> list[Entry]:
        """Entries, newest first; `before` is the id of the last one of the page before."""
        found = wanted or ActivityFilter()
        return await self._db.read(
            lambda conn: store.find(
                conn,
                actor_id=found.actor_id,
                actions=[found.action] if "." in found.action else (),
                group=found.action if found.action and "." not in found.action else "",
                words=found.words,
                since=found.since,
                until=found.until,
                before=before,
                limit=limit,
            )
        )

    async def actions(self) -> list[str]:
        """The actions that occur."""
        return await self._db.read(store.actions)

    async def _pages(self, wanted: ActivityFilter) -> AsyncIterator[list[Entry]]:
        """All entries that fit, newest first. None is left out or doubled by what is noted meanwhile."""
        before = None
        while page := await self.find(wanted, before=before, limit=EXPORT_PAGE):
            yield page
            before = page[-1].id

    async def export_json(self, wanted: ActivityFilter) -> AsyncIterator[bytes]:
        """The entries as a JSON array, newest first, in pieces."""
        yield b"["
        between = b"\n"
        async for page in self._pages(wanted):
            yield between + b",\n".join(msgspec.json.encode(entry) for entry in page)
            between = b",\n"
        yield b"\n]\n"

    async def export_csv(self, wanted: ActivityFilter) -> AsyncIterator[bytes]:
        """The entries as CSV (RFC 4180) with a heading, in pieces. No cell can act as a formula in a spreadsheet."""
        yield _csv([COLUMNS])
        async for page in self._pages(wanted):
            yield _csv([_cell(getattr(entry, name)) for name in COLUMNS] for entry in page)


def _plain(values: Values) -> dict[str, str]:
    return {name: _words(value)[:LONGEST] for name, value in values.items()}


def _words(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Collection):
        return ", ".join(sorted(str(v) for v in value))
    return "" if value is None else str(value)


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    text = msgspec.json.encode(value).decode() if isinstance(value, dict) else _words(value)
    return f"'{text}" if text.startswith(FORMULA) else text
