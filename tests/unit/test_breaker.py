"""The breaker, step by step."""

from datetime import UTC, datetime, timedelta

import pytest

from vaderflix_core.plugins.breaker import DELAYS, Breaker, Permit, delay

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(3):
        breaker.failed(Permit.CALL, NOW, "down")
    return breaker


def test_it_opens_after_three_failures_in_a_row() -> None:
    breaker = Breaker()
    breaker.failed(Permit.CALL, NOW)
    breaker.failed(Permit.CALL, NOW)
    assert breaker.begin(NOW) is Permit.CALL
    breaker.failed(Permit.CALL, NOW, "nothing answers")
    assert breaker.begin(NOW) is None
    assert breaker.error == "nothing answers"


def test_a_success_between_failures_starts_the_count_again() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(Permit.CALL, NOW)
        breaker.failed(Permit.CALL, NOW)
        breaker.succeeded(Permit.CALL)
    assert not breaker.open


def test_one_probe_is_let_through_when_the_wait_is_over() -> None:
    breaker = opened()
    assert breaker.begin(after(29)) is None
    assert breaker.begin(after(30)) is Permit.PROBE
    assert breaker.begin(after(30)) is None


def test_the_waits_grow_and_the_last_one_stays() -> None:
    breaker, now, waits = opened(), NOW, []
    for _ in range(7):
        assert breaker.retry_at is not None
        waits.append((breaker.retry_at - now).total_seconds())
        now = breaker.retry_at
        assert breaker.begin(now) is Permit.PROBE
        breaker.failed(Permit.PROBE, now)
    assert waits == [30, 60, 300, 900, 1800, 1800, 1800]


def test_a_probe_that_succeeds_closes_it_and_forgets_the_waits() -> None:
    breaker = opened()
    breaker.begin(after(30))
    breaker.failed(Permit.PROBE, after(30))
    breaker.begin(after(90))
    breaker.succeeded(Permit.PROBE)
    assert not breaker.open
    for _ in range(3):
        breaker.failed(Permit.CALL, after(100))
    assert breaker.retry_at == after(130)


def test_a_cancelled_probe_makes_room_for_the_next() -> None:
    breaker = opened()
    breaker.begin(after(30))
    breaker.dropped(Permit.PROBE)
    assert breaker.begin(after(31)) is Permit.PROBE


def test_calls_that_were_under_way_do_not_prolong_the_wait() -> None:
    breaker = opened()
    breaker.failed(Permit.CALL, after(20))
    assert breaker.retry_at == after(30)


@pytest.mark.parametrize(
    ("asked", "waited"), [(7.0, 7), (0.0, 1), (-5.0, 1), (1e12, 3600), (float("inf"), 3600), (float("nan"), None)]
)
def test_the_services_own_word_on_when_to_come_back_wins_within_reason(asked: float, waited: int | None) -> None:
    breaker = Breaker()
    breaker.failed(Permit.CALL, NOW, retry_after=asked)
    assert breaker.retry_at == (None if waited is None else after(waited))


def test_refused_credentials_wait_for_the_admin_however_long() -> None:
    breaker = Breaker()
    breaker.refused(Permit.CALL, NOW, "refused")
    assert breaker.needs_attention
    assert breaker.begin(after(1e7)) is None
    breaker.reset()
    assert breaker.begin(NOW) is Permit.CALL


def test_try_now_lets_calls_through_at_once() -> None:
    breaker = opened()
    breaker.reset()
    assert breaker.begin(NOW) is Permit.CALL


def test_a_clock_that_is_set_back_does_not_prolong_the_wait() -> None:
    assert opened().begin(after(-86400)) is Permit.PROBE


def test_the_delay_of_an_attempt_follows_the_same_table() -> None:
    assert [delay(n) for n in (1, 2, 5, 6, 99)] == [DELAYS[0], DELAYS[1], DELAYS[4], DELAYS[4], DELAYS[4]]
