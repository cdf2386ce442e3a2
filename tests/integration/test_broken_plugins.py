"""Plugins broken in every way we know: each hurts only itself, is named with its reason, and the good one works."""

import asyncio
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Struct

from vaderflix_core.api import (
    ExternalIds,
    HealthReport,
    LibraryItem,
    MediaKind,
    PluginInfo,
    Settings,
    Severity,
    Unavailable,
    hookimpl,
)
from vaderflix_core.plugins.building import Builder
from vaderflix_core.plugins.fanout import Fanout
from vaderflix_core.plugins.guard import Guard, Outcome
from vaderflix_core.plugins.loader import load_plugins
from vaderflix_core.plugins.pool import Pool
from vaderflix_core.plugins.records import InstanceConfig, InstanceState, PluginState
from vaderflix_core.plugins.supervisor import Supervisor
from vaderflix_core.testing.fakes import FakeHealthCheck, FakeMediaSource
from vaderflix_core.testing.modules import MemoryEntryPoint, memory_plugin, plugin_module

pytestmark = pytest.mark.anyio

ITEM = LibraryItem(kind=MediaKind.MOVIE, title="Night of the Living Dead", ids=ExternalIds(tmdb=10331), key="1")


def good() -> MemoryEntryPoint:
    return memory_plugin("good", media_sources=lambda instance: [FakeMediaSource([ITEM])])


def forever() -> Any:
    threading.Event().wait()


def raising(error: BaseException) -> Any:
    def hook(*_: Any) -> Any:
        raise error

    return hook


def load(*broken: MemoryEntryPoint, **options: Any) -> dict[str, Any]:
    return load_plugins(
        disabled=options.pop("disabled", ()),
        entry_points=[*broken, good()],
        import_seconds=0.5,
        hook_seconds=0.5,
        **options,
    )


# what goes wrong when the plugin is loaded


class NotSettings(Struct):
    a: int = 1


class StrangeSettings(Settings, frozen=True, kw_only=True):
    a: "set[Unheard]" = None  # noqa: F821


def module_with(**functions: Any) -> Any:
    module = plugin_module("broken")
    for name, function in functions.items():
        setattr(module, name, hookimpl(function))
    return module


async def async_hook(instance):
    return []


def info(**changes: Any) -> PluginInfo:
    return PluginInfo(**({"name": "Broken", "summary": "s", "api": 1} | changes))


def import_exits() -> Any:
    sys.exit(3)


def import_fails() -> Any:
    raise ModuleNotFoundError("No module named 'nowhere'")


def import_has_a_syntax_error() -> Any:
    compile("def (", "broken.py", "exec")


LOADING = {
    "an import error": (import_fails, PluginState.FAILED, "No module named 'nowhere'"),
    "a syntax error": (import_has_a_syntax_error, PluginState.FAILED, "SyntaxError"),
    "an exit at import": (import_exits, PluginState.FAILED, "While importing, it called sys.exit(3)"),
    "an import that hangs": (forever, PluginState.FAILED, "It did not finish importing in 0.5 s"),
    "a keyboard interrupt at import": (raising(KeyboardInterrupt()), PluginState.FAILED, "KeyboardInterrupt"),
    "an unknown hook": (
        lambda: module_with(media_source=lambda instance: []),
        PluginState.FAILED,
        "unknown hook 'media_source'",
    ),
    "a hook with a wrong argument": (
        lambda: module_with(media_sources=lambda instance, extra: []),
        PluginState.FAILED,
        "wrong signature",
    ),
    "an async hook": (lambda: module_with(media_sources=async_hook), PluginState.FAILED, "media_sources() is async"),
    "no hook at all": (lambda: type(sys)("empty"), PluginState.FAILED, "no hook plugin()"),
    "an entry point that is no module": (lambda: 42, PluginState.FAILED, "must name a module"),
    "another api version": (
        lambda: plugin_module("broken", info=lambda: info(api=2)),
        PluginState.INCOMPATIBLE,
        "written for version 2 of the plugin API",
    ),
    "a plugin() that raises": (
        lambda: plugin_module("broken", info=raising(KeyError("oh"))),
        PluginState.FAILED,
        "While calling plugin(): KeyError",
    ),
    "a plugin() that exits": (
        lambda: plugin_module("broken", info=raising(SystemExit(1))),
        PluginState.FAILED,
        "While calling plugin(), it called sys.exit(1)",
    ),
    "a plugin() that hangs": (
        lambda: plugin_module("broken", info=forever),
        PluginState.FAILED,
        "did not finish calling plugin() in 0.5 s",
    ),
    "a plugin() that returns something else": (
        lambda: plugin_module("broken", info=lambda: {"name": "x"}),
        PluginState.FAILED,
        "must return a PluginInfo, not dict",
    ),
    "settings that are no Settings": (
        lambda: plugin_module("broken", info=lambda: info(settings=NotSettings)),
        PluginState.FAILED,
        "must be a subclass of Settings",
    ),
    "settings that no form can show": (
        lambda: plugin_module("broken", info=lambda: info(settings=StrangeSettings)),
        PluginState.FAILED,
        "cannot be shown as a form",
    ),
    "a name that is no text": (
        lambda: plugin_module("broken", info=lambda: info(name=3)),
        PluginState.FAILED,
        "PluginInfo.name must be text",
    ),
}


@pytest.mark.parametrize("case", LOADING)
async def test_a_plugin_broken_at_load_is_named_and_the_others_load(case: str) -> None:
    importing, state, reason = LOADING[case]
    records = load(MemoryEntryPoint("broken", importing))
    assert (records["broken"].state, records["good"].state) == (state, PluginState.LOADED)
    assert reason in records["broken"].error
    assert records["good"].call("media_sources", instance=None)[0].items == [ITEM]
    assert records["broken"].call("media_sources", instance=None) is None


async def test_the_trace_of_a_failed_import_is_kept_for_the_author() -> None:
    assert "import_fails" in load(MemoryEntryPoint("broken", import_fails))["broken"].trace


async def test_a_disabled_plugin_is_not_even_imported() -> None:
    imported: list[str] = []
    records = load(MemoryEntryPoint("broken", lambda: imported.append("broken")), disabled={"broken"})
    assert records["broken"].state is PluginState.DISABLED
    assert imported == []


async def test_safe_mode_imports_nothing() -> None:
    imported: list[str] = []
    records = load(MemoryEntryPoint("broken", lambda: imported.append("broken")), safe_mode=True)
    assert {record.state for record in records.values()} == {PluginState.DISABLED}
    assert imported == []


async def test_the_second_plugin_of_one_id_is_refused_by_name() -> None:
    records = load(
        memory_plugin("twin", distribution="twin-a"),
        memory_plugin("twin", distribution="twin-b"),
    )
    assert records["twin"].state is PluginState.LOADED
    assert records["twin (twin-b)"].state is PluginState.FAILED
    assert "twin-a" in records["twin (twin-b)"].error


# what goes wrong when an instance is built or started


class House:
    """A supervisor over a broken plugin and a good one."""

    def __init__(self, *broken: MemoryEntryPoint, **limits: float) -> None:
        self.pool = Pool()
        self.guard = Guard(timeout=0.5)
        self.fanout = Fanout(self.pool, self.guard)
        self.plugins = load(*broken)
        self.supervisor = Supervisor(
            self.plugins,
            self.pool,
            self.guard,
            builder=Builder(
                install_id="x",
                clock=lambda: datetime.now(UTC),
                **({"hook_seconds": 0.5, "start_seconds": 0.5, "stop_seconds": 0.5} | limits),
            ),
        )

    async def run(self) -> None:
        names = [record.id for record in self.plugins.values()]
        await self.supervisor.reconcile([InstanceConfig(id=name, plugin=name, name=name.title()) for name in names])

    async def answers(self, method: str = "search", *args: Any) -> dict[str, Any]:
        found = await self.fanout.all("MediaSource", method, *(args or ("night", 5)))
        return {answer.instance: answer for answer in found}


class NoSearch(FakeMediaSource):
    search = None


class SyncSearch(FakeMediaSource):
    def search(self, query, limit):
        return []


class OtherArguments(FakeMediaSource):
    async def search(self, query):
        return []


class SyncAbility(FakeMediaSource):
    def image(self, ref, width):
        return b""


class SyncStart(FakeMediaSource):
    def start(self):
        time.sleep(0)


class StartRaises(FakeMediaSource):
    async def start(self):
        raise KeyError("start")


class StartExits(FakeMediaSource):
    async def start(self):
        sys.exit(4)


class StartRefused(FakeMediaSource):
    async def start(self):
        from vaderflix_core.api import AuthFailed

        raise AuthFailed("The server refused our token.")


class StartDown(FakeMediaSource):
    async def start(self):
        raise Unavailable("Nothing answers there.")


class StartHangs(FakeMediaSource):
    async def start(self):
        await asyncio.Event().wait()


class StartIgnoresCancel(FakeMediaSource):
    released = None

    async def start(self):
        StartIgnoresCancel.released = asyncio.Event()
        while not StartIgnoresCancel.released.is_set():
            try:
                await StartIgnoresCancel.released.wait()
            except asyncio.CancelledError:
                pass


def slow_generator(instance: Any) -> Any:
    yield FakeMediaSource()
    forever()


BUILDING = {
    "a hook that raises": (raising(ValueError("boom")), InstanceState.FAILED, "ValueError: boom"),
    "a hook that exits": (raising(SystemExit(2)), InstanceState.FAILED, "called sys.exit(2)"),
    "a hook that hangs": (lambda instance: forever(), InstanceState.FAILED, "did not return in 0.5 s"),
    "a generator hook that hangs": (slow_generator, InstanceState.FAILED, "did not return in 0.5 s"),
    "a hook that returns one object": (lambda instance: FakeMediaSource(), InstanceState.FAILED, "must return a list"),
    "a missing method": (lambda instance: [NoSearch()], InstanceState.FAILED, "NoSearch has no method search()"),
    "a stranger": (lambda instance: [object()], InstanceState.FAILED, "object has no method search()"),
    "a sync method": (lambda instance: [SyncSearch()], InstanceState.FAILED, "SyncSearch.search() must be `async def`"),
    "other arguments": (lambda instance: [OtherArguments()], InstanceState.FAILED, "must take (query, limit)"),
    "a sync ability": (lambda instance: [SyncAbility()], InstanceState.FAILED, "SyncAbility.image() must be `async"),
    "a sync start": (lambda instance: [SyncStart()], InstanceState.FAILED, "SyncStart.start() must be `async def`"),
    "a start that raises": (lambda instance: [StartRaises()], InstanceState.FAILED, "KeyError: 'start'"),
    "a start that exits": (lambda instance: [StartExits()], InstanceState.FAILED, "called sys.exit(4)"),
    "refused credentials": (lambda instance: [StartRefused()], InstanceState.NEEDS_ATTENTION, "refused our token"),
    "a service that is down": (lambda instance: [StartDown()], InstanceState.RETRYING, "Nothing answers there"),
    "a start that hangs": (lambda instance: [StartHangs()], InstanceState.RETRYING, "did not start in 0.5 s"),
    "a start that ignores its end": (
        lambda instance: [StartIgnoresCancel()],
        InstanceState.RETRYING,
        "did not start in 0.5 s",
    ),
}


@pytest.mark.parametrize("case", BUILDING)
async def test_an_instance_broken_at_start_is_named_and_the_others_run(case: str) -> None:
    hook, state, reason = BUILDING[case]
    house = House(memory_plugin("broken", media_sources=hook))
    await house.run()
    record = house.supervisor.records["broken"]
    assert (record.state, house.supervisor.records["good"].state) == (state, InstanceState.RUNNING)
    assert reason in record.error
    answers = await house.answers()
    assert set(answers) == {"good"}
    assert answers["good"].value == [ITEM]
    await house.supervisor.stop()
    if StartIgnoresCancel.released is not None:
        StartIgnoresCancel.released.set()


@pytest.mark.parametrize("hook", ["panels", "menu", "jobs", "listeners"])
async def test_a_broken_extra_does_not_take_the_service_away(hook: str) -> None:
    house = House(
        memory_plugin(
            "broken", media_sources=lambda instance: [FakeMediaSource([ITEM])], **{hook: raising(KeyError("extra"))}
        )
    )
    await house.run()
    record = house.supervisor.records["broken"]
    assert record.state is InstanceState.RUNNING
    assert f"{hook}() raised KeyError('extra')" in record.error
    assert (await house.answers())["broken"].ok
    await house.supervisor.stop()


async def test_a_panel_of_the_wrong_type_is_named() -> None:
    house = House(memory_plugin("broken", panels=lambda instance: [{"id": "x"}]))
    await house.run()
    assert "panels() returned a dict, not a Panel" in house.supervisor.records["broken"].error
    await house.supervisor.stop()


@pytest.mark.parametrize("stop", ["raises", "exits", "hangs"])
async def test_a_stop_that_goes_wrong_is_bounded_and_the_others_stop(stop: str) -> None:
    class BadStop(FakeMediaSource):
        async def stop(self) -> None:
            if stop == "raises":
                raise ValueError
            if stop == "exits":
                sys.exit(5)
            await asyncio.Event().wait()

    first, last = FakeMediaSource(), FakeMediaSource()
    house = House(memory_plugin("broken", media_sources=lambda instance: [first, BadStop(), last]))
    await house.run()
    async with asyncio.timeout(30):
        await house.supervisor.stop()
        await house.supervisor.stop()
    assert (first.stopped, last.stopped) == (1, 1)
    assert house.pool.bindings("MediaSource") == ()


# what goes wrong when a method is called


class Lies(FakeMediaSource):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    async def search(self, query, limit):
        return self.value


class Exits(FakeMediaSource):
    async def search(self, query, limit):
        sys.exit(6)


class Raises(FakeMediaSource):
    async def search(self, query, limit):
        raise ZeroDivisionError("division by zero")


class CancelsItself(FakeMediaSource):
    async def search(self, query, limit):
        raise asyncio.CancelledError


class Hangs(FakeMediaSource):
    async def search(self, query, limit):
        await asyncio.Event().wait()


class SwallowsCancel(FakeMediaSource):
    async def search(self, query, limit):
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                pass
        return []


CALLING = {
    "raises": (Raises, Outcome.FAILED, "raised ZeroDivisionError"),
    "exits": (Exits, Outcome.FAILED, "called sys.exit(6)"),
    "hangs": (Hangs, Outcome.TIMEOUT, "It did not answer in 0.5 s."),
    "swallows the cancellation": (SwallowsCancel, Outcome.TIMEOUT, "ignores that it was cancelled"),
    "cancels itself": (CancelsItself, Outcome.FAILED, "cancelled itself"),
    "returns None": (lambda: Lies(None), Outcome.BAD_ANSWER, "MediaSource.search() returned what its role"),
    "returns text": (lambda: Lies("three"), Outcome.BAD_ANSWER, "str"),
    "returns strangers": (lambda: Lies([object()]), Outcome.BAD_ANSWER, "object"),
    "returns a lying field": (
        lambda: Lies([LibraryItem(kind=MediaKind.MOVIE, title=None, ids=ExternalIds(tmdb="7"), key="1")]),
        Outcome.BAD_ANSWER,
        "$[0].title",
    ),
    "returns a time without zone": (
        lambda: Lies(
            [LibraryItem(kind=MediaKind.MOVIE, title="x", ids=ExternalIds(), key="1", added_at=datetime(2024, 1, 1))]
        ),
        Outcome.BAD_ANSWER,
        "added_at",
    ),
}


@pytest.mark.parametrize("case", CALLING)
async def test_a_broken_call_is_named_and_the_others_answer(case: str) -> None:
    make, outcome, reason = CALLING[case]
    house = House(memory_plugin("broken", media_sources=lambda instance: [make()]))
    await house.run()
    answers = await house.answers()
    assert answers["broken"].outcome is outcome
    assert reason in answers["broken"].error
    assert answers["broken"].value is None
    assert answers["good"].value == [ITEM]
    await house.supervisor.stop()


async def test_a_method_that_blocks_is_logged_with_its_instance_and_shut_out_by_the_breaker() -> None:
    from structlog.testing import capture_logs

    from vaderflix_core.plugins import guard as guard_module
    from vaderflix_core.plugins.watchdog import Watchdog

    class Blocks(FakeMediaSource):
        async def search(self, query, limit):
            time.sleep(0.25)
            return []

    house = House(memory_plugin("broken", media_sources=lambda instance: [Blocks()]))
    await house.run()
    before, guard_module.BLOCKING_SECONDS = guard_module.BLOCKING_SECONDS, 0.1
    try:
        with capture_logs() as logs:
            watchdog = Watchdog(seconds=0.1)
            watchdog.start()
            await asyncio.sleep(0)
            outcomes = [(await house.answers())["broken"].outcome for _ in range(4)]
            watchdog.stop()
            watchdog.stop()
    finally:
        guard_module.BLOCKING_SECONDS = before
    assert outcomes == [Outcome.OK, Outcome.OK, Outcome.OK, Outcome.SKIPPED]
    (first, *_) = [entry for entry in logs if entry["event"] == "the event loop is blocked"]
    assert (first["instance"], first["call"]) == ("broken", "MediaSource.search")
    assert "time.sleep(0.25)" in first["trace"]
    await house.supervisor.stop()


async def test_a_bug_in_one_role_leaves_the_plugins_other_role_working() -> None:
    class Both(Raises, FakeHealthCheck):
        def __init__(self) -> None:
            FakeMediaSource.__init__(self)
            self.reports = [HealthReport(severity=Severity.OK, code="ok", message="well")]

    def hook(instance: Any) -> Any:
        return [instance.shared(lambda_of)]

    def lambda_of(instance: Any) -> Both:
        return Both()

    house = House(memory_plugin("broken", media_sources=hook, health_checks=hook))
    await house.run()
    for _ in range(5):
        assert (await house.answers())["broken"].outcome is Outcome.FAILED
    (report,) = await house.fanout.all("HealthCheck", "check")
    assert report.ok
    await house.supervisor.stop()
