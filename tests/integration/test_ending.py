"""Background loops end when they are told to, also when they are woken in the same moment.

`asyncio.wait_for` of Python 3.11 returns instead of ending when its work is done as the cancellation arrives: a loop
built on it then goes on for ever, and whoever stops the host waits as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from vaderflix_core.config import load_config
from vaderflix_core.host import Host

pytestmark = pytest.mark.anyio

Loop = tuple[Callable[[], Awaitable[None]], Callable[[], None]]  # what runs, and what wakes it

LOOPS: dict[str, Callable[[Host], Loop]] = {
    "requests": lambda host: (host.follower.run, host.follower.hint_all),
    "downloads": lambda host: (host.downloads.run, host.downloads.watch),
    "health": lambda host: (host.monitor.run, lambda: host.monitor.hint("nobody")),
    "outbox": lambda host: (host.jobs._relay, host.jobs.wake),
}
WAKE_UPS = {
    "requests": lambda host: host.follower._woken,
    "downloads": lambda host: host.downloads._woken,
    "health": lambda host: host.monitor._woken,
    "outbox": lambda host: host.jobs._woken,
}


@pytest.fixture
async def host(tmp_path: Path):
    made = Host(load_config(None, {}, {"data_dir": tmp_path}), entry_points=[])
    yield made
    await made.stop()


async def waiting(event: asyncio.Event) -> None:
    """Until somebody waits for the event."""
    async with asyncio.timeout(60):
        while not event._waiters:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", LOOPS)
async def test_a_loop_that_is_woken_as_it_is_ended_ends(host: Host, name: str) -> None:
    run, wake = LOOPS[name](host)
    task = asyncio.create_task(run())
    await waiting(WAKE_UPS[name](host))
    wake()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=2)
    assert done, "it goes on as if nobody had ended it"
    assert task.cancelled()
