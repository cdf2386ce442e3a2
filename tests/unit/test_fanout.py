"""Asking all providers at once."""

import asyncio

import pytest

from vaderflix_core.api import ExternalIds, LibraryItem, MediaKind, Unavailable
from vaderflix_core.api.roles import MediaSource
from vaderflix_core.plugins.fanout import Fanout
from vaderflix_core.plugins.guard import Guard, Outcome
from vaderflix_core.plugins.pool import Binding, Pool
from vaderflix_core.testing.fakes import FakeMediaSource

pytestmark = pytest.mark.anyio


def item(title: str) -> LibraryItem:
    return LibraryItem(kind=MediaKind.MOVIE, title=title, ids=ExternalIds(), key=title)


def house(timeout: float = 0.2, **sources: FakeMediaSource) -> Fanout:
    pool = Pool()
    for priority, (name, source) in enumerate(sources.items()):
        binding = Binding(plugin="p", instance=name, name=name, role="MediaSource", provider=source, priority=priority)
        pool.publish(name, [binding])
    return Fanout(pool, Guard(timeout=timeout))


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def test_every_providers_outcome_is_named_beside_the_others() -> None:
    good, empty, down, hung = (FakeMediaSource([item("Nosferatu")]), *(FakeMediaSource() for _ in range(3)))
    down.fail(Unavailable("nothing answers"))
    hung.hang()
    answers = await house(good=good, empty=empty, down=down, hung=hung).all(MediaSource, "search", "nosferatu", 5)
    assert [(answer.instance, answer.outcome) for answer in answers] == [
        ("good", Outcome.OK),
        ("empty", Outcome.OK),
        ("down", Outcome.UNAVAILABLE),
        ("hung", Outcome.TIMEOUT),
    ]


async def test_quick_answers_do_not_wait_for_slow_ones() -> None:
    quick, slow = FakeMediaSource([item("a")]), FakeMediaSource([item("b")])
    slow.hang("search")
    answers = house(5, slow=slow, quick=quick).stream("MediaSource", "search", "", 5)
    binding, answer = await anext(answers)
    assert (binding.instance, answer.ok) == ("quick", True)
    assert slow.hanging == 1
    await answers.aclose()
    await until(lambda: slow.hanging == 0)


async def test_equal_calls_that_overlap_are_made_once() -> None:
    source = FakeMediaSource([item("a")])
    fanout = house(5, one=source)
    both = await asyncio.gather(*(fanout.all("MediaSource", "search", "a", 5) for _ in range(3)))
    assert len(source.calls) == 1
    assert all(answers[0].value == [item("a")] for answers in both)


async def test_different_calls_and_later_calls_are_their_own() -> None:
    source = FakeMediaSource()
    fanout = house(5, one=source)
    await asyncio.gather(*(fanout.all("MediaSource", "search", word, 5) for word in "ab"))
    await fanout.all("MediaSource", "search", "a", 5)
    assert [args[0] for _, args in source.calls] == ["a", "b", "a"]


async def test_a_shared_call_goes_on_while_one_still_waits_for_it() -> None:
    source = FakeMediaSource()
    source.hang()
    fanout = house(30, one=source)
    first, second = (asyncio.create_task(fanout.all("MediaSource", "search", "a", 5)) for _ in range(2))
    await until(lambda: source.hanging == 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert source.hanging == 1
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await until(lambda: source.hanging == 0)
    source.work()
    assert (await fanout.all("MediaSource", "search", "a", 5))[0].ok


async def test_arguments_that_cannot_be_compared_are_not_shared() -> None:
    calls: list[list[str]] = []

    class Source(FakeMediaSource):
        async def search(self, query, limit):
            calls.append(query)
            return []

    fanout = house(5, one=Source())
    await asyncio.gather(*(fanout.all("MediaSource", "search", ["list"], 5) for _ in range(2)))
    assert calls == [["list"]] * 2


async def test_nobody_to_ask_is_no_answer_at_all() -> None:
    assert await house().all(MediaSource, "search", "a", 5) == []
    assert [pair async for pair in house().stream(MediaSource, "search", "a", 5)] == []
