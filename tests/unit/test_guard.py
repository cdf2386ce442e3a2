"""What the guard makes of each way a call can end."""

import asyncio
import timeit
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from vaderflix_core.api import (
    AuthFailed,
    BadAnswer,
    Cause,
    ExternalIds,
    Hint,
    HintScope,
    LibraryItem,
    MediaKind,
    NotFound,
    Rejected,
    Season,
    Unavailable,
    WrongService,
)
from vaderflix_core.plugins.guard import Guard, Outcome
from vaderflix_core.plugins.pool import Binding
from vaderflix_core.plugins.validation import conform
from vaderflix_core.testing.fakes import FakeDownloader, FakeMediaSource

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def bound(provider: Any, role: str = "MediaSource") -> Binding:
    return Binding(plugin="p", instance="one", name="One", role=role, provider=provider)


@pytest.mark.parametrize(
    ("error", "outcome", "opens"),
    [
        (Unavailable("down", cause=Cause.REFUSED), Outcome.UNAVAILABLE, True),
        (Unavailable("slow", cause=Cause.TIMEOUT), Outcome.TIMEOUT, True),
        (TimeoutError(), Outcome.TIMEOUT, True),
        (Unavailable("their mailbox is full", cause=Cause.PUT_OFF), Outcome.UNAVAILABLE, False),
        (AuthFailed("no"), Outcome.AUTH_FAILED, True),
        (Rejected("no", field="url"), Outcome.REJECTED, False),
        (NotFound("none"), Outcome.NOT_FOUND, False),
        (BadAnswer("garbage"), Outcome.BAD_ANSWER, False),
        (WrongService("another"), Outcome.BAD_ANSWER, False),
        (KeyError("bug"), Outcome.FAILED, False),
    ],
)
async def test_each_error_has_its_outcome_and_only_lost_services_open_the_breaker(
    error: Exception, outcome: Outcome, opens: bool
) -> None:
    guard, source = Guard(), FakeMediaSource()
    source.fail(error)
    answers = [await guard.call(bound(source), "search", "x", 5) for _ in range(3)]
    assert answers[0].outcome is outcome
    assert guard.breaker("one").open is opens
    assert (await guard.call(bound(source), "search", "x", 5)).outcome is (Outcome.SKIPPED if opens else outcome)


async def test_the_cause_and_the_field_of_an_error_reach_the_answer() -> None:
    guard, source = Guard(), FakeMediaSource()
    source.fail(Unavailable("no such host", cause=Cause.DNS))
    answer = await guard.call(bound(source), "search", "x", 5)
    assert (answer.error, answer.cause) == ("no such host", Cause.DNS)
    source.fail(Rejected("wrong path", field="path"))
    assert (await guard.call(bound(source), "search", "x", 5)).field == "path"


async def test_a_service_that_answers_no_is_alive() -> None:
    guard, source = Guard(), FakeMediaSource()
    for _ in range(4):
        source.fail(Unavailable("down"))
        await guard.call(bound(source), "search", "x", 5)
        await guard.call(bound(source), "search", "x", 5)
        source.fail(NotFound("none"))
        assert (await guard.call(bound(source), "search", "x", 5)).outcome is Outcome.NOT_FOUND


async def test_one_probe_goes_out_when_the_wait_is_over_and_its_success_brings_all_back() -> None:
    clock, source = Clock(), FakeMediaSource()
    guard = Guard(clock=clock)
    source.fail(Unavailable("down"))
    for _ in range(3):
        await guard.call(bound(source), "search", "x", 5)
    source.work()
    assert (await guard.call(bound(source), "search", "x", 5)).outcome is Outcome.SKIPPED
    clock.advance(30)
    answers = await asyncio.gather(*(guard.call(bound(source), "search", "x", 5) for _ in range(3)))
    assert sorted(a.outcome for a in answers) == [Outcome.OK, Outcome.SKIPPED, Outcome.SKIPPED]
    assert (await guard.call(bound(source), "search", "x", 5)).ok


async def test_an_outage_is_logged_once_and_its_end_once() -> None:
    clock, source = Clock(), FakeMediaSource()
    guard = Guard(clock=clock)
    with capture_logs() as logs:
        source.fail(Unavailable("nothing answers"))
        for _ in range(6):
            await guard.call(bound(source), "search", "x", 5)
            clock.advance(31)
        source.work()
        clock.advance(1800)
        for _ in range(3):
            await guard.call(bound(source), "search", "x", 5)
    assert [entry["event"] for entry in logs] == ["instance is down", "instance is up again"]
    assert logs[0]["error"] == "nothing answers"


async def test_a_bug_is_logged_once_until_the_method_works_again() -> None:
    guard, source = Guard(), FakeMediaSource()
    with capture_logs() as logs:
        for _ in range(2):
            source.fail(KeyError("bug"))
            for _ in range(3):
                await guard.call(bound(source), "search", "x", 5)
            source.work()
            await guard.call(bound(source), "search", "x", 5)
    assert [entry["event"] for entry in logs] == ["plugin call failed"] * 2


async def test_no_more_than_four_calls_of_a_binding_run_at_once_and_other_roles_do_not_wait_for_them() -> None:
    guard, source = Guard(timeout=5), FakeMediaSource()
    source.hang("search")
    calls = [asyncio.create_task(guard.call(bound(source), "search", str(n), 5)) for n in range(6)]
    async with asyncio.timeout(60):
        while source.hanging < 4:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert source.hanging == 4
        assert (await guard.call(bound(source, "Connectable"), "test")).ok
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert source.hanging == 0


async def test_a_call_that_found_no_place_says_so_and_does_not_count_against_the_service() -> None:
    guard, source = Guard(limit=1, timeout=0.1), FakeMediaSource()
    source.hang("search")
    first = asyncio.create_task(guard.call(bound(source), "search", "a", 5, timeout=30))
    async with asyncio.timeout(60):
        while not source.hanging:
            await asyncio.sleep(0)
    answer = await guard.call(bound(source), "search", "b", 5)
    assert (answer.outcome, guard.breaker("one").failures) == (Outcome.TIMEOUT, 0)
    assert "have not been answered yet" in answer.error
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_cancelling_the_caller_cancels_the_call_and_says_nothing_about_the_service() -> None:
    guard, source = Guard(), FakeMediaSource()
    source.hang()
    call = asyncio.create_task(guard.call(bound(source), "search", "x", 5))
    async with asyncio.timeout(60):
        while not source.hanging:
            await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (source.hanging, guard.breaker("one").failures) == (0, 0)


async def test_error_texts_are_cleaned_of_secrets() -> None:
    guard, source = Guard(clean=lambda text: text.replace("hunter22", "***")), FakeMediaSource()
    for error in (Unavailable("hunter22 is down"), KeyError("hunter22")):
        source.fail(error)
        answer = await guard.call(bound(source), "search", "x", 5)
        assert "hunter22" not in answer.error + answer.trace


async def test_equivalents_become_what_was_declared() -> None:
    guard, source = Guard(), FakeMediaSource()
    source.lie([{"kind": "movie", "title": "Nosferatu", "ids": {"tmdb": 653}, "key": "9", "genres": ["Horror"]}])
    (item,) = (await guard.call(bound(source), "search", "x", 5)).value
    assert item == LibraryItem(
        kind=MediaKind.MOVIE, title="Nosferatu", ids=ExternalIds(tmdb=653), key="9", genres=("Horror",)
    )


async def test_a_method_declared_to_return_nothing_gives_none_whatever_it_returns() -> None:
    guard, downloader = Guard(), FakeDownloader()

    async def act(download_id: str, action: str) -> bool:
        return True

    downloader.act = act
    answer = await guard.call(bound(downloader, "Downloader"), "act", "x", "pause")
    assert (answer.outcome, answer.value) == (Outcome.OK, None)


async def test_the_breaker_is_told_of_and_reset_closes_it() -> None:
    heard: list[bool] = []
    guard, source = Guard(on_breaker=lambda instance, breaker: heard.append(breaker.open)), FakeMediaSource()
    source.fail(AuthFailed("no"))
    await guard.call(bound(source), "search", "x", 5)
    guard.reset("one")
    source.work()
    assert (await guard.call(bound(source), "search", "x", 5)).ok
    assert heard == [True, False]


async def test_other_code_of_an_instance_runs_under_the_same_breaker() -> None:
    guard = Guard()

    async def data() -> Any:
        raise Unavailable("down")

    for _ in range(3):
        await guard.run("one", "One", "panel queue", data)
    assert (await guard.run("one", "One", "panel queue", data)).outcome is Outcome.SKIPPED


class Hints:
    def __init__(self, *steps: Any) -> None:
        self.steps = steps

    async def hints(self) -> AsyncIterator[Hint]:
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step


@pytest.mark.parametrize(
    ("steps", "outcome", "seen"),
    [
        ([Hint(scope=HintScope.LIBRARY), Unavailable("cut")], Outcome.UNAVAILABLE, 1),
        ([Hint(scope=HintScope.LIBRARY)], Outcome.OK, 1),
        ([Hint(scope=HintScope.LIBRARY), "lie"], Outcome.BAD_ANSWER, 1),
        ([AuthFailed("no")], Outcome.AUTH_FAILED, 0),
    ],
)
async def test_a_live_connection_is_followed_until_it_ends(steps: list[Any], outcome: Outcome, seen: int) -> None:
    got: list[Hint] = []
    answer = await Guard().follow(bound(Hints(*steps), "Live"), "hints", got.append)
    assert (answer.outcome, len(got)) == (outcome, seen)


async def test_a_live_connection_that_says_nothing_does_not_hold_the_probe() -> None:
    clock = Clock()
    guard, source = Guard(clock=clock), FakeMediaSource()
    source.fail(Unavailable("down"))
    for _ in range(3):
        await guard.call(bound(source), "search", "x", 5)
    clock.advance(30)

    class Silent:
        async def hints(self) -> AsyncIterator[Hint]:
            await asyncio.Event().wait()
            yield Hint(scope=HintScope.LIBRARY)

    follow = asyncio.create_task(guard.follow(bound(Silent(), "Live"), "hints", lambda hint: None))
    await asyncio.sleep(0)
    source.work()
    assert (await guard.call(bound(source), "search", "x", 5)).ok
    follow.cancel()
    await asyncio.gather(follow, return_exceptions=True)


def test_items_are_checked_about_as_fast_as_they_could_be_written_to_json_and_read() -> None:
    items = [
        LibraryItem(
            kind=MediaKind.SERIES,
            title=f"Series {n}",
            ids=ExternalIds(imdb=f"tt{n}", tmdb=n, tvdb=n),
            key=str(n),
            overview="x" * 300,
            genres=("Drama", "War"),
            added_at=datetime(2026, 1, 1, tzinfo=UTC),
            seasons=tuple(Season(number=s, episodes=10) for s in range(3)),
        )
        for n in range(500)
    ]
    assert conform(items, list[LibraryItem]) == items

    def seconds(work: Callable[[], Any]) -> float:
        """At its best: what the machine does besides only ever adds."""
        return min(timeit.repeat(work, number=1, repeat=10))

    floor = seconds(lambda: msgspec.json.decode(msgspec.json.encode(items), type=list[LibraryItem]))
    assert seconds(lambda: conform(items, list[LibraryItem])) < 5 * floor
