"""Name the plugin that blocks the event loop.

Python cannot interrupt blocking code in the thread of the event loop, so while a plugin blocks, nothing else runs.
What is done about it: `Steps` times every step of a guarded call, and the guard counts a call that blocked for longer
than `BLOCKING_SECONDS` as a failure, so that after three of them the breaker keeps the plugin away. `Watchdog` runs in
a thread of its own and, while the loop stands still, logs which call it stands in and where in the code.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Generator
from types import FrameType
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

BLOCKING_SECONDS = 2.0


class Steps:
    """The longest time one guarded call kept the event loop to itself, in seconds."""

    def __init__(self, instance: str, what: str) -> None:
        self.instance = instance
        self.what = what
        self.longest = 0.0

    async def timed(self, work: Awaitable[T]) -> T:
        """Await `work`, timing its steps."""
        return await _Driven(self, work)


class _Driven(Awaitable[T]):
    def __init__(self, steps: Steps, work: Awaitable[T]) -> None:
        self._steps = steps
        self._work = work

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._steps  # the watchdog reads this local
        inner = self._work.__await__()
        thrown: BaseException | None = None
        while True:
            began = time.perf_counter()
            try:
                waiting_for = inner.send(None) if thrown is None else inner.throw(thrown)
            except StopIteration as stop:
                value: T = stop.value
                return value
            finally:
                steps.longest = max(steps.longest, time.perf_counter() - began)
            thrown = None
            try:
                yield waiting_for
            except BaseException as error:  # noqa: BLE001 - handed to the call, which decides
                thrown = error


class Watchdog:
    """Watches an event loop from a daemon thread, from `start()` in that loop until `stop()` or the loop's end."""

    def __init__(self, *, seconds: float = BLOCKING_SECONDS) -> None:
        self._seconds = seconds
        self._beat = 0.0
        self._stopped = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger("vaderflix.watchdog")

    def start(self) -> None:
        """Begin to watch the current thread's loop."""
        loop = asyncio.get_running_loop()
        self._beating(loop)
        watch = (loop, threading.get_ident())
        threading.Thread(target=self._watch, args=watch, name="event loop watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer; safe to call twice."""
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _beating(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beat = time.monotonic()
        self._timer = loop.call_later(self._seconds / 4, self._beating, loop)

    def _watch(self, loop: asyncio.AbstractEventLoop, loop_thread: int) -> None:
        reported = 0.0
        while not self._stopped.wait(self._seconds / 4) and loop.is_running():
            beat = self._beat
            if time.monotonic() - beat > self._seconds and beat != reported:
                reported = beat
                frame = sys._current_frames().get(loop_thread)
                steps = _running(frame)
                self._log.error(
                    "the event loop is blocked",
                    instance=steps.instance if steps else None,
                    call=steps.what if steps else None,
                    seconds=round(time.monotonic() - beat, 1),
                    trace="".join(traceback.format_stack(frame)[-8:]) if frame else "",
                )


def _running(frame: FrameType | None) -> Steps | None:
    """The guarded call that a stack stands in: its frame lies below the plugin's own."""
    while frame is not None:
        if frame.f_code is _Driven.__await__.__code__:
            steps = frame.f_locals.get("steps")
            return steps if isinstance(steps, Steps) else None
        frame = frame.f_back
    return None
