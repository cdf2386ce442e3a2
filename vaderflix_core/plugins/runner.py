"""The life of one instance: build, start, publish; retry while its service is away; stop without leftovers.

Retrying has no end: it is how the house looks whether a service is back, and its state shows when it looks next.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec import Struct

from ..api.errors import BadAnswer, ServiceError, Unavailable
from ..api.settings import BadSettings
from .answers import plugin_trace
from .breaker import Breaker, delay
from .building import BadProvider, Builder, Built
from .limits import OutOfTime, TriedToExit
from .pool import Pool
from .records import InstanceConfig, InstanceRecord, InstanceState, PluginRecord, PluginState


class Trouble(Struct, frozen=True):
    """Why an instance does not run, and what becomes of it."""

    state: InstanceState
    error: str
    trace: str = ""
    retry_after: float | None = None


def diagnose(error: Exception, clean: Callable[[str], str]) -> Trouble:
    """What a failure to build or start an instance means."""
    if isinstance(error, BadSettings):
        return Trouble(InstanceState.NEEDS_ATTENTION, clean(f"Its settings are not valid: {error}"))
    if isinstance(error, Unavailable):
        return Trouble(InstanceState.RETRYING, clean(error.message), retry_after=error.retry_after)
    if isinstance(error, BadAnswer):
        return Trouble(InstanceState.RETRYING, clean(error.message))
    if isinstance(error, ServiceError):  # refused credentials, another product, a refused setting
        return Trouble(InstanceState.NEEDS_ATTENTION, clean(error.message))
    if isinstance(error, (OutOfTime, TimeoutError)):
        seconds = f" in {error.seconds:g} s" if isinstance(error, OutOfTime) else " in time"
        return Trouble(InstanceState.RETRYING, f"It did not start{seconds}.")
    trace = clean(plugin_trace(error))
    if isinstance(error, BadProvider):
        return Trouble(InstanceState.FAILED, clean(str(error)), trace)
    if isinstance(error, TriedToExit):
        return Trouble(InstanceState.FAILED, f"The plugin {error}.", trace)
    return Trouble(InstanceState.FAILED, clean(f"{type(error).__name__}: {error}"), trace)


def absent(plugin: PluginRecord | None, plugin_id: str) -> Trouble | None:
    """Why an instance cannot run for want of its plugin; None when the plugin is loaded."""
    if plugin is None:
        return Trouble(InstanceState.FAILED, f"The plugin {plugin_id!r} is not installed.")
    if plugin.state is PluginState.LOADED:
        return None
    if plugin.state is PluginState.DISABLED:
        return Trouble(InstanceState.DISABLED, f"Its plugin is off. {plugin.error}")
    return Trouble(InstanceState.FAILED, f"Its plugin could not be loaded. {plugin.error}", plugin.trace)


class Runner:
    """Runs one instance until `stop()`. `settled` is set once the first attempt has ended, well or not."""

    def __init__(
        self,
        config: InstanceConfig,
        plugin: PluginRecord | None,
        *,
        builder: Builder,
        pool: Pool,
        clock: Callable[[], datetime],
        clean: Callable[[str], str],
        on_change: Callable[[InstanceRecord], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.record = InstanceRecord(config=config, state=InstanceState.STARTING, since=clock())
        self.settled = asyncio.Event()
        self._plugin = plugin
        self._builder = builder
        self._pool = pool
        self._clock = clock
        self._clean = clean
        self._on_change = on_change
        self._sleep = sleep
        self._built: Built | None = None
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("vaderflix.instances").bind(plugin=config.plugin, instance=config.id)

    @property
    def started(self) -> bool:
        """Whether its providers are built and started, so that only the breaker can hold it back."""
        return self._built is not None

    def start(self) -> None:
        """Begin, without waiting."""
        trouble = absent(self._plugin, self.record.config.plugin)
        if not self.record.config.enabled:
            trouble = Trouble(InstanceState.DISABLED, "")
        if trouble is not None:
            self._settle(trouble)
            return
        self._changed(InstanceState.STARTING)
        self._task = asyncio.create_task(self._run(), name=f"instance {self.record.config.id}")

    async def stop(self) -> None:
        """Withdraw and release everything; bounded, and safe to call twice."""
        self._pool.withdraw(self.record.config.id)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._release()
        if self.record.state is not InstanceState.DISABLED:
            self._changed(InstanceState.STOPPED)
        self.settled.set()

    def reprioritise(self, config: InstanceConfig) -> None:
        """Take another priority without a restart."""
        self.record.config = config
        if self._built is not None:
            self._publish(self._built)

    def heard(self, breaker: Breaker) -> None:
        """The guard opened or closed this instance's breaker: show it as the instance's state."""
        if self._built is None or self.record.state is InstanceState.STOPPED:
            return
        if not breaker.open:
            self._running(self._built)
        elif breaker.needs_attention:
            self._changed(InstanceState.NEEDS_ATTENTION, breaker.error)
        else:
            self._changed(InstanceState.RETRYING, breaker.error, retry_at=breaker.retry_at)

    async def _run(self) -> None:
        attempt = 0
        while True:
            built: Built | None = None
            try:
                assert self._plugin is not None
                built = await self._builder.build(self._plugin, self.record.config)
                await self._builder.start(built)
                self._built = built
                self._publish(built)
                self._running(built)
                self.settled.set()
                return
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it becomes this instance's state
                trouble = diagnose(error, self._clean)
            finally:
                if built is not None and self._built is not built:
                    await self._builder.stop(built)
            attempt += 1
            # never longer than the table, and not all instances at the same moment
            usual = delay(attempt) * random.uniform(0.8, 1.0)
            wait = usual if trouble.retry_after is None else max(trouble.retry_after, 1.0)
            self._settle(trouble, wait)
            if trouble.state is not InstanceState.RETRYING:
                return
            await self._sleep(wait)

    def _publish(self, built: Built) -> None:
        priority = self.record.config.priority
        self._pool.publish(
            self.record.config.id, (msgspec.structs.replace(b, priority=priority) for b in built.bindings)
        )

    def _running(self, built: Built) -> None:
        record = self.record
        record.instance = built.instance
        record.roles = tuple(dict.fromkeys(binding.role for binding in built.bindings))
        record.panels = built.extras.get("panels", ())
        record.menu = built.extras.get("menu", ())
        record.jobs = built.extras.get("jobs", ())
        record.listeners = built.extras.get("listeners", ())
        self._changed(InstanceState.RUNNING, self._clean(built.extras_error))

    def _settle(self, trouble: Trouble, wait: float = 0.0) -> None:
        retry_at = self._clock() + timedelta(seconds=wait) if trouble.state is InstanceState.RETRYING else None
        first = trouble.error != self.record.error
        self._changed(trouble.state, trouble.error, trace=trouble.trace, retry_at=retry_at)
        if first and trouble.state is not InstanceState.DISABLED:
            self._log.warning("instance does not run", state=str(trouble.state), error=trouble.error)
        self.settled.set()

    def _changed(
        self, state: InstanceState, error: str = "", *, trace: str = "", retry_at: datetime | None = None
    ) -> None:
        record = self.record
        if record.state is not state:
            record.since = self._clock()
        record.state, record.error, record.trace, record.retry_at = state, error, trace, retry_at
        try:
            self._on_change(record)
        except Exception:  # noqa: BLE001 - whoever listens must not stop an instance
            self._log.exception("a listener of instance changes failed")

    async def _release(self) -> None:
        built, self._built = self._built, None
        record = self.record
        record.instance, record.roles = None, ()
        record.panels = record.menu = record.jobs = record.listeners = ()
        if built is not None:
            await self._builder.stop(built)
