"""When to stop calling a service that fails, and when to try it again: a state machine without a clock of its own."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from enum import StrEnum

FAILURES_TO_OPEN = 3
DELAYS = (30.0, 60.0, 300.0, 900.0, 1800.0)  # seconds; the last one stays
LONGEST_RETRY_AFTER = 3600.0  # a service that asks for more is asked again after this


class Permit(StrEnum):
    """Leave to make a call. Of probes there is one at a time."""

    CALL = "call"
    PROBE = "probe"


class Breaker:
    """One instance's breaker. Ask `begin` before a call, then tell it exactly one of the four endings.

    Closed, it lets every call through. It opens after three failures in a row, at once when the service said when to
    come back, and stays open for growing delays; then one call is let through to probe. After a refused credential it
    stays open (`needs_attention`) until `reset`. Any success closes it.
    """

    def __init__(self) -> None:
        self.failures = 0  # in a row
        self.opened_at: datetime | None = None
        self.retry_at: datetime | None = None
        self.needs_attention = False
        self.error = ""  # what the last failure said
        self._step = 0
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are held back (a probe may be under way)."""
        return self.opened_at is not None

    def begin(self, now: datetime) -> Permit | None:
        """Leave to make a call now, or None while open."""
        if not self.allows(now):
            return None
        if not self.open:
            return Permit.CALL
        self._probing = True
        return Permit.PROBE

    def allows(self, now: datetime) -> bool:
        """Whether `begin` would give leave now."""
        if self.opened_at is None:
            return True
        if self.needs_attention or self._probing:
            return False
        # a clock that was set back must not prolong the wait
        return self.retry_at is None or now >= self.retry_at or now < self.opened_at

    def succeeded(self, permit: Permit) -> None:
        """The service answered, be it with a refusal of this one call."""
        self.reset()

    def failed(self, permit: Permit, now: datetime, error: str = "", *, retry_after: float | None = None) -> None:
        """The service could not be used. Calls that were under way when the breaker opened do not prolong the wait."""
        self.failures += 1
        self.error = error
        asked = _bounded(retry_after)
        if permit is Permit.PROBE and self._probing:
            self._probing = False
            self._step = min(self._step + 1, len(DELAYS) - 1)
            self._open(now, asked)
        elif self.open:
            if asked is not None and not self.needs_attention and not self._probing:
                self.retry_at = max(self.retry_at or now, now + timedelta(seconds=asked))
        elif asked is not None or self.failures >= FAILURES_TO_OPEN:
            self._open(now, asked)

    def refused(self, permit: Permit, now: datetime, error: str = "") -> None:
        """The service refused our credentials: no more calls until `reset`."""
        self.failures += 1
        self.error = error
        self._probing = False
        self.needs_attention = True
        self.opened_at, self.retry_at = now, None

    def dropped(self, permit: Permit) -> None:
        """The call was cancelled by us: it says nothing about the service."""
        if permit is Permit.PROBE:
            self._probing = False

    def reset(self) -> None:
        """Close: the next call goes through (“try now”)."""
        self.failures = 0
        self.opened_at = self.retry_at = None
        self.needs_attention = False
        self.error = ""
        self._step = 0
        self._probing = False

    def _open(self, now: datetime, asked: float | None) -> None:
        self.opened_at = now
        self.retry_at = now + timedelta(seconds=DELAYS[self._step] if asked is None else asked)


def delay(attempt: int) -> float:
    """Seconds to wait after the given number of failed attempts in a row, counted from 1."""
    return DELAYS[min(max(attempt, 1), len(DELAYS)) - 1]


def _bounded(retry_after: float | None) -> float | None:
    if retry_after is None or math.isnan(retry_after):
        return None
    return min(max(retry_after, 1.0), LONGEST_RETRY_AFTER)
