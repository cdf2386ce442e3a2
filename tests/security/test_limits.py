"""Nobody asks without end: limits per class of route, account and address; and guessing passwords is slow."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

from vaderflix_core import bridge
from vaderflix_core.bus import Bus
from vaderflix_core.failures import TooMany
from vaderflix_core.testing import free_port, servers
from vaderflix_core.testing.servers import redis
from vaderflix_web.limits import CLASSES, Limiter, MemoryCounter, RedisCounter, client_key

pytestmark = pytest.mark.anyio


class Time:
    """Seconds that a test moves; sleeping moves them too."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def limiter(time: Time) -> Limiter:
    return Limiter(MemoryCounter(time), time.sleep)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


async def test_made_up_names_do_not_make_it_forget_who_guessed(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryCounter, "LARGEST", 200)
    limiter = Limiter(MemoryCounter(time), time.sleep)

    async def guess(name: str) -> bool:
        try:
            async with limiter.attempt(name, "192.0.2.1"):
                return True
        except TooMany:
            return False

    assert [await guess(f"name{n}") for n in range(31)] == [True] * 30 + [False]
    assert not any([await guess(f"other{n}") for n in range(500)])


async def passed(limiter: Limiter, name: str, times: int, *, account: int | None = None, address: str) -> int:
    count = 0
    for _ in range(times):
        try:
            await limiter.take(name, account=account, address=address)
            count += 1
        except TooMany:
            pass
    return count


async def test_an_address_is_limited_and_good_again_after_the_window(limiter: Limiter, time: Time) -> None:
    most = CLASSES["sign_in"].address
    assert await passed(limiter, "sign_in", most + 20, address="1.2.3.4") == most
    with pytest.raises(TooMany) as refused:
        await limiter.take("sign_in", account=None, address="1.2.3.4")
    assert 1 <= refused.value.retry_after <= 60
    assert await passed(limiter, "sign_in", 1, address="1.2.3.5") == 1
    time.now += refused.value.retry_after
    assert await passed(limiter, "sign_in", 1, address="1.2.3.4") == 1


async def test_an_account_is_limited_wherever_it_comes_from(limiter: Limiter) -> None:
    most = CLASSES["search"].account
    through = sum([await passed(limiter, "search", 1, account=7, address=f"10.0.{n}.1") for n in range(most + 30)])
    assert through == most
    assert await passed(limiter, "search", 1, account=8, address="10.0.0.1") == 1


async def test_classes_do_not_eat_each_others_share(limiter: Limiter) -> None:
    await passed(limiter, "links", 100, address="1.2.3.4")
    assert await passed(limiter, "sign_in", 1, address="1.2.3.4") == 1


def test_an_ipv6_line_counts_as_one_client() -> None:
    assert client_key("2001:db8:1:2:aaaa::1") == client_key("2001:db8:1:2:bbbb::2")
    assert client_key("2001:db8:1:2::1") != client_key("2001:db8:1:3::1")
    assert client_key("::ffff:1.2.3.4") == client_key("1.2.3.4")


async def wrong(limiter: Limiter, name: str, address: str, times: int = 1, **facts: bool) -> int:
    """How many of so many wrong tries were judged at all."""
    judged = 0
    for _ in range(times):
        try:
            async with limiter.attempt(name, address, **facts):
                judged += 1
        except TooMany:
            pass
    return judged


async def right(limiter: Limiter, name: str, address: str) -> bool:
    try:
        async with limiter.attempt(name, address) as attempt:
            attempt.right = True
    except TooMany:
        return False
    return True


async def test_a_guesser_is_stopped_and_the_owner_elsewhere_is_not(limiter: Limiter) -> None:
    assert await wrong(limiter, "mara", "6.6.6.6", 50) == 10
    assert not await right(limiter, "MARA ", "6.6.6.6"), "the door is closed for this address, whatever it brings"
    assert await right(limiter, "mara", "192.168.1.5")


async def test_an_address_that_tries_many_names_is_stopped(limiter: Limiter) -> None:
    assert sum([await wrong(limiter, f"user{n}", "6.6.6.6") for n in range(100)]) == 30
    assert not await right(limiter, "mara", "6.6.6.6")
    assert await right(limiter, "mara", "192.168.1.5")


async def test_a_guesser_in_the_household_locks_nobody_out_who_is_known_there(limiter: Limiter) -> None:
    assert sum([await wrong(limiter, f"user{n}", "192.168.1.5") for n in range(100)]) == 30
    assert not await right(limiter, "mara", "192.168.1.5")
    async with limiter.attempt("mara", "192.168.1.5", familiar=True) as attempt:
        attempt.right = True
    assert await wrong(limiter, "mara", "192.168.1.5", 50, familiar=True) == 10, (
        "who guesses hers is stopped all the same"
    )


async def test_guesses_from_everywhere_slow_the_account_down_but_never_lock_it(limiter: Limiter, time: Time) -> None:
    for n in range(200):
        await wrong(limiter, "mara", f"6.6.{n}.6")
    assert time.slept
    assert max(time.slept) <= 2.0
    assert await right(limiter, "mara", "192.168.1.5")


async def test_right_passwords_use_up_nothing(limiter: Limiter) -> None:
    assert all([await right(limiter, "mara", "192.168.1.5") for _ in range(100)])


async def test_a_bug_while_judging_is_not_counted_against_the_person(limiter: Limiter) -> None:
    for _ in range(50):
        with pytest.raises(RuntimeError):
            async with limiter.attempt("mara", "192.168.1.5"):
                raise RuntimeError
    assert await right(limiter, "mara", "192.168.1.5")


async def test_many_guesses_at_once_are_counted_before_they_are_judged(limiter: Limiter) -> None:
    judged = 0

    async def guess() -> None:
        nonlocal judged
        async with limiter.attempt("mara", "6.6.6.6"):
            judged += 1
            await asyncio.sleep(0)

    await asyncio.gather(*(guess() for _ in range(100)), return_exceptions=True)
    assert judged == 10


async def test_guessing_is_open_again_after_the_window(limiter: Limiter, time: Time) -> None:
    await wrong(limiter, "mara", "6.6.6.6", 50)
    time.now += 15 * 60
    assert await right(limiter, "mara", "6.6.6.6")


async def test_the_memory_of_one_process_is_bounded(time: Time) -> None:
    counter = MemoryCounter(time)
    counter.LARGEST = 100
    for n in range(1000):
        await counter.add([f"k{n}"], 60)
    assert len(counter._windows) <= 102


def _hammer(url: str, times: int, told: multiprocessing.Queue) -> None:
    async def run() -> int:
        counter = RedisCounter(url)
        limiter = Limiter(counter)
        through = 0
        for _ in range(times):
            try:
                await limiter.take("links", account=None, address="9.9.9.9")
                through += 1
            except TooMany:
                pass
        await counter.close()
        return through

    told.put(asyncio.run(run()))


def test_several_processes_let_through_exactly_what_one_would(redis_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    processes = [context.Process(target=_hammer, args=(redis_url, 40, told)) for _ in range(3)]
    for process in processes:
        process.start()
    through = [told.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(20)
    assert sum(through) == CLASSES["links"].address, through


async def test_redis_gives_windows_an_end_and_counts_nothing_below_zero(redis_url: str) -> None:
    counter = RedisCounter(redis_url)
    (count, left), (other, _) = await counter.add(["a", "b"], 30)
    assert (count, other) == (1, 1)
    assert 29 < left <= 30
    assert (await counter.add(["a"], 30, -5))[0][0] == 0
    assert (await counter.add(["a"], 30))[0][0] == 1
    await counter.close()


async def test_limits_hold_for_one_process_while_redis_is_gone(tmp_path: Path) -> None:
    with redis(tmp_path) as url:
        counter = RedisCounter(url)
        limiter = Limiter(counter)
        assert await passed(limiter, "links", 3, address="1.2.3.4") == 3
    assert await passed(limiter, "links", 50, address="1.2.3.4") == CLASSES["links"].address
    await counter.close()


async def test_an_outage_of_redis_is_told_once_and_is_over_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, now = free_port(), [0.0]
    monkeypatch.setattr(servers, "free_port", lambda: port)
    with redis(tmp_path) as url:
        counter = RedisCounter(url, lambda: now[0])
        await asyncio.gather(*(counter.add(["a"], 60) for _ in range(9)))  # which opens as many connections
    with structlog.testing.capture_logs() as logs:
        with redis(tmp_path):
            await counter.add(["a"], 60)  # over a connection to the server that went
            now[0] += counter.AGAIN
            counts = await asyncio.gather(*(counter.add(["b"], 60) for _ in range(9)))
            assert sorted(count for [(count, _)] in counts) == list(range(1, 10))
        for _ in range(3):
            await counter.add(["a"], 60)
            now[0] += counter.AGAIN
        with redis(tmp_path):
            assert (await counter.add(["a"], 60))[0][0] == 1
    await counter.close()
    assert [one["log_level"] for one in logs] == ["warning", "info"] * 2


async def test_that_events_do_not_reach_the_others_is_told_once_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, tries = free_port(), []
    monkeypatch.setattr(servers, "free_port", lambda: port)
    monkeypatch.setattr(bridge, "AGAIN", 0.01)
    made = Redis.from_url
    monkeypatch.setattr(Redis, "from_url", lambda *args, **more: tries.append(1) or made(*args, **more))

    async def until(found: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not found():
                await asyncio.sleep(0.01)

    with structlog.testing.capture_logs() as logs:
        carrying = asyncio.create_task(bridge.Bridge(Bus(), f"redis://127.0.0.1:{port}/0").run())
        await until(lambda: len(tries) > 3)
        with redis(tmp_path):
            await until(lambda: len(logs) > 1)
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)
    assert [one["log_level"] for one in logs] == ["warning", "info"]
