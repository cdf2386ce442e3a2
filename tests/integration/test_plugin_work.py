"""Jobs and listeners of plugins are done through the guard, and no broken one keeps the others from theirs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from vaderflix_core.api import DownloadsChanged, Job, LibraryChanged, Listener, Unavailable
from vaderflix_core.api.events import Event
from vaderflix_core.bus import Bus
from vaderflix_core.plugins.guard import Guard
from vaderflix_core.plugins.loader import load_plugins
from vaderflix_core.plugins.pool import Pool
from vaderflix_core.plugins.records import InstanceConfig
from vaderflix_core.plugins.supervisor import Supervisor
from vaderflix_core.plugins.work import PluginWork
from vaderflix_core.testing.modules import memory_plugin

pytestmark = pytest.mark.anyio

AT = datetime(2026, 1, 1, tzinfo=UTC)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.001)


class House:
    """Instances with the given jobs and listeners, and a clock that the test moves."""

    def __init__(self, **hooks: Callable[[Any], Any]) -> None:
        self.time = 0.0
        self.looked = 0
        self.bus = Bus()
        self.guard = Guard()
        self.plugins = load_plugins(disabled=(), entry_points=[memory_plugin("one", **hooks)])
        self.supervisor = Supervisor(self.plugins, Pool(), self.guard)
        self.work = PluginWork(self.supervisor, self.guard, self.bus, now=lambda: self.time, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.looked += 1
        await asyncio.sleep(0.001)

    async def forward(self, seconds: float) -> None:
        self.time += seconds
        looked = self.looked
        await until(lambda: self.looked > looked + 2)

    @asynccontextmanager
    async def open(self, *instances: str) -> AsyncIterator[None]:
        wanted = [InstanceConfig(id=name, plugin="one", name=name) for name in instances or ("a",)]
        await self.supervisor.reconcile(wanted)
        task = asyncio.create_task(self.work.run())
        await until(lambda: self.bus.listeners == 1)
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.supervisor.stop()


def job(run: Callable[[], Awaitable[None]], every: float = 60.0, name: str = "job") -> Job:
    return Job(name=name, every=every, run=run)


async def test_a_job_runs_at_the_start_and_then_each_interval() -> None:
    runs: list[str] = []

    def jobs(instance: Any) -> list[Job]:
        async def run() -> None:
            runs.append(instance.id)

        return [job(run)]

    house = House(jobs=jobs)
    async with house.open("a", "b"):
        await until(lambda: sorted(runs) == ["a", "b"])
        await house.forward(59)
        assert len(runs) == 2
        await house.forward(1)
        await until(lambda: sorted(runs) == ["a", "a", "b", "b"])


async def test_a_job_that_still_runs_is_not_started_again() -> None:
    started, release = [], asyncio.Event()

    async def run() -> None:
        started.append(1)
        await release.wait()

    house = House(jobs=lambda instance: [job(run)])
    async with house.open():
        await until(lambda: len(started) == 1)
        await house.forward(500)
        assert len(started) == 1
        release.set()
        await until(lambda: len(started) == 2)


async def test_a_job_that_fails_is_tried_at_its_next_time_and_harms_no_other() -> None:
    failed, good = [], []

    async def bad() -> None:
        failed.append(1)
        raise ValueError("a bug")

    async def run() -> None:
        good.append(1)

    house = House(jobs=lambda instance: [job(bad, name="bad"), job(run, name="good")])
    async with house.open():
        for count in (1, 2, 3, 4):
            await until(lambda n=count: len(failed) == n and len(good) == n)
            await house.forward(60)


async def test_the_jobs_of_a_stopped_instance_end() -> None:
    runs = []

    async def run() -> None:
        runs.append(1)

    house = House(jobs=lambda instance: [job(run)])
    async with house.open():
        await until(lambda: len(runs) == 1)
        await house.supervisor.reconcile([])
        await house.forward(600)
        assert len(runs) == 1


async def test_a_listener_hears_the_events_it_asked_for() -> None:
    heard: list[Event] = []

    async def run(event: Event) -> None:
        heard.append(event)

    house = House(listeners=lambda instance: [Listener(event=LibraryChanged, run=run)])
    async with house.open():
        house.bus.publish(DownloadsChanged(at=AT, instance="x"))
        house.bus.publish(LibraryChanged(at=AT, instance="x", added=2))
        await until(lambda: bool(heard))
        assert heard == [LibraryChanged(at=AT, instance="x", added=2)]


async def test_a_broken_or_slow_listener_keeps_no_event_from_the_others() -> None:
    heard = []

    async def bad(event: Event) -> None:
        raise RuntimeError("a bug")

    async def slow(event: Event) -> None:
        await asyncio.Event().wait()

    async def good(event: Event) -> None:
        heard.append(event)

    house = House(listeners=lambda instance: [Listener(event=Event, run=run) for run in (bad, slow, good)])
    async with house.open():
        for _ in range(4):
            house.bus.publish(LibraryChanged(at=AT, instance="x"))
        await until(lambda: len(heard) == 4)


async def test_the_jobs_of_a_service_that_is_down_wait_for_the_breaker() -> None:
    runs = []

    async def run() -> None:
        runs.append(1)
        raise Unavailable("away")

    house = House(jobs=lambda instance: [job(run, every=1)])
    async with house.open():
        for count in (1, 2, 3):
            await until(lambda n=count: len(runs) == n)
            await house.forward(1)
        for _ in range(5):
            await house.forward(1)
        assert len(runs) == 3
        assert house.guard.breaker("a").open


async def test_a_flood_of_events_is_bounded() -> None:
    async def slow(event: Event) -> None:
        await asyncio.Event().wait()

    house = House(listeners=lambda instance: [Listener(event=Event, run=slow)])
    async with house.open():
        for _ in range(1000):
            house.work.hand_over(LibraryChanged(at=AT, instance="x"))
        assert len(asyncio.all_tasks()) < 300
