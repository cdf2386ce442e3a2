"""Health of every instance: checks on a schedule, a second look before an alarm, incidents that close themselves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from ..api.events import HealthChanged
from ..api.models import HealthReport, Severity
from ..api.roles import HealthCheck
from ..bus import Bus
from ..plugins.guard import Answer, Guard, Outcome
from ..plugins.pool import Binding, Pool
from ..plugins.records import InstanceRecord, InstanceState
from ..store import health as store
from ..store import incidents
from ..store.database import Database
from ..store.incidents import Incident

EVERY = 60.0
RECALL_EVERY = 3.0
CONFIRM_AFTER = 5.0
HISTORY = 60
SLOW_SECONDS = 3.0
ORDER = list(Severity)


class Beat(Struct, frozen=True, kw_only=True):
    """One check: when, how bad, and how long the service took to answer."""

    at: datetime
    severity: Severity | None  # None: it could not be asked
    seconds: float


class InstanceHealth(Struct, frozen=True, kw_only=True):
    """How an instance is. `severity` is None when nobody knows; `message` is the worst finding."""

    instance: str
    name: str
    plugin: str
    severity: Severity | None
    message: str
    since: datetime | None
    reports: tuple[HealthReport, ...]
    history: tuple[Beat, ...]
    slow: bool = False


def worst(reports: tuple[HealthReport, ...]) -> Severity:
    """The worst severity among findings; none is good."""
    return max((r.severity for r in reports), key=ORDER.index, default=Severity.OK)


class _State(Struct, kw_only=True):
    """What is remembered of an instance, kept over restarts and read by the other processes."""

    reports: tuple[HealthReport, ...] = ()
    severity: Severity | None = None
    since: datetime | None = None
    history: tuple[Beat, ...] = ()


class Monitor:
    """Runs every HealthCheck in the pool."""

    def __init__(
        self,
        db: Database,
        bus: Bus,
        pool: Pool,
        guard: Guard,
        records: Callable[[], dict[str, InstanceRecord]],
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._bus = bus
        self._pool = pool
        self._guard = guard
        self._records = records
        self._clock = clock
        self._states: dict[str, _State] = {}
        self._woken = asyncio.Event()
        self._asked: set[str] = set()

    async def run(self) -> None:
        """Check for ever; cancel to stop."""
        await self._recall()
        revision, due = -1, 0.0
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            everything = loop.time() >= due or revision != self._pool.revision
            asked, self._asked = self._asked, set()
            if everything:
                due, revision = loop.time() + EVERY, self._pool.revision
            bindings = [b for b in self._pool.bindings(HealthCheck) if everything or b.instance in asked]
            await asyncio.gather(*(self._check(binding) for binding in bindings))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2.0):
                    await self._woken.wait()

    async def follow(self) -> None:
        """In a process that does not check: know what the one that does has found; cancel to stop."""
        while True:
            with contextlib.suppress(Exception):
                await self._recall()
            await asyncio.sleep(RECALL_EVERY)

    async def _recall(self) -> None:
        for instance, kept in (await self._db.read(store.recall)).items():
            with contextlib.suppress(msgspec.MsgspecError):
                self._states[instance] = msgspec.json.decode(kept, type=_State)

    def hint(self, instance: str, ref: str | None = None) -> None:
        """Check an instance now."""
        self._asked.add(instance)
        self._woken.set()

    async def check_now(self, instance: str) -> None:
        """Check an instance and wait for the result."""
        for binding in self._pool.bindings(HealthCheck, instance=instance):
            await self._check(binding, confirm=False)

    async def _check(self, binding: Binding, *, confirm: bool = True) -> None:
        answer: Answer[list[HealthReport]] = await self._guard.call(binding, "check")
        if answer.outcome is not Outcome.OK and confirm and self._good(binding.instance):
            # one lost answer is not an outage
            await asyncio.sleep(CONFIRM_AFTER)
            answer = await self._guard.call(binding, "check")
        await self._record(binding, answer)

    def _good(self, instance: str) -> bool:
        state = self._states.get(instance)
        return state is None or state.severity in (Severity.OK, Severity.NOTICE)

    async def _record(self, binding: Binding, answer: Answer[list[HealthReport]]) -> None:
        now = self._clock()
        state = self._states.setdefault(binding.instance, _State())
        if answer.outcome is Outcome.OK and answer.value is not None:
            reports = tuple(answer.value)
        else:
            reports = (
                HealthReport(severity=Severity.ERROR, code=f"call.{answer.outcome.value}", message=answer.error),
            )
        severity = worst(reports)
        state.history = (*state.history, Beat(at=now, severity=severity, seconds=answer.seconds))[-HISTORY:]
        found = {
            r.code: (r.severity.value, r.message) for r in reports if r.severity in (Severity.WARNING, Severity.ERROR)
        }
        before = {r.code for r in state.reports if r.severity in (Severity.WARNING, Severity.ERROR)}
        first = state.severity is None
        if severity is not state.severity:
            state.since = now
        changed = severity is not state.severity or before != set(found)
        state.reports, state.severity = reports, severity
        kept = msgspec.json.encode(state).decode()

        def write(conn: Connection) -> None:
            store.remember(conn, binding.instance, kept)
            if changed or first:
                incidents.match(conn, binding.instance, found, now)

        await self._db.write(write)
        if changed:
            top = max(reports, key=lambda r: ORDER.index(r.severity), default=None)
            self._bus.publish(
                HealthChanged(
                    at=now,
                    instance=binding.instance,
                    severity=severity,
                    code=top.code if top else "",
                    message=top.message if top else "",
                )
            )

    def status(self) -> list[InstanceHealth]:
        """How every enabled instance is, in the order of their names."""
        found = []
        for record in self._records().values():
            if record.state in (InstanceState.DISABLED, InstanceState.STOPPED):
                continue
            found.append(self._one(record))
        return sorted(found, key=lambda health: health.name.casefold())

    def _one(self, record: InstanceRecord) -> InstanceHealth:
        state = self._states.get(record.config.id, _State())
        severity, since = state.severity, state.since
        message = max(state.reports, key=lambda r: ORDER.index(r.severity)).message if state.reports else ""
        if record.state is not InstanceState.RUNNING and record.state is not InstanceState.STARTING:
            severity, message, since = Severity.ERROR, record.error, record.since
        answered = [beat.seconds for beat in state.history[-3:]]
        return InstanceHealth(
            instance=record.config.id,
            name=record.config.name,
            plugin=record.config.plugin,
            severity=severity,
            message=message,
            since=since,
            reports=state.reports,
            history=state.history,
            slow=bool(answered) and min(answered) > SLOW_SECONDS,
        )

    async def incidents(self, days: int = 30) -> list[Incident]:
        """The incidents of the last days, newest first."""
        since = self._clock() - timedelta(days=days)
        return await self._db.read(lambda conn: incidents.recent(conn, since))
