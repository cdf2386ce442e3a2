"""What the contracts of all roles have in common; see `contracts.py` for what to inherit from."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, ClassVar

import httpx
import pytest
from structlog.testing import capture_logs

from ..api.errors import AuthFailed, BadAnswer, Cause, Rejected, ServiceError, Unavailable, WrongService
from ..api.roles import Connectable
from ..api.settings import MASK, dump, fields, parse
from ..plugins.building import Builder, Built, secrets
from ..plugins.guard import Guard, Outcome
from ..plugins.loader import installed, load_plugins
from ..plugins.pool import Binding
from ..plugins.records import InstanceConfig, PluginRecord, PluginState
from ..plugins.validation import conform, declared
from .modules import MemoryEntryPoint

RETRY_AFTER = 7.0
SHORTEST_SECRET = 6
FOREIGN_SECRET = "schlüssel „é“ 映画"

EXPECTED: dict[str, tuple[type[ServiceError], ...]] = {
    "refused": (Unavailable,),
    "cut": (Unavailable,),
    "timeout": (Unavailable,),
    "401": (AuthFailed,),
    "429": (Unavailable,),
    "500": (Unavailable,),
    "garbage": (BadAnswer, WrongService),
}
CAUSES = {"refused": Cause.REFUSED, "timeout": Cause.TIMEOUT, "429": Cause.RATE_LIMITED}
Call = tuple[str, tuple[Any, ...]]


def fail(fault: str, request: httpx.Request) -> httpx.Response:
    """The answer, or the exception of the transport, that a fault is."""
    if fault == "refused":
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
    if fault == "cut":
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    if fault == "timeout":
        raise httpx.ReadTimeout("", request=request)
    if fault == "garbage":
        return httpx.Response(
            200, headers={"Content-Type": "text/html"}, content=b"\x00\xff<html><p>not what you asked"
        )
    headers = {"Retry-After": f"{RETRY_AFTER:g}"} if fault == "429" else {}
    return httpx.Response(int(fault), headers=headers, json={"message": f"HTTP {fault}"})


def _arguments(test: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(test).parameters) if inspect.iscoroutinefunction(test) else ()


class Running:
    """A started instance over the test's service. Set `fault` to make the service fail from now on."""

    def __init__(self, built: Built, requests: list[httpx.Request], logs: list[Any]) -> None:
        self.built = built
        self.requests = requests
        self.logs = logs
        self.fault: str | None = None

    def bindings(self, role: type) -> list[Binding]:
        """The instance's bindings of one role or ability."""
        return [binding for binding in self.built.bindings if binding.role == role.__name__]


class ProviderContract:
    """What all roles have in common. `faults` are those that apply; empty for plugins that do not speak HTTP.

    `expected` overrides what a fault must become, for a service that cannot tell better.
    """

    pytestmark = pytest.mark.anyio

    plugin: ClassVar[str | ModuleType]
    settings: ClassVar[dict[str, Any]] = {}
    role: ClassVar[type]
    faults: ClassVar[tuple[str, ...]] = tuple(EXPECTED)
    expected: ClassVar[dict[str, tuple[type[ServiceError], ...]]] = {}

    def service(self, request: httpx.Request) -> httpx.Response | Awaitable[httpx.Response]:
        """The service, well behaved."""
        raise NotImplementedError("Write service(request): what the plugin's service answers.")

    def calls(self) -> list[Call]:
        """Each method of the role with arguments that the service knows."""
        raise NotImplementedError

    def __init_subclass__(cls) -> None:
        if not cls.faults:  # pytest would report tests with nothing to run for as skipped
            for name in [
                name for name in dir(cls) if name.startswith("test_") and "fault" in _arguments(getattr(cls, name))
            ]:
                setattr(cls, name, None)

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run the fault tests once for each fault that applies."""
        if "fault" in metafunc.fixturenames:
            metafunc.parametrize("fault", self.faults)

    # the parts that the tests share

    def record(self) -> PluginRecord:
        """The plugin, loaded as the product loads it."""
        if isinstance(self.plugin, ModuleType):
            module = self.plugin
            entry: Any = MemoryEntryPoint(module.__name__, lambda: module)
        else:
            found = [entry for entry in installed() if entry.name == self.plugin]
            assert found, (
                f"no installed distribution has an entry point {self.plugin!r}; "
                "install it with pip install -e '.[test]'"
            )
            entry = found[0]
        return load_plugins(disabled=(), entry_points=[entry])[entry.name]

    @asynccontextmanager
    async def running(self, *, start: bool = True, settings: Mapping[str, Any] | None = None) -> AsyncIterator[Running]:
        """The instance, built as the product builds it, over `service`; of other `settings` if they are given."""
        record = self.record()
        assert record.state is PluginState.LOADED, f"{record.error}\n{record.trace}"
        requests: list[httpx.Request] = []

        async def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            if running.fault == "hang":
                await asyncio.Event().wait()
            if running.fault is not None:
                return fail(running.fault, request)
            made = self.service(request)
            return await made if inspect.isawaitable(made) else made

        builder = Builder(
            install_id="contract",
            clock=lambda: datetime.now(UTC),
            transport=lambda: httpx.MockTransport(answer),
            stop_seconds=2.0,
        )
        config = InstanceConfig(
            id="contract", plugin=record.id, name="Contract", settings=dict(settings or self.settings)
        )
        with capture_logs() as logs:
            built = await builder.build(record, config)
            running = Running(built, requests, logs)
            try:
                if start:
                    await builder.start(built)
                yield running
            finally:
                running.fault = None
                await builder.stop(built)

    def check_error(self, fault: str, error: BaseException, what: str) -> None:
        """Fail unless a fault became the right api error."""
        wanted = self.expected.get(fault, EXPECTED[fault])
        names = " or ".join(kind.__name__ for kind in wanted)
        assert isinstance(error, wanted), f"{what}: {fault} must become {names}, not {error!r}"
        if wanted == EXPECTED[fault] and isinstance(error, Unavailable) and fault in CAUSES:
            assert error.cause is CAUSES[fault], f"{what}: {fault} must say cause={CAUSES[fault]!r}"
        if fault == "429" and wanted == EXPECTED[fault] and isinstance(error, Unavailable):
            assert error.retry_after == RETRY_AFTER, f"{what}: Retry-After must reach Unavailable.retry_after"

    # the tests

    def test_the_plugin_loads(self) -> None:
        """Its module imports, its hooks are known, `plugin()` says what it is."""
        record = self.record()
        assert record.state is PluginState.LOADED, f"{record.error}\n{record.trace}"

    def test_its_simulator_stays_when_it_has_been_used(self) -> None:
        """A hook `simulator` beside a submodule of that name is lost at the submodule's import: use `specname`."""
        first = self.record()
        if "simulator" in first.hooks:
            assert first.call("simulator").name
            assert self.record().hooks == first.hooks

    async def test_the_role_is_filled(self) -> None:
        """The hook of the role returns at least one complete provider (building checks every method)."""
        async with self.running(start=False) as running:
            assert running.bindings(self.role), f"no hook returned a {self.role.__name__}"

    async def test_values_are_what_the_role_declares(self) -> None:
        """Every method of the role answers, with the declared type."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                for method, args in self.calls():
                    value = await getattr(binding.provider, method)(*args)
                    conform(value, declared(self.role, method))

    async def test_a_fault_of_the_service_becomes_the_right_error(self, fault: str) -> None:
        """A method that asked its failing service raises; it does not answer with nothing."""
        async with self.running() as running:
            for binding in running.bindings(self.role):
                for method, args in self.calls():
                    running.fault = fault
                    await self._call_under(fault, running, binding, method, args)

    async def _call_under(
        self, fault: str, running: Running, binding: Binding, method: str, args: tuple[Any, ...]
    ) -> None:
        asked = len(running.requests)
        what = f"{type(binding.provider).__name__}.{method}()"
        try:
            value = await getattr(binding.provider, method)(*args)
        except Exception as error:  # noqa: BLE001 - which error it is, is what is tested
            self.check_error(fault, error, what)
        else:
            honest = len(running.requests) == asked or self.may_answer(fault, method, value)
            assert honest, f"{what}: {fault} was answered with {value!r}"

    def may_answer(self, fault: str, method: str, value: Any) -> bool:
        """Whether a value is an honest answer of a method whose service failed."""
        # where no answer is expected, none can be told from garbage
        return fault == "garbage" and declared(self.role, method) is type(None)

    async def test_the_connection_test_names_who_answers(self) -> None:
        """`test()` works before `start()`, as the admin's form calls it."""
        if not self.faults:
            return
        async with self.running(start=False) as running:
            assert running.bindings(Connectable), "a provider of a remote service needs `async def test(self)`"
            for binding in running.bindings(Connectable):
                info = conform(await binding.provider.test(), declared(Connectable, "test"))  # type: ignore[attr-defined]
                assert info.product, "ServiceInfo.product must name the service"

    async def test_the_connection_test_says_what_is_wrong(self, fault: str) -> None:
        """Each fault leaves `test()` as the error that tells the admin what to mend."""
        async with self.running(start=False) as running:
            running.fault = fault
            for binding in running.bindings(Connectable):
                with pytest.raises(ServiceError) as raised:
                    await binding.provider.test()  # type: ignore[attr-defined]
                self.check_error(fault, raised.value, "test()")

    async def test_a_hang_can_be_cut_off_and_leaves_the_provider_usable(self) -> None:
        """A cancelled call is given up at once, and the next one works."""
        if not self.faults:
            return
        method, args = self.calls()[0]
        async with self.running() as running:
            for binding in running.bindings(self.role):
                running.fault = "hang"
                answer = await Guard(timeout=0.2).call(binding, method, *args)
                assert answer.outcome in (Outcome.TIMEOUT, Outcome.OK), answer.error
                assert "ignores" not in answer.error, answer.error
                running.fault = None
                answer = await Guard(timeout=10).call(binding, method, *args)
                assert answer.ok, f"after a hang: {answer.error}"

    async def test_stop_is_safe_to_call_twice(self) -> None:
        """Stopping is repeated at shutdown, and after a start that failed."""
        async with self.running() as running:
            for provider in running.built.providers:
                for _ in range(2):
                    if hasattr(provider, "stop"):
                        await provider.stop()
            await running.built.instance.close()
            await running.built.instance.close()

    async def test_secrets_stay_out_of_urls_logs_errors_and_reprs(self) -> None:
        """Neither a good nor a failing call shows a credential."""
        said: list[str] = []
        async with self.running() as running:
            hidden = secrets(running.built.instance.settings)
            short = [value for value in hidden if len(value) < SHORTEST_SECRET]
            assert not short, f"give secrets at least {SHORTEST_SECRET} characters, so that a leak can be told"
            said += [repr(running.built.instance.settings), *map(repr, running.built.providers)]
            for running.fault in (None, *self.faults):
                for binding in running.bindings(self.role):
                    for method, args in self.calls():
                        try:
                            await getattr(binding.provider, method)(*args)
                        except Exception as error:  # noqa: BLE001 - its text is what is tested
                            said += [str(error), repr(error)]
            said += [str(request.url) for request in running.requests]
            said += [str(entry) for entry in running.logs]
        for value in hidden:
            for text in said:
                if value in text:  # not by assert, whose report would show it once more
                    raise AssertionError(f"a secret shows in: {text.replace(value, '<the secret>')}")

    async def test_a_secret_may_hold_any_letters(self) -> None:
        """Whoever pastes a wrong key hears that it is refused, not that the plugin has a bug."""
        record = self.record()
        assert record.info is not None
        for field in fields(record.info.settings):
            if field.kind == "secret":
                await self._meet_refusal({**self.settings, field.name: FOREIGN_SECRET})

    async def _meet_refusal(self, settings: Mapping[str, Any]) -> None:
        allowed: tuple[type[ServiceError], ...] = (AuthFailed, Rejected, Unavailable)
        allowed += tuple(self.expected.get("401", ()))
        try:
            async with self.running(start=False, settings=settings) as running:
                running.fault = "401"
                for binding in running.bindings(Connectable):
                    await binding.provider.test()  # type: ignore[attr-defined]
        except allowed:
            pass

    def test_the_settings_survive_the_form(self) -> None:
        """Shown with secrets masked and posted back, the settings are the same."""
        record = self.record()
        assert record.info is not None
        kind = record.info.settings
        settings = parse(kind, self.settings)
        shown = dump(settings)
        for field in fields(kind):
            assert field.label
            if field.kind == "secret":
                assert shown[field.name] in (MASK, "")
        assert parse(kind, shown, stored=settings) == settings
