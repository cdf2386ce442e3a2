"""Whatever happens in whatever order, the breaker keeps its promises."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vaderflix_core.plugins.breaker import DELAYS, LONGEST_RETRY_AFTER, Breaker, Permit


class BreakerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.under_way: list[Permit] = []
        self.in_a_row = 0

    @rule(seconds=st.floats(0, 4000))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def begin(self) -> None:
        was_open, allowed = self.breaker.open, self.breaker.allows(self.now)
        retry_at, probing = self.breaker.retry_at, Permit.PROBE in self.under_way
        permit = self.breaker.begin(self.now)
        assert (permit is not None) == allowed
        if permit is Permit.CALL:
            assert not was_open
        elif permit is Permit.PROBE:
            assert was_open
            assert not self.breaker.needs_attention
            assert not probing
            assert retry_at is None or self.now >= retry_at
        if permit is not None:
            self.under_way.append(permit)

    def _end(self, data: st.DataObject) -> Permit:
        return self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        self.breaker.succeeded(self._end(data))
        self._forget_probes()
        assert not self.breaker.open
        self.in_a_row = 0

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), retry_after=st.none() | st.floats(allow_nan=True, allow_infinity=True))
    def fail(self, data: st.DataObject, retry_after: float | None) -> None:
        self.breaker.failed(self._end(data), self.now, "x", retry_after=retry_after)
        self.in_a_row += 1
        if self.in_a_row >= 3:
            assert self.breaker.open

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        self.breaker.refused(self._end(data), self.now, "x")
        self._forget_probes()
        self.in_a_row += 1
        assert self.breaker.needs_attention
        assert not self.breaker.allows(self.now + timedelta(days=400))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        self.breaker.dropped(self._end(data))

    @rule()
    def try_now(self) -> None:
        self.breaker.reset()
        self._forget_probes()
        self.in_a_row = 0
        assert self.breaker.allows(self.now)

    def _forget_probes(self) -> None:
        """A probe that outlived a reset is an ordinary call from then on."""
        self.under_way = [Permit.CALL for _ in self.under_way]

    @invariant()
    def the_wait_is_bounded(self) -> None:
        if self.breaker.retry_at is not None:
            longest = max(DELAYS[-1], LONGEST_RETRY_AFTER)
            assert self.breaker.retry_at - self.now <= timedelta(seconds=longest)

    @invariant()
    def it_is_never_stuck_without_a_reason(self) -> None:
        much_later = self.now + timedelta(seconds=LONGEST_RETRY_AFTER + 1)
        stuck = not self.breaker.allows(much_later)
        assert not stuck or self.breaker.needs_attention or Permit.PROBE in self.under_way


BreakerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestBreaker = BreakerMachine.TestCase
