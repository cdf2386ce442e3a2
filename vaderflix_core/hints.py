"""Live hints: one listener for each instance whose service tells us when something changes, and its webhooks.

A hint only says what to read again; nothing in it is taken as fact. While a connection is down polling goes on, and
after each new connection everything it speaks of is read once, for what was missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping

import structlog

from .api.models import Hint, HintScope
from .api.roles import Live, WebhookReceiver
from .plugins.guard import Answer, Guard
from .plugins.pool import Binding, Pool
from .vault import Vault

log = structlog.get_logger("hints")

SHORTEST, LONGEST = 1.0, 60.0
LOOK_AGAIN = 2.0
QUEUE = 64
CALLS_AT_ONCE = 32  # more are dropped: what they hint at is read by polling

Reader = Callable[[str, str | None], Awaitable[None] | None]


class Hints:
    """Listens to every instance that can be listened to, and passes each hint to the part that reads again."""

    def __init__(self, pool: Pool, guard: Guard, vault: Vault, readers: dict[HintScope, Reader]) -> None:
        self._pool = pool
        self._guard = guard
        self._vault = vault
        self._readers = readers
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self.connected: set[str] = set()

    async def run(self) -> None:
        """Listen for ever to whatever is in the pool; cancel to stop."""
        seen = -1
        try:
            while True:
                if self._pool.revision != seen:
                    seen = self._pool.revision
                    self._match(self._pool.bindings(Live))
                await asyncio.sleep(LOOK_AGAIN)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _match(self, bindings: tuple[Binding, ...]) -> None:
        wanted = {id(binding.provider): binding for binding in bindings}
        for known in set(self._tasks) - set(wanted):
            self._tasks.pop(known).cancel()
        for key, binding in wanted.items():
            if key not in self._tasks:
                self._tasks[key] = asyncio.create_task(self._listen(binding), name=f"hints of {binding.instance}")

    async def _listen(self, binding: Binding) -> None:
        delay = SHORTEST
        queue: asyncio.Queue[Hint] = asyncio.Queue(QUEUE)

        def heard(hint: Hint) -> None:
            nonlocal delay
            delay = SHORTEST
            self.connected.add(binding.instance)
            # a full queue is a burst, and whatever is read for one of its hints covers the rest
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(hint)

        passer = asyncio.create_task(self._pass_all(binding.instance, queue))
        try:
            while True:
                await self._guard.follow(binding, "hints", heard)
                self.connected.discard(binding.instance)
                await asyncio.sleep(delay * random.uniform(0.7, 1.3))
                delay = min(delay * 2, LONGEST)
        finally:
            self.connected.discard(binding.instance)
            passer.cancel()

    async def _pass_all(self, instance: str, queue: asyncio.Queue[Hint]) -> None:
        while True:
            await self.pass_on(instance, await queue.get())

    # -- calls that services make to us --------------------------------------------------------------------------

    def address(self, instance: str) -> str | None:
        """The path at which an instance's service may call us; None when its plugin understands no calls."""
        if not self._pool.bindings(WebhookReceiver, instance=instance):
            return None
        return f"/hooks/{instance}/{self._vault.sign('webhook', instance)}"

    def address_is(self, instance: str, token: str) -> bool:
        """Whether a call came to the address that only the service knows."""
        return self._vault.signed("webhook", instance, token) and self.address(instance) is not None

    def take_call(self, instance: str, headers: Mapping[str, str], body: bytes) -> None:
        """Have read again what a call hints at, later: the service waits for an answer and gives up soon."""
        if len(self._calls) < CALLS_AT_ONCE:
            task = asyncio.create_task(self._understand(instance, headers, body))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _understand(self, instance: str, headers: Mapping[str, str], body: bytes) -> None:
        for binding in self._pool.bindings(WebhookReceiver, instance=instance):
            answer: Answer[list[Hint]] = await self._guard.call(binding, "webhook", headers, body)
            for hint in answer.value or ():
                await self.pass_on(instance, hint)

    async def pass_on(self, instance: str, hint: Hint) -> None:
        """Have one thing read again."""
        reader = self._readers.get(hint.scope)
        if reader is None:
            return
        try:
            result = reader(instance, hint.ref)
            if result is not None:
                await result
        except Exception as error:
            log.error("a hint could not be followed", instance=instance, scope=hint.scope, exc_info=error)


async def forever(name: str, every: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do `work` every so many seconds; what it raises is logged and does not end it."""
    while True:
        try:
            await work()
        except Exception as error:
            log.error("background work failed", work=name, exc_info=error)
        await asyncio.sleep(every)
