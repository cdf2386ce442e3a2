"""What runs in the background, and in which process. Embedded, one process is all three parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog

from .api.events import Event, HealthChanged, LibraryChanged, RequestChanged
from .api.models import Hint, HintScope
from .bridge import Bridge
from .hints import forever
from .lease import Lease
from .requests.models import RequestState

if TYPE_CHECKING:
    from .host import Host

log = structlog.get_logger("host")

LOOK_EVERY = 1.0
FILE_EVERY = 2.0
SHARES_EVERY = 25.0  # a share that is missing twice in a row is seen within a minute
SEAL_EVERY = 60.0
SERVICES_EVERY = 15.0  # the net below the event that says that services were edited


class Part(StrEnum):
    """What a process does: answer people, run jobs, or look after everything on a schedule."""

    WEB = "web"
    WORKER = "worker"
    SCHEDULER = "scheduler"


ALL = frozenset(Part)


class WorkQueued(Event, frozen=True, kw_only=True):
    """Jobs were enqueued in another process."""


class ServicesEdited(Event, frozen=True, kw_only=True):
    """Services were added, edited or removed in another process."""


class HintHeard(Event, frozen=True, kw_only=True):
    """Another process was told that something is to be read again."""

    instance: str
    scope: HintScope
    ref: str | None = None


PRIVATE: tuple[type[Event], ...] = (WorkQueued, ServicesEdited, HintHeard)


class Life:
    """The background work of one process."""

    def __init__(self, host: Host, parts: frozenset[Part]) -> None:
        self._host = host
        self._parts = parts
        self._tasks: list[asyncio.Task[None]] = []
        self.scaled = parts != ALL
        redis_url = host.config.redis_url
        self._bridge = Bridge(host.bus, redis_url, PRIVATE) if self.scaled and redis_url else None

    async def start(self) -> None:
        """Take up the work that was left, and start the instances in the background: pages answer at once."""
        host = self._host
        await host.jobs.start()
        works = [("instances", self._start_instances())]
        works.append(("configuration file", forever("file", FILE_EVERY, host.instances.follow_file)))
        if self._bridge is not None:
            works.append(("events of other processes", self._bridge.run()))
        if self.scaled:
            works.append(("services", forever("services", SERVICES_EVERY, host.instances.reconcile)))
            works.append(("edits", self._on(ServicesEdited, lambda event: host.instances.reconcile())))
        if Part.WEB in self._parts:
            works.append(("downloads", host.downloads.run()))
            if Part.SCHEDULER not in self._parts:
                works.append(("health", host.monitor.follow()))
        if Part.SCHEDULER in self._parts:
            if self.scaled:
                lease = Lease(host.db, "scheduler", host.runner.owner, host.clock)
                works.append(("schedule", lease.run(self._schedule)))
            else:
                self._tasks += self._schedule()
        for name, work in works:
            self.begin(name, work)

    def _schedule(self) -> Sequence[asyncio.Task[None]]:
        """What is done once, however many processes there are."""
        host = self._host
        works: tuple[tuple[str, Coroutine[Any, Any, None]], ...] = (
            ("hints", host.hints.run()),
            ("requests", host.follower.run()),
            ("monitor", host.monitor.run()),
            ("library", forever("library", LOOK_EVERY, host.sync_libraries)),
            ("plugin work", host.plugin_work.run()),
            ("shares", forever("shares", SHARES_EVERY, host.share_watch.look)),
            ("seal of the activity log", forever("seal of the activity log", SEAL_EVERY, host.log_seal.seal)),
            ("news of the library", self._on(LibraryChanged, self._library_changed)),
            ("news of services", self._on(HealthChanged, host.health_changed)),
            ("news of requests", self._on(RequestChanged, self._request_changed)),
            ("work", self._on(WorkQueued, lambda event: host.jobs.wake())),
            ("hints of others", self._on(HintHeard, self._hint_heard)),
        )
        return [asyncio.create_task(work, name=name) for name, work in works]

    def begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background until it ends or the process does."""
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.create_task(work, name=name))

    async def stop(self) -> None:
        """End everything that was begun."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _start_instances(self) -> None:
        try:
            await self._host.instances.reconcile()
        except Exception as error:
            log.error("instances could not be started", exc_info=error)

    async def _on(self, kind: type[Event], work: Callable[[Any], Any]) -> None:
        """Do `work` at each event of a kind; what it raises is logged."""
        async with self._host.bus.subscribe(kind) as events:
            async for event in events:
                try:
                    result = work(event)
                    if asyncio.iscoroutine(result):
                        await result
                except Exception as error:
                    log.error("an event could not be followed", event=kind.__name__, exc_info=error)

    def _library_changed(self, event: LibraryChanged) -> None:
        if event.added or event.changed:
            self._host.follower.hint_all()

    def _request_changed(self, event: RequestChanged) -> None:
        if event.state == RequestState.SENT:
            self._host.follower.hint_all()

    async def _hint_heard(self, event: HintHeard) -> None:
        await self._host.hints.pass_on(event.instance, Hint(scope=event.scope, ref=event.ref))
