"""Run a plugin's code with a time limit that holds: functions in a daemon thread, coroutines in a task of their own.

A thread or a task that ignores its limit is left behind, not waited for. Daemon threads are used because those of
asyncio's executor are joined at exit, so one blocking hook would keep the whole process from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

GRACE = 1.0  # seconds that a cancelled coroutine has to tidy up


class OutOfTime(Exception):
    """The code did not finish within its limit. `ignored_cancel`: its coroutine is still running."""

    def __init__(self, seconds: float, *, ignored_cancel: bool = False) -> None:
        super().__init__(f"did not finish in {seconds:g} s")
        self.seconds = seconds
        self.ignored_cancel = ignored_cancel


class TriedToExit(Exception):
    """The code called `sys.exit()`, which a plugin must not."""

    def __init__(self, code: object) -> None:
        super().__init__(f"called sys.exit({code!r})")


class _Ended:
    """How a call ended: with a value or an exception."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None

    def result(self) -> Any:
        if isinstance(self.error, SystemExit):
            raise TriedToExit(self.error.code) from self.error
        if self.error is not None and not isinstance(self.error, Exception):
            # raised by the code itself: neither a signal nor a cancellation reaches it here
            raise RuntimeError(f"raised {type(self.error).__name__}") from self.error
        if self.error is not None:
            raise self.error
        return self.value


def _start(work: Callable[[], Any], name: str, done: Callable[[_Ended], None]) -> None:
    def run() -> None:
        ended = _Ended()
        try:
            ended.value = work()
        except BaseException as error:  # noqa: BLE001 - the thread ends here; the waiting side raises it again
            ended.error = error
        done(ended)

    threading.Thread(target=run, name=name, daemon=True).start()


def call_in_thread(work: Callable[[], T], seconds: float, name: str) -> T:
    """The value of `work()`, run in a daemon thread. Raises `OutOfTime`, `TriedToExit`, or what it raised."""
    finished = threading.Event()
    endings: list[_Ended] = []

    def done(ended: _Ended) -> None:
        endings.append(ended)
        finished.set()

    _start(work, name, done)
    if not finished.wait(seconds):
        raise OutOfTime(seconds)
    value: T = endings[0].result()
    return value


async def await_in_thread(work: Callable[[], T], seconds: float, name: str) -> T:
    """The same, without blocking the event loop."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Ended] = loop.create_future()

    def settle(ended: _Ended) -> None:
        if not future.done():
            future.set_result(ended)

    def done(ended: _Ended) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, ended)

    _start(work, name, done)
    try:
        async with asyncio.timeout(seconds):
            ended = await future
    except TimeoutError:
        raise OutOfTime(seconds) from None
    value: T = ended.result()
    return value


async def await_in_task(work: Callable[[], Awaitable[T]], seconds: float | None, *, grace: float = GRACE) -> T:
    """The value of `await work()`, in a task of its own. Raises `OutOfTime`, `TriedToExit`, or what it raised.

    Its own task, because code that swallows the cancellation would defeat `asyncio.timeout`, and because a
    `SystemExit` that leaves a task ends the event loop.
    """

    async def inner() -> _Ended:
        ended = _Ended()
        try:
            ended.value = await work()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - raised again by the waiting side
            ended.error = error
        return ended

    task = asyncio.create_task(inner())
    try:
        await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        await _cancel(task, grace)
        raise
    if not task.done():
        assert seconds is not None
        raise OutOfTime(seconds, ignored_cancel=not await _cancel(task, grace))
    if task.cancelled():
        raise RuntimeError("cancelled itself")
    value: T = task.result().result()
    return value


async def _cancel(task: asyncio.Task[Any], grace: float) -> bool:
    task.cancel()
    await asyncio.wait([task], timeout=grace)
    return task.done()
