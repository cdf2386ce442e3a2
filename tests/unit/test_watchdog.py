"""Who blocks the event loop, and for how long."""

import asyncio
import threading
import time

import pytest
from structlog.testing import capture_logs

from vaderflix_core.plugins.watchdog import Steps, Watchdog


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "event loop watchdog"]


def test_it_says_nothing_while_the_loop_turns_and_ends_with_it() -> None:
    before = set(watching())

    async def turn() -> None:
        Watchdog(seconds=0.4).start()
        end = time.monotonic() + 1
        while time.monotonic() < end:
            await asyncio.sleep(0)

    with capture_logs() as logs:
        asyncio.run(turn())
        for thread in set(watching()) - before:
            thread.join(5)
    assert logs == []
    assert set(watching()) <= before


@pytest.mark.anyio
async def test_a_block_outside_any_plugin_is_logged_without_a_name() -> None:
    watchdog = Watchdog(seconds=0.04)
    with capture_logs() as logs:
        watchdog.start()
        time.sleep(0.3)
        watchdog.stop()
    assert [(entry["event"], entry["instance"]) for entry in logs] == [("the event loop is blocked", None)]


@pytest.mark.anyio
async def test_the_longest_step_is_timed_and_waiting_is_not_one() -> None:
    steps = Steps("one", "x")

    async def work() -> int:
        await asyncio.sleep(1)
        time.sleep(0.05)
        return 7

    assert await steps.timed(work()) == 7
    assert 0.05 <= steps.longest < 0.9


@pytest.mark.anyio
async def test_exceptions_and_cancellation_pass_through_the_timer() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Steps("one", "x").timed(fails())
    seen: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.create_task(Steps("one", "x").timed(waits()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]
