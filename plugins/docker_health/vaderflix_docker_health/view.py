"""Reads all containers of an engine, and keeps what is needed to tell rates and restart loops."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta

from msgspec import Struct

from vaderflix_core.api import AuthFailed, Container, Instance, NotFound, ServiceError

from .engine import Engine
from .settings import DockerSettings
from .usage import Sample, cpu_percent, memory_used, own_sample, sample
from .wire import Inspect, Summary

AT_ONCE = 6
FRESH = 2.0  # seconds: panel, check and list asked together share one reading; the counters need time to move, too
HISTORY = 40  # readings kept for the small charts
LOOP_WINDOW = timedelta(minutes=10)
LOOP_RESTARTS = 3
YOUNG = timedelta(minutes=2)


class Seen(Struct, frozen=True, kw_only=True):
    """One container: what others get of it, the engine's own record, and its last readings, oldest first."""

    container: Container
    record: Inspect
    looping: bool
    cpu: tuple[float, ...] = ()
    memory: tuple[int, ...] = ()


class _Past:
    def __init__(self) -> None:
        self.sample: Sample | None = None
        self.percent: float | None = None
        self.cpu: deque[float] = deque(maxlen=HISTORY)
        self.memory: deque[int] = deque(maxlen=HISTORY)
        self.restarts: deque[tuple[datetime, int]] = deque()


class View:
    """The containers of one engine as they are now."""

    def __init__(self, instance: Instance[DockerSettings]) -> None:
        self.engine = instance.shared(Engine)
        self._now = instance.now
        self._past: dict[str, _Past] = {}
        self._lock = asyncio.Lock()
        self._limit = asyncio.Semaphore(AT_ONCE)
        self._read_at = float("-inf")
        self._seen: list[Seen] = []

    async def read(self) -> list[Seen]:
        """All containers, by name. A reading younger than two seconds is given again."""
        async with self._lock:
            clock = asyncio.get_running_loop().time
            if clock() - self._read_at < FRESH:
                return self._seen
            summaries = await self.engine.containers()
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._one(summary)) for summary in summaries]
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from failures
            seen = [one for one in (task.result() for task in tasks) if one is not None]
            self._seen = sorted(seen, key=lambda one: one.container.name)
            self._past = {summary.id: self._past[summary.id] for summary in summaries if summary.id in self._past}
            self._read_at = clock()
            return self._seen

    def forget(self) -> None:
        """Something was done to a container: the next reading is a new one."""
        self._read_at = float("-inf")

    async def _one(self, summary: Summary) -> Seen | None:
        past = self._past.setdefault(summary.id, _Past())
        memory = None
        try:
            async with self._limit:
                record = await self.engine.inspect(summary.id)
                if record.state.status in ("running", "paused"):
                    memory = await self._measure(summary.id, past)
                else:
                    past.sample = past.percent = None
        except NotFound:
            return None  # removed since the list was made
        state, health = record.state, record.state.health
        return Seen(
            container=Container(
                id=summary.id,
                name=(summary.names or [record.name])[0].lstrip("/") or summary.id[:12],
                image=record.config.image or summary.image,
                state=state.status,
                status=summary.status,
                health=health.status if health and health.status != "none" else "",
                cpu_percent=past.percent,
                memory=memory,
                memory_limit=record.host_config.memory or None,
                restarts=record.restart_count,
                started_at=state.started_at if state.started_at and state.started_at.year > 1 else None,
            ),
            record=record,
            looping=self._looping(record, past),
            cpu=tuple(past.cpu),
            memory=tuple(past.memory),
        )

    async def _measure(self, container_id: str, past: _Past) -> int | None:
        try:
            stats = await self.engine.stats(container_id)
        except (AuthFailed, NotFound):
            raise
        except ServiceError:
            past.percent = None
            return None  # one container that cannot be measured hides neither its state nor the others
        now = sample(stats.cpu_stats)
        past.percent = cpu_percent(past.sample or own_sample(stats), now)
        past.sample = now
        memory = memory_used(stats.memory_stats)
        if past.percent is not None:
            past.cpu.append(past.percent)
        if memory is not None:
            past.memory.append(memory)
        return memory

    def _looping(self, record: Inspect, past: _Past) -> bool:
        """Whether the container starts again and again. Between two restarts it may be seen running for a moment."""
        now, count, started = self._now(), record.restart_count, record.state.started_at
        past.restarts.append((now, count))
        while now - past.restarts[0][0] > LOOP_WINDOW:
            past.restarts.popleft()
        if record.state.restarting or record.state.status == "restarting":
            return True
        if count - past.restarts[0][1] >= LOOP_RESTARTS:
            return True
        return count >= LOOP_RESTARTS and started is not None and now - started < YOUNG
