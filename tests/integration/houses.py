"""The parts of the host that a suite is about, put together around fakes on one database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from vaderflix_core.access.activity import Activity
from vaderflix_core.access.links import Links
from vaderflix_core.access.passwords import Passwords
from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import Sessions
from vaderflix_core.access.totp import SecondFactor
from vaderflix_core.api.models import LibraryItem, Quality
from vaderflix_core.bus import Bus
from vaderflix_core.downloads.service import Downloads
from vaderflix_core.failures import Failure
from vaderflix_core.jobs.broker import Jobs
from vaderflix_core.jobs.runner import Runner
from vaderflix_core.library.index import Library
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.requests.follow import Follower
from vaderflix_core.requests.service import Requests
from vaderflix_core.requests.submit import Submitter
from vaderflix_core.store import jobs as job_store
from vaderflix_core.store import users as user_store
from vaderflix_core.store.database import Database
from vaderflix_core.testing.fakes import FakeMediaSource
from vaderflix_core.vault import Vault


async def work(db: Database, runner: Runner, clock: Any) -> None:
    """Run all jobs that are due, and those that follow from them."""
    while ids := await db.write(lambda conn: job_store.relay(conn, clock())):
        for job_id in ids:
            await runner.run(job_id)


async def outcomes(*tries: Any) -> tuple[list[Any], list[BaseException]]:
    """What went well and what did not, of things tried at once."""
    done = await asyncio.gather(*tries, return_exceptions=True)
    wrong = [one for one in done if isinstance(one, BaseException)]
    assert all(isinstance(one, Failure) for one in wrong), wrong
    return [one for one in done if not isinstance(one, BaseException)], wrong


class RequestHouse:
    """The parts that carry a request, around a library in memory; a suite offers the requesters."""

    def __init__(self, db: Database, clock: Any) -> None:
        self.db, self.clock = db, clock
        self.bus, self.pool, self.guard = Bus(), Pool(), Guard(clock=clock, timeout=2)
        self.source = FakeMediaSource()
        self.offer("library", self.source, "MediaSource")
        db.write_sync(user_store.seed_roles)
        self.access = Access(db, Sessions(db, Vault([bytes(32)]), clock, days=30), clock)
        self.activity = Activity(db, clock)
        self.library = Library(db, self.pool, self.guard, clock=clock)
        self.runner = Runner(db, clock)
        self.jobs = Jobs(db, self.runner, clock)
        self.downloads = Downloads(db, self.bus, self.pool, self.guard, clock)
        self.requests = Requests(db, self.bus, self.jobs, self.downloads, self.pool, clock)
        self.submitter = Submitter(db, self.bus, self.pool, self.guard, self.runner, clock)
        self.follower = Follower(db, self.bus, self.pool, self.guard, self.library, clock)

    def offer(self, instance: str, provider: Any, *roles: str, priority: int = 50) -> None:
        """Publish an instance, named by its id with a capital."""
        named: dict[str, Any] = {"plugin": instance, "instance": instance, "name": instance.capitalize()}
        self.pool.publish(
            instance, [Binding(role=role, provider=provider, priority=priority, **named) for role in roles]
        )

    async def ask(
        self, user: Any, candidate: Any, quality: Quality = Quality.STANDARD, seasons: tuple[int, ...] = ()
    ) -> Any:
        return await self.requests.create(
            user,
            kind=candidate.kind,
            ids=candidate.ids,
            title=candidate.title,
            year=candidate.year,
            seasons=seasons,
            quality=quality,
        )

    async def work(self) -> None:
        await work(self.db, self.runner, self.clock)

    def holds(self, candidate: Any, *heights: int | None, **more: Any) -> None:
        """Put copies into the library, of so many lines."""
        self.source.items = [
            LibraryItem(
                key=str(number),
                kind=candidate.kind,
                title=candidate.title,
                ids=candidate.ids,
                added_at=datetime.now(UTC),
                height=height,
                **more,
            )
            for number, height in enumerate(heights)
        ]


class AccountHouse:
    """The parts that accounts and their passwords are about; mails are only kept in a list."""

    def __init__(self, db: Database, clock: Any) -> None:
        self.db, self.clock = db, clock
        db.write_sync(user_store.seed_roles)
        self.vault = Vault([bytes(range(32))])
        self.sessions = Sessions(db, self.vault, clock, days=30)
        self.access = Access(db, self.sessions, clock)
        self.links = Links(db, self.vault, clock)
        self.activity = Activity(db, clock)
        self.jobs = Jobs(db, Runner(db, clock), clock)
        self.mails: list[tuple[str, str, dict[str, str]]] = []
        self.passwords = Passwords(db, self.access, self.links, self.activity, self.jobs, self.mail, clock)
        self.factor = SecondFactor(db, self.vault, self.links, self.passwords, self.activity, clock)

    def mail(self, conn: Connection, kind: str, to: str, data: Mapping[str, str], *, user_id: int = 0) -> None:
        self.mails.append((kind, to, dict(data)))

    async def sign_in(self, user: Any) -> int:
        return (await self.sessions.start(user, method="password", user_agent="test", ip="")).session.id
