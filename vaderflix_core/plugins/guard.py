"""The one place through which a plugin's code is called while the product runs: limited, timed, checked, named."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from ..api.errors import Cause
from .answers import Answer, Outcome, Verdict, judge
from .breaker import Breaker, Permit
from .limits import await_in_task
from .pool import Binding
from .validation import PROTOCOLS, WrongAnswer, conform, declared
from .watchdog import BLOCKING_SECONDS, Steps

__all__ = ["Answer", "Guard", "Outcome"]

T = TypeVar("T")

LIMIT = 4  # calls of one binding at the same time
TIMEOUT = 20.0


class _Call(Struct, frozen=True):
    instance: str
    name: str
    what: str


class _Slot(Struct):
    """What the guard keeps per instance."""

    breaker: Breaker
    places: dict[str, asyncio.Semaphore]
    logged_down: bool = False


class Guard:
    """Calls providers. Never raises for what a plugin does; `CancelledError` of the caller passes.

    `on_breaker(instance, breaker)` is told whenever an instance's breaker opens or closes.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        limit: int = LIMIT,
        timeout: float = TIMEOUT,
        clean: Callable[[str], str] = lambda text: text,
        on_breaker: Callable[[str, Breaker], None] = lambda instance, breaker: None,
    ) -> None:
        self.on_breaker = on_breaker
        self._clock = clock
        self._limit = limit
        self._timeout = timeout
        self.clean = clean
        self._slots: dict[str, _Slot] = {}
        self._bugs: set[tuple[str, str]] = set()  # (instance, what) that are logged and not yet mended
        self._log = structlog.get_logger("vaderflix.guard")

    def breaker(self, instance: str) -> Breaker:
        """The breaker of an instance, to show."""
        return self._slot(instance).breaker

    def reset(self, instance: str) -> None:
        """Let the next call through, whatever was before (“try now”)."""
        slot = self._slot(instance)
        was_open = slot.breaker.open
        slot.breaker.reset()
        if was_open:
            self.on_breaker(instance, slot.breaker)

    def forget(self, instance: str) -> None:
        """Drop what is known of an instance that was stopped."""
        self._slots.pop(instance, None)
        self._bugs = {bug for bug in self._bugs if bug[0] != instance}

    async def call(self, binding: Binding, method: str, *args: Any, timeout: float | None = None) -> Answer[Any]:
        """Call one method of a provider; the value is checked against what the role's Protocol declares."""
        kind = declared(PROTOCOLS[binding.role], method)

        async def work() -> Any:
            made = getattr(binding.provider, method)(*args)
            if not inspect.isawaitable(made):
                raise WrongAnswer(f"{method}() is not a coroutine")
            return conform(await made, kind)

        who = _Call(binding.instance, binding.name, f"{binding.role}.{method}")
        return await self._limited(who, binding.role, work, timeout)

    async def run(
        self, instance: str, name: str, what: str, work: Callable[[], Awaitable[T]], *, timeout: float | None = None
    ) -> Answer[T]:
        """Run other code of an instance the same way: the data of a panel, a job, a listener (`what` names it)."""
        return await self._limited(_Call(instance, name, what), what, work, timeout)

    async def follow(self, binding: Binding, method: str, on_item: Callable[[Any], None]) -> Answer[None]:
        """Walk an async generator of a provider, such as `Live.hints`, handing over each checked item.

        Ends when the generator ends or raises; the answer says how. It has no time limit and takes no place from
        calls. An item is a sign of life for the breaker, so a connection that lived resets the delays.
        """
        kind = declared(PROTOCOLS[binding.role], method)
        slot = self._slot(binding.instance)

        async def work() -> None:
            made = getattr(binding.provider, method)()
            if not isinstance(made, AsyncIterator):
                raise WrongAnswer(f"{method}() is not an async generator")
            async for item in made:
                checked = conform(item, kind)
                self._succeeded(binding.instance, slot, Permit.CALL)
                on_item(checked)

        who = _Call(binding.instance, binding.name, f"{binding.role}.{method}")
        if not slot.breaker.allows(self._clock()):
            return self._skipped(who, slot)
        return await self._measured(who, slot, Permit.CALL, work, None)

    def _slot(self, instance: str) -> _Slot:
        if instance not in self._slots:
            self._slots[instance] = _Slot(Breaker(), {})
        return self._slots[instance]

    async def _limited(
        self, who: _Call, place: str, work: Callable[[], Awaitable[T]], timeout: float | None
    ) -> Answer[T]:
        """Wait for a free place and the breaker's leave, then call."""
        slot = self._slot(who.instance)
        seconds = self._timeout if timeout is None else timeout
        if not slot.breaker.allows(self._clock()):
            return self._skipped(who, slot)
        places = slot.places.setdefault(place, asyncio.Semaphore(self._limit))
        try:
            async with asyncio.timeout(seconds):
                await places.acquire()
        except TimeoutError:
            error = f"{self._limit} earlier calls have not been answered yet"
            return Answer(
                instance=who.instance, name=who.name, outcome=Outcome.TIMEOUT, error=error, seconds=seconds,
                cause=Cause.TIMEOUT,
            )  # fmt: skip
        try:
            permit = slot.breaker.begin(self._clock())
            if permit is None:
                return self._skipped(who, slot)
            return await self._measured(who, slot, permit, work, seconds)
        finally:
            places.release()

    async def _measured(
        self, who: _Call, slot: _Slot, permit: Permit, work: Callable[[], Awaitable[T]], timeout: float | None
    ) -> Answer[T]:
        """Call, and turn whatever happens into an answer."""
        began = time.monotonic()
        steps = Steps(who.instance, who.what)
        value: T | None = None
        verdict = Verdict(Outcome.OK)
        try:
            value = await await_in_task(lambda: steps.timed(work()), timeout)
        except asyncio.CancelledError:
            slot.breaker.dropped(permit)
            raise
        except Exception as error:  # noqa: BLE001 - this is the one place that answers for a plugin's exceptions
            verdict = judge(error, who.what, self.clean)
        answer = Answer(
            instance=who.instance,
            name=who.name,
            outcome=verdict.outcome,
            value=value,
            error=verdict.error,
            seconds=time.monotonic() - began,
            cause=verdict.cause,
            field=verdict.field,
            trace=verdict.trace,
        )
        self._record(who, slot, permit, verdict, steps.longest)
        return answer

    def _record(self, who: _Call, slot: _Slot, permit: Permit, verdict: Verdict, blocked: float) -> None:
        """Tell the breaker and the log, the log once per trouble."""
        if blocked > BLOCKING_SECONDS:
            verdict = Verdict(Outcome.TIMEOUT, f"{who.what}() blocked the event loop for {blocked:.1f} s")
            self._bug(who, verdict)
        if verdict.cause is Cause.PUT_OFF:
            self._succeeded(who.instance, slot, permit)
            return
        if verdict.outcome in (Outcome.TIMEOUT, Outcome.UNAVAILABLE, Outcome.AUTH_FAILED):
            was_open = slot.breaker.open
            if verdict.outcome is Outcome.AUTH_FAILED:
                slot.breaker.refused(permit, self._clock(), verdict.error)
            else:
                slot.breaker.failed(permit, self._clock(), verdict.error, retry_after=verdict.retry_after)
            if slot.breaker.open and not slot.logged_down:
                slot.logged_down = True
                self._log.warning("instance is down", instance=who.instance, call=who.what, error=verdict.error)
            if slot.breaker.open or was_open:
                self._tell(who.instance, slot)
            return
        if verdict.outcome in (Outcome.BAD_ANSWER, Outcome.FAILED):
            # a bug of one method says nothing about the service, and must not take playback away from search
            slot.breaker.dropped(permit)
            self._bug(who, verdict)
            return
        self._bugs.discard((who.instance, who.what))
        self._succeeded(who.instance, slot, permit)

    def _bug(self, who: _Call, verdict: Verdict) -> None:
        if (who.instance, who.what) not in self._bugs:
            self._bugs.add((who.instance, who.what))
            self._log.error(
                "plugin call failed", instance=who.instance, call=who.what, error=verdict.error, trace=verdict.trace
            )

    def _succeeded(self, instance: str, slot: _Slot, permit: Permit) -> None:
        was_open = slot.breaker.open
        slot.breaker.succeeded(permit)
        if slot.logged_down:
            slot.logged_down = False
            self._log.info("instance is up again", instance=instance)
        if was_open:
            self._tell(instance, slot)

    def _tell(self, instance: str, slot: _Slot) -> None:
        if self._slots.get(instance) is slot:  # else a call of before a restart has ended
            self.on_breaker(instance, slot.breaker)

    def _skipped(self, who: _Call, slot: _Slot) -> Answer[Any]:
        return Answer(instance=who.instance, name=who.name, outcome=Outcome.SKIPPED, error=slot.breaker.error)
