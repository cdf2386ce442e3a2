"""The parts of the house that people's accounts need, around a migrated database, without plugins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from vaderflix_core.access.activity import Activity
from vaderflix_core.access.arrivals import Arrivals
from vaderflix_core.access.house import HouseRules
from vaderflix_core.access.invites import Invites
from vaderflix_core.access.links import Links
from vaderflix_core.access.log_seal import LogSeal
from vaderflix_core.access.people import People
from vaderflix_core.access.requests import AccessRequests
from vaderflix_core.access.roles import Roles
from vaderflix_core.access.service import Access
from vaderflix_core.access.sessions import Sessions
from vaderflix_core.bus import Bus
from vaderflix_core.jobs.broker import Jobs
from vaderflix_core.jobs.runner import Runner
from vaderflix_core.log import Redactor
from vaderflix_core.notify.mails import Mails
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.store import jobs as job_store
from vaderflix_core.store.users import seed_roles
from vaderflix_core.testing.fakes import FakeNotifier
from vaderflix_core.vault import Vault

PASSWORD = "correct horse battery"


class Postman(FakeNotifier):
    """A notifier that reaches one person alone. `detail` is what its service says."""

    detail = "kept"

    async def send_private(self, notification: Any) -> Any:
        return structs.replace(await self.send(notification), detail=self.detail)


class House(SimpleNamespace):
    """Everything, by the names that it has on the host."""

    async def work(self) -> None:
        """Run what is due, until nothing is."""
        while found := await self.db.write(lambda c: job_store.relay(c, self.clock())):
            for job_id in found:
                await self.runner.run(job_id)

    async def person(self, name: str, role: str = "viewer", **more: Any) -> Any:
        return await self.access.create_user(name, PASSWORD, role=role, **more)


@pytest.fixture
def house(db: Any, clock: Any) -> House:
    db.write_sync(seed_roles)
    vault = Vault([bytes(range(32))])
    bus, pool, runner = Bus(), Pool(), Runner(db, clock)
    guard = Guard(clock=clock, clean=Redactor().clean)
    jobs = Jobs(db, runner, clock)
    activity = Activity(db, clock)
    sessions = Sessions(db, vault, clock, days=30)
    access = Access(db, sessions, clock)
    mails = Mails(db, bus, pool, guard, runner, vault, clock, base_url=lambda: house.base_url)
    sessions.on_start.append(Arrivals(activity, mails.queue, clock).started)
    rules = HouseRules(db, activity)
    invites = Invites(db, access, rules, activity, mails, clock)
    postman = Postman()
    pool.publish(
        "post",
        [
            Binding(plugin="post", instance="post", name="Post", role="PrivateNotifier", provider=postman, priority=1),
        ],
    )
    house = House(
        db=db,
        clock=clock,
        vault=vault,
        pool=pool,
        guard=guard,
        runner=runner,
        jobs=jobs,
        activity=activity,
        sessions=sessions,
        access=access,
        mails=mails,
        house=rules,
        log_seal=LogSeal(db, vault, activity, mails.queue, jobs, clock),
        invites=invites,
        people=People(db, access, sessions, Links(db, vault, clock), activity, clock),
        roles=Roles(db, sessions, activity),
        access_requests=AccessRequests(db, invites, activity, mails, runner, jobs, vault, clock),
        postman=postman,
        base_url="https://house.example",
    )
    return house
