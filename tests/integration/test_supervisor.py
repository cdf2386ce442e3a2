"""Instances come, change and go at run time."""

import asyncio
from typing import Annotated, Any

import pytest

from vaderflix_core.api import (
    AuthFailed,
    Choice,
    Job,
    MenuItem,
    Panel,
    Rejected,
    Secret,
    Settings,
    Unavailable,
    setting,
)
from vaderflix_core.plugins.guard import Guard, Outcome
from vaderflix_core.plugins.loader import load_plugins
from vaderflix_core.plugins.pool import Pool
from vaderflix_core.plugins.records import InstanceConfig, InstanceRecord, InstanceState
from vaderflix_core.plugins.supervisor import Supervisor
from vaderflix_core.testing.fakes import FakeDownloader, FakeMediaSource
from vaderflix_core.testing.modules import memory_plugin

pytestmark = pytest.mark.anyio

TOKEN = "correct-horse"


class ShelfSettings(Settings, frozen=True, kw_only=True):
    token: Annotated[Secret, setting("Token")]
    section: Annotated[str, setting("Section", dynamic=True)] = "films"


class Shelf(FakeMediaSource):
    """Remembers who made it."""

    def __init__(self, instance: Any) -> None:
        super().__init__()
        self.instance = instance

    async def choices(self) -> dict[str, list[Choice]]:
        return await self._answer("choices", (), {"section": [Choice(value="films", label="Films")]})


class House:
    def __init__(self, make: Any = None, **hooks: Any) -> None:
        self.made: list[Any] = []
        self.states: list[tuple[str, InstanceState]] = []
        self.slept: list[float] = []
        self.woken = asyncio.Event()
        self.secrets: list[str] = []

        def media_sources(instance: Any) -> list[Any]:
            self.made.append(instance.shared(make or Shelf))
            return [self.made[-1]]

        self.pool = Pool()
        self.guard = Guard(timeout=1)
        self.supervisor = Supervisor(
            load_plugins(
                disabled=["off"],
                entry_points=[
                    memory_plugin("shelf", settings=ShelfSettings, media_sources=media_sources, **hooks),
                    memory_plugin("off"),
                ],
            ),
            self.pool,
            self.guard,
            on_change=self._changed,
            on_secret=self.secrets.append,
            clean=lambda text: text.replace(TOKEN, "***"),
            sleep=self._sleep,
        )

    def _changed(self, record: InstanceRecord) -> None:
        self.states.append((record.config.id, record.state))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.woken.wait()
        self.woken.clear()

    async def wants(self, *configs: InstanceConfig, patience: float = 5) -> None:
        await self.supervisor.reconcile(configs, patience=patience)

    def state(self, id: str) -> InstanceState:
        return self.supervisor.records[id].state

    def names(self) -> list[str]:
        return [binding.instance for binding in self.pool.bindings("MediaSource")]

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.001)


def shelf(id: str = "one", **changes: Any) -> InstanceConfig:
    given: dict[str, Any] = {"id": id, "plugin": "shelf", "name": id.title(), "settings": {"token": TOKEN}}
    return InstanceConfig(**(given | changes))


async def test_two_instances_of_one_plugin_are_two_providers_in_order() -> None:
    house = House()
    await house.wants(shelf("late", priority=90), shelf("first", priority=10))
    assert house.names() == ["first", "late"]
    assert len({id(provider) for provider in house.made}) == 2
    await house.supervisor.stop()
    assert house.names() == []
    assert [provider.stopped for provider in house.made] == [1, 1]


async def test_abilities_are_bound_under_their_own_names() -> None:
    house = House()
    await house.wants(shelf())
    assert house.supervisor.records["one"].roles == ("MediaSource", "Connectable", "Images", "Choices")
    (binding,) = house.pool.bindings("Images")
    assert binding.provider is house.made[0]
    await house.supervisor.stop()


async def test_only_what_changed_is_touched() -> None:
    house = House()
    await house.wants(shelf("a"), shelf("b"), shelf("c"))
    a, b, c = house.made
    await house.wants(shelf("a"), shelf("b", settings={"token": TOKEN, "section": "series"}))
    assert (a.stopped, b.stopped, c.stopped) == (0, 1, 1)
    assert house.names() == ["a", "b"]
    assert set(house.supervisor.records) == {"a", "b"}
    assert house.made[-1].instance.settings.section == "series"
    await house.supervisor.stop()


@pytest.mark.parametrize("change", [{"name": "Other"}, {"version": 2}, {"settings": {"token": "another-one"}}])
async def test_a_change_restarts_the_instance(change: dict[str, Any]) -> None:
    house = House()
    await house.wants(shelf())
    await house.wants(shelf(**change))
    assert [provider.stopped for provider in house.made] == [1, 0]
    await house.supervisor.stop()


async def test_another_priority_moves_the_instance_without_a_restart() -> None:
    house = House()
    await house.wants(shelf("a"), shelf("b"))
    await house.wants(shelf("a", priority=90), shelf("b"))
    assert house.names() == ["b", "a"]
    assert [provider.stopped for provider in house.made] == [0, 0]
    await house.supervisor.stop()


async def test_switching_off_stops_it_and_keeps_its_record() -> None:
    house = House()
    await house.wants(shelf())
    await house.wants(shelf(enabled=False))
    assert (house.state("one"), house.names(), house.made[0].stopped) == (InstanceState.DISABLED, [], 1)
    await house.wants(shelf())
    assert house.state("one") is InstanceState.RUNNING
    await house.supervisor.stop()


async def test_nothing_is_published_before_start_has_ended() -> None:
    house = House(lambda instance: hanging(Shelf(instance)))
    await house.wants(shelf(), patience=0.05)
    assert (house.state("one"), house.names()) == (InstanceState.STARTING, [])
    await house.supervisor.stop()


def hanging(provider: Shelf) -> Shelf:
    provider.hang("start")
    return provider


async def test_a_slow_start_does_not_hold_up_the_others() -> None:
    house = House(lambda instance: hanging(Shelf(instance)) if instance.id == "slow" else Shelf(instance))
    await house.wants(shelf("slow"), shelf("quick"), patience=0.2)
    assert house.names() == ["quick"]
    await house.supervisor.stop()


async def test_a_service_that_is_away_is_tried_again_after_growing_delays_until_it_is_there() -> None:
    down = True

    def make(instance: Any) -> Shelf:
        provider = Shelf(instance)
        if down:
            provider.fail(Unavailable("Nothing answers there."), "start")
        return provider

    house = House(make)
    await house.wants(shelf())
    for attempt in range(1, 7):
        await house.until(lambda attempt=attempt: len(house.slept) == attempt)
        record = house.supervisor.records["one"]
        assert (record.state, record.error) == (InstanceState.RETRYING, "Nothing answers there.")
        assert record.retry_at is not None
        down = attempt < 6
        house.woken.set()
    await house.until(lambda: house.state("one") is InstanceState.RUNNING)
    for slept, longest in zip(house.slept, [30, 60, 300, 900, 1800, 1800], strict=True):
        assert longest * 0.8 <= slept <= longest
    assert [provider.stopped for provider in house.made] == [1] * 6 + [0]
    await house.supervisor.stop()


async def test_instances_that_fail_together_are_not_tried_again_at_the_same_moment() -> None:
    def make(instance: Any) -> Shelf:
        provider = Shelf(instance)
        provider.fail(Unavailable("Nothing answers there."), "start")
        return provider

    house = House(make)
    await house.wants(*(shelf(f"n{n}") for n in range(8)))
    await house.until(lambda: len(house.slept) == 8)
    assert len(set(house.slept)) > 1
    await house.supervisor.stop()


async def test_the_services_own_word_on_when_to_come_back_is_kept() -> None:
    def make(instance: Any) -> Shelf:
        provider = Shelf(instance)
        provider.fail(Unavailable("starting", retry_after=12), "start")
        return provider

    house = House(make)
    await house.wants(shelf())
    await house.until(lambda: house.slept == [12])
    await house.supervisor.stop()


async def test_try_now_starts_a_waiting_instance_at_once() -> None:
    down = True

    def make(instance: Any) -> Shelf:
        provider = Shelf(instance)
        if down:
            provider.fail(AuthFailed("The token was refused."), "start")
        return provider

    house = House(make)
    await house.wants(shelf())
    assert house.state("one") is InstanceState.NEEDS_ATTENTION
    down = False
    await house.supervisor.retry("one")
    assert house.state("one") is InstanceState.RUNNING
    await house.supervisor.retry("nobody")
    await house.supervisor.stop()


async def test_trouble_and_recovery_while_running_show_in_the_record() -> None:
    house = House()
    await house.wants(shelf())
    (binding,) = house.pool.bindings("MediaSource")
    provider = house.made[0]
    provider.fail(Unavailable(f"down, says {TOKEN}"))
    for _ in range(3):
        await house.guard.call(binding, "search", "a", 5)
    record = house.supervisor.records["one"]
    assert record.state is InstanceState.RETRYING
    assert record.retry_at == house.guard.breaker("one").retry_at
    await house.supervisor.retry("one")
    provider.fail(AuthFailed("The token was refused."))
    assert (await house.guard.call(binding, "search", "a", 5)).outcome is Outcome.AUTH_FAILED
    assert (record.state, record.error) == (InstanceState.NEEDS_ATTENTION, "The token was refused.")
    provider.work()
    await house.supervisor.retry("one")
    assert (await house.guard.call(binding, "search", "a", 5)).ok
    assert (record.state, record.error) == (InstanceState.RUNNING, "")
    await house.supervisor.stop()


async def test_a_restart_with_new_settings_begins_with_a_closed_breaker() -> None:
    house = House()
    await house.wants(shelf())
    house.made[0].fail(AuthFailed("no"))
    await house.guard.call(house.pool.bindings("MediaSource")[0], "search", "a", 5)
    await house.wants(shelf(settings={"token": "another-one"}))
    assert house.state("one") is InstanceState.RUNNING
    assert (await house.guard.call(house.pool.bindings("MediaSource")[0], "search", "a", 5)).ok
    await house.supervisor.stop()


@pytest.mark.parametrize(
    ("config", "state", "reason"),
    [
        (shelf(plugin="nowhere"), InstanceState.FAILED, "'nowhere' is not installed"),
        (shelf(plugin="off"), InstanceState.DISABLED, "Its plugin is off"),
        (shelf(settings={}), InstanceState.NEEDS_ATTENTION, "Token: This is needed"),
        (shelf(settings={"token": TOKEN, "tokn": "x"}), InstanceState.NEEDS_ATTENTION, "tokn: There is no such"),
    ],
)
async def test_an_instance_that_cannot_be_built_says_why(
    config: InstanceConfig, state: InstanceState, reason: str
) -> None:
    house = House()
    await house.wants(config)
    record = house.supervisor.records["one"]
    assert record.state is state
    assert reason in record.error
    await house.supervisor.stop()


async def test_reconciling_at_the_same_time_from_many_sides_ends_with_the_last_wish() -> None:
    house = House()
    wishes = [[shelf("a")], [shelf("a"), shelf("b")], [], [shelf("b", name="B2")]]
    await asyncio.gather(*(house.wants(*wish) for wish in wishes))
    assert house.names() == ["b"]
    assert sum(provider.started for provider in house.made) == sum(p.stopped for p in house.made) + 1
    await house.supervisor.stop()


async def test_secrets_are_announced_before_the_plugin_sees_them_and_never_show_in_records() -> None:
    def make(instance: Any) -> Shelf:
        assert house.secrets == [TOKEN]
        raise ValueError(f"cannot use {instance.settings.token.reveal()}")

    house = House(make)
    await house.wants(shelf())
    record = house.supervisor.records["one"]
    assert record.state is InstanceState.FAILED
    assert TOKEN not in repr(record) + record.error + record.trace
    await house.supervisor.stop()


async def test_every_state_is_announced_once() -> None:
    house = House()
    await house.wants(shelf())
    await house.supervisor.stop()
    assert [state for _, state in house.states] == [
        InstanceState.STARTING,
        InstanceState.RUNNING,
        InstanceState.STOPPED,
    ]


async def test_a_listener_that_fails_does_not_stop_an_instance() -> None:
    house = House()

    def fail(record: InstanceRecord) -> None:
        raise ValueError

    house.supervisor.on_change = fail
    await house.wants(shelf())
    assert house.state("one") is InstanceState.RUNNING
    await house.supervisor.stop()


async def test_what_instances_add_to_the_pages_comes_with_their_record() -> None:
    async def nothing() -> None:
        return None

    house = House(
        panels=lambda instance: [Panel(id="p", title="P", template="p.html", data=nothing)],
        menu=lambda instance: [MenuItem(label="M", url="/m")],
        jobs=lambda instance: [Job(name="j", every=60, run=nothing)],
    )
    await house.wants(shelf("b"), shelf("a", priority=1))
    supervisor = house.supervisor
    assert [(record.config.id, panel.id) for record, panel in supervisor.panels()] == [("a", "p"), ("b", "p")]
    assert [item.label for _, item in supervisor.menu()] == ["M", "M"]
    assert [job.name for _, job in supervisor.jobs()] == ["j", "j"]
    assert supervisor.listeners() == []
    await supervisor.stop()
    assert supervisor.panels() == []


async def test_a_connection_test_says_who_answers_and_leaves_nothing_behind() -> None:
    house = House()
    result = await house.supervisor.test("shelf", {"token": TOKEN})
    assert (result.ok, result.message) == (True, "Connected to Fake 1.0.")
    assert (house.names(), house.supervisor.records) == ([], {})
    assert house.made[0].stopped == 1


async def test_a_connection_test_names_fields_and_hides_secrets() -> None:
    house = House(lambda instance: failing(Shelf(instance), Rejected(f"no such section ({TOKEN})", field="section")))
    assert (await house.supervisor.test("shelf", {})).errors == {"token": "This is needed"}
    result = await house.supervisor.test("shelf", {"token": TOKEN})
    assert (result.ok, result.errors) == (False, {"section": "no such section (***)"})


def failing(provider: Shelf, error: Exception) -> Shelf:
    provider.fail(error, "test", "choices")
    return provider


@pytest.mark.parametrize(
    ("plugin", "error", "words"),
    [
        ("shelf", Unavailable("http://x: no such host. Check the name."), "no such host"),
        ("shelf", KeyError("bug"), "KeyError"),
        ("shelf", SystemExit(1), "called sys.exit(1)"),
        ("nowhere", None, "not installed"),
    ],
)
async def test_a_connection_test_that_fails_says_what_is_wrong(
    plugin: str, error: BaseException | None, words: str
) -> None:
    house = House(lambda instance: failing(Shelf(instance), error) if error else Shelf(instance))
    result = await house.supervisor.test(plugin, {"token": TOKEN})
    assert not result.ok
    assert words in result.message


async def test_choices_come_from_the_service_and_are_empty_when_it_cannot_be_asked() -> None:
    house = House()
    found = await house.supervisor.choices("shelf", {"token": TOKEN})
    assert found == {"section": [Choice(value="films", label="Films")]}
    house = House(lambda instance: failing(Shelf(instance), Unavailable("down")))
    assert await house.supervisor.choices("shelf", {"token": TOKEN}) == {}


async def test_a_plugin_without_a_service_has_nothing_to_connect_to() -> None:
    class Local(FakeDownloader):
        test = None

    plugins = load_plugins(disabled=(), entry_points=[memory_plugin("local", downloaders=lambda instance: [Local()])])
    result = await Supervisor(plugins, Pool(), Guard()).test("local", {})
    assert (result.ok, result.info) == (True, None)
