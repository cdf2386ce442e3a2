"""Makes the running instances be those that are wanted, and touches only what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from ..api.errors import Rejected, ServiceError
from ..api.hookspecs import Job, Listener
from ..api.models import Choice, ServiceInfo
from ..api.roles import Choices, Connectable
from ..api.settings import BadSettings
from ..api.web import MenuItem, Panel
from .breaker import Breaker
from .building import Builder, Built, Transport
from .guard import Guard
from .limits import OutOfTime, await_in_task
from .pool import Pool
from .records import InstanceConfig, InstanceRecord, PluginRecord
from .runner import Runner, absent, diagnose
from .validation import conform, declared
from .watchdog import Watchdog

T = TypeVar("T")

PATIENCE = 3.0
TEST_SECONDS = 20.0


class TestResult(Struct, frozen=True, kw_only=True):
    """What came of a connection test. `message` is for the admin; `errors` maps fields to what is wrong with them."""

    __test__ = False  # its name must not make pytest collect it

    ok: bool
    message: str
    info: ServiceInfo | None = None
    errors: dict[str, str] = {}


class Supervisor:
    """Owns all instances of this process. `records` is what the admin page shows, by instance id.

    `on_change` is told of every change of a record; it is called in the event loop and must not block.
    """

    def __init__(
        self,
        plugins: Mapping[str, PluginRecord],
        pool: Pool,
        guard: Guard,
        *,
        install_id: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_change: Callable[[InstanceRecord], None] = lambda record: None,
        on_secret: Callable[[str], None] = lambda value: None,
        clean: Callable[[str], str] = lambda text: text,
        transport: Transport | None = None,
        builder: Builder | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.plugins = plugins
        self.on_change = on_change
        self.records: dict[str, InstanceRecord] = {}
        self._pool = pool
        self._guard = guard
        self._clock = clock
        self._clean = clean
        self._sleep = sleep
        self._builder = builder or Builder(install_id=install_id, clock=clock, on_secret=on_secret, transport=transport)
        self._runners: dict[str, Runner] = {}
        self._lock = asyncio.Lock()
        self._watchdog: Watchdog | None = None
        self._log = structlog.get_logger("vaderflix.supervisor")
        guard.on_breaker = self._heard

    async def reconcile(self, desired: Sequence[InstanceConfig], *, patience: float = PATIENCE) -> None:
        """Stop what is no longer wanted, start what is new or changed.

        Waits up to `patience` seconds for the started ones; those that take longer go on starting by themselves.
        From the first call on the event loop is watched for plugins that block it.
        """
        async with self._lock:
            if self._watchdog is None:
                self._watchdog = Watchdog()
                self._watchdog.start()
            wanted = {config.id: config for config in desired}
            changed = [
                config
                for config in wanted.values()
                if config.id not in self._runners or not self._runners[config.id].record.config.same_work(config)
            ]
            stale = [id for id in self._runners if id not in wanted] + [
                config.id for config in changed if config.id in self._runners
            ]
            await asyncio.gather(*(self._stop_one(id) for id in stale))
            for id, runner in self._runners.items():
                if runner.record.config != wanted[id]:
                    runner.reprioritise(wanted[id])
            await self._start_all(changed, patience)

    async def retry(self, instance: str) -> None:
        """Try an instance now, whatever it waits for (“try now”)."""
        async with self._lock:
            runner = self._runners.get(instance)
            if runner is None:
                return
            if runner.started:
                self._guard.reset(instance)
                return
            config = runner.record.config
            await self._stop_one(instance)
            await self._start_all([config], PATIENCE)

    async def stop(self) -> None:
        """Stop every instance; bounded, and safe to call twice."""
        async with self._lock:
            await asyncio.gather(*(self._stop_one(id) for id in list(self._runners)))
            if self._watchdog is not None:
                self._watchdog.stop()
                self._watchdog = None

    async def test(self, plugin: str, settings: Mapping[str, Any]) -> TestResult:
        """Ask the service behind these settings who it is, with an instance that is thrown away afterwards."""

        async def ask(built: Built) -> ServiceInfo | None:
            for provider in self._able(built, Connectable):
                info: ServiceInfo = await self._call(provider, Connectable, "test")
                return info
            return None

        try:
            info = await self._briefly(plugin, settings, ask)
        except BadSettings as error:
            return TestResult(ok=False, message="Some settings need another look.", errors=error.errors)
        except OutOfTime as error:
            return TestResult(ok=False, message=f"The service did not answer in {error.seconds:g} s.")
        except Exception as error:  # noqa: BLE001 - whatever the plugin raises is the result of the test
            words = (
                self._clean(error.message) if isinstance(error, ServiceError) else diagnose(error, self._clean).error
            )
            field = error.field if isinstance(error, Rejected) else None
            return TestResult(ok=False, message=words, errors={field: words} if field else {})
        if info is None:
            return TestResult(ok=True, message="This plugin has nothing to connect to.")
        return TestResult(ok=True, message=f"Connected to {info.product} {info.version}".rstrip() + ".", info=info)

    async def choices(self, plugin: str, settings: Mapping[str, Any]) -> dict[str, list[Choice]]:
        """What the service offers for the fields declared `dynamic`; empty when it cannot be asked (see `test`)."""

        async def ask(built: Built) -> dict[str, list[Choice]]:
            found: dict[str, list[Choice]] = {}
            for provider in self._able(built, Choices):
                found |= await self._call(provider, Choices, "choices")
            return found

        try:
            return await self._briefly(plugin, settings, ask)
        except Exception as error:  # noqa: BLE001 - a form without choices is still a form
            self._log.info("no choices", plugin=plugin, error=diagnose(error, self._clean).error)
            return {}

    def panels(self) -> list[tuple[InstanceRecord, Panel]]:
        """The dashboard cards of all running instances."""
        return [(record, panel) for record in self._ordered() for panel in record.panels]

    def menu(self) -> list[tuple[InstanceRecord, MenuItem]]:
        """The admin menu entries of all running instances."""
        return [(record, item) for record in self._ordered() for item in record.menu]

    def jobs(self) -> list[tuple[InstanceRecord, Job]]:
        """The periodic work of all running instances."""
        return [(record, job) for record in self._ordered() for job in record.jobs]

    def listeners(self) -> list[tuple[InstanceRecord, Listener]]:
        """What running instances do when something happens."""
        return [(record, listener) for record in self._ordered() for listener in record.listeners]

    def _ordered(self) -> list[InstanceRecord]:
        return sorted(self.records.values(), key=lambda r: (r.config.priority, r.config.id))

    async def _start_all(self, configs: Sequence[InstanceConfig], patience: float) -> None:
        runners = []
        for config in configs:
            runner = Runner(
                config,
                self.plugins.get(config.plugin),
                builder=self._builder,
                pool=self._pool,
                clock=self._clock,
                clean=self._clean,
                on_change=lambda record: self.on_change(record),
                sleep=self._sleep,
            )
            self._runners[config.id] = runner
            self.records[config.id] = runner.record
            runner.start()
            runners.append(runner)
        try:
            async with asyncio.timeout(patience):
                await asyncio.gather(*(runner.settled.wait() for runner in runners))
        except TimeoutError:
            slow = [runner.record.config.id for runner in runners if not runner.settled.is_set()]
            self._log.info("instances are still starting", instances=slow)

    async def _stop_one(self, id: str) -> None:
        runner = self._runners.pop(id)
        self.records.pop(id, None)
        await runner.stop()
        self._guard.forget(id)

    def _heard(self, instance: str, breaker: Breaker) -> None:
        runner = self._runners.get(instance)
        if runner is not None:
            runner.heard(breaker)

    async def _briefly(self, plugin: str, settings: Mapping[str, Any], work: Callable[[Built], Awaitable[T]]) -> T:
        record = self.plugins.get(plugin)
        trouble = absent(record, plugin)
        if record is None or trouble is not None:
            raise Rejected(trouble.error if trouble else "")
        config = InstanceConfig(id=f"{plugin}-test", plugin=plugin, name=plugin, settings=dict(settings))
        built = await self._builder.build(record, config)
        try:
            return await await_in_task(lambda: work(built), TEST_SECONDS)
        finally:
            await self._builder.stop(built)

    @staticmethod
    def _able(built: Built, ability: type) -> list[object]:
        return [binding.provider for binding in built.bindings if binding.role == ability.__name__]

    @staticmethod
    async def _call(provider: object, ability: type, method: str) -> Any:
        return conform(await getattr(provider, method)(), declared(ability, method))
