"""A storm of wrong passwords: the pages of others stay quick, the passwords that are checked at once are few."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from attack import Besieged, Person, besieged

from vaderflix_core.access import hashing
from vaderflix_core.failures import TooMany
from vaderflix_web.app import create_app
from vaderflix_web.limits import Limiter, MemoryCounter

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("true_hashes")]

PER_SECOND, SECONDS = 50, 3
NAMES = tuple(f"user{number}" for number in range(7))
SLOWER = 8.0  # how much slower others' pages may get; without the bound on hashing it is far beyond


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Besieged]:
    folder: Path = tmp_path_factory.mktemp("storm")
    async with besieged(folder) as house:
        yield house


async def latencies(person: Any, seconds: float) -> list[float]:
    found, ends = [], time.perf_counter() + seconds
    while time.perf_counter() < ends:
        begun = time.perf_counter()
        answer = await person.http.get("/")
        found.append(time.perf_counter() - begun)
        assert answer.status_code == 200
        await asyncio.sleep(0.02)
    return found


async def storm(
    house: Besieged, app: Any, attempts: list[int], *, one_address: bool, names: Sequence[str] = NAMES
) -> None:
    """Wrong passwords, fifty in a second, each sent whether the one before was answered or not."""

    async def attempt(number: int) -> None:
        person = Person(app, "evil")
        address = "6.6.6.6" if one_address else f"6.{number // 250}.{number % 250}.6"
        person.http._transport.client = (address, 1)
        sent = {"username": names[number % len(names)], "password": "wrong password"}
        attempts.append((await person.http.post("/api/v1/session", json=sent)).status_code)
        await person.http.aclose()

    async with asyncio.TaskGroup() as group:
        begun = time.perf_counter()
        for number in range(PER_SECOND * SECONDS):
            await asyncio.sleep(max(0.0, begun + number / PER_SECOND - time.perf_counter()))
            group.create_task(attempt(number))


async def refused(attempts: list[int], storming: asyncio.Task[None]) -> None:
    """Returns once the storm meets refusals, and fails when it ends without one."""
    while 429 not in attempts:
        assert not storming.done(), f"nobody was refused: {attempts}"
        await asyncio.sleep(0.01)


async def beside(house: Besieged, app: Any, mara: Any, *, one_address: bool) -> tuple[float, list[int]]:
    """How long a page takes for mara in a storm, in seconds; and how its attempts were answered."""
    attempts: list[int] = []
    storming = asyncio.create_task(storm(house, app, attempts, one_address=one_address))
    found = await latencies(mara, SECONDS)
    async with asyncio.timeout(60):
        await storming
    return median(found), attempts


@pytest.mark.parametrize("one_address", [True, False], ids=["from one address", "from everywhere"])
async def test_others_read_on_while_passwords_are_guessed(
    house: Besieged, one_address: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = [create_app(house.host, manage_host=False, limiter=Limiter(MemoryCounter())) for _ in range(2)]
    (calm, mara), (stormy, other) = [(app, await house.person("mara", app=app)) for app in apps]
    with monkeypatch.context() as patch:
        patch.setattr(hashing, "_verify", lambda hashed, password: False)
        floor, _attempts = await beside(house, calm, mara, one_address=one_address)  # as many calls, nothing hashed
    busy, attempts = await beside(house, stormy, other, one_address=one_address)
    assert len(attempts) == PER_SECOND * SECONDS
    assert set(attempts) <= {403, 429}, set(attempts)
    assert busy <= max(floor * SLOWER, 0.1), f"{busy:.4f} s, and {floor:.4f} s where nothing is hashed"
    if one_address:
        assert attempts.count(403) <= 30, "most are refused before any password is checked"


async def test_only_a_few_passwords_are_checked_at_once_and_no_endless_queue_forms(
    house: Besieged, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = most = 0
    go_on = threading.Event()

    def slow(hashed: str, password: str) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        go_on.wait(60)
        running -= 1
        return False

    house.host.access._decoy = None
    await house.host.access.authenticate("nobody", "wrong password")
    monkeypatch.setattr(hashing, "_verify", slow)
    tries = [asyncio.create_task(house.host.access.authenticate("mara", "wrong password")) for _ in range(200)]
    places = hashing.AT_ONCE + hashing.WAITING
    async with asyncio.timeout(60):
        while sum(one.done() for one in tries) < len(tries) - places:
            await asyncio.sleep(0.01)
    go_on.set()
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert 1 <= most <= hashing.AT_ONCE
    assert sum(isinstance(answer, TooMany) for answer in answers) == len(tries) - places
    assert sum(answer is None for answer in answers) == places
    monkeypatch.undo()
    assert await house.host.access.authenticate("mara", "correct horse battery") is not None


async def test_a_storm_from_the_household_itself_locks_nobody_out_who_is_known_there(house: Besieged) -> None:
    app = create_app(house.host, manage_host=False, limiter=Limiter(MemoryCounter()))
    storming = asyncio.create_task(storm(house, app, attempts := [], one_address=True))

    async def at_home() -> int:
        person = Person(app, "edith")
        person.http._transport.client = ("6.6.6.6", 1)
        answer = await person.http.post(
            "/api/v1/session", json={"username": "edith", "password": "correct horse battery"}
        )
        await person.http.aclose()
        return answer.status_code

    assert await at_home() == 200  # before the door was closed
    await refused(attempts, storming)
    assert [await at_home() for _ in range(5)] == [200] * 5
    async with asyncio.timeout(60):
        await storming


async def test_who_was_here_before_gets_in_through_a_storm_on_their_own_account(
    house: Besieged, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = hashing._verify

    def slow(hashed: str, password: str) -> bool:
        # a fast machine would hash fifty in a second, and the queue of strangers would never be full
        time.sleep(0 if password == sent["password"] else hashing.AT_ONCE * 2 / PER_SECOND)
        return verify(hashed, password)

    monkeypatch.setattr(hashing, "_verify", slow)
    app = create_app(house.host, manage_host=False, limiter=Limiter(MemoryCounter()))
    home, sent = ("198.51.100.7", 1), {"username": "mara", "password": "correct horse battery"}

    async def at_home() -> int:
        person = Person(app, "mara")
        person.http._transport.client = home
        answer = await person.http.post("/api/v1/session", json=sent)
        await person.http.aclose()
        return answer.status_code

    assert await at_home() == 200
    attempts: list[int] = []
    storming = asyncio.create_task(storm(house, app, attempts, one_address=False, names=("mara",)))
    await refused(attempts, storming)  # strangers find the queue full
    assert [await at_home() for _ in range(5)] == [200] * 5
    async with asyncio.timeout(60):
        await storming


def test_hashing_goes_after_the_pages_in_a_process_that_is_nice_itself() -> None:
    def niceness() -> tuple[int, int]:
        os.setpriority(os.PRIO_PROCESS, 0, 12)  # on Linux of this thread, and of those that it starts
        with ThreadPoolExecutor(1, initializer=hashing._step_back) as hashes:
            return os.getpriority(os.PRIO_PROCESS, 0), hashes.submit(os.getpriority, os.PRIO_PROCESS, 0).result()

    with ThreadPoolExecutor(1) as apart:
        ours, theirs = apart.submit(niceness).result()
    assert theirs > ours
