from __future__ import annotations

from datetime import UTC, datetime

import pytest

import vaderflix_docker_health as plugin
from vaderflix_core.api import HealthChanged, Severity

pytestmark = pytest.mark.anyio


def news(instance: str, severity: Severity) -> HealthChanged:
    return HealthChanged(
        at=datetime(2026, 11, 22, tzinfo=UTC), instance=instance, severity=severity, code="down", message="It is down."
    )


async def test_the_job_reads_the_figures_of_what_runs(replay, make_instance) -> None:
    (job,) = plugin.jobs(make_instance(replay))
    await job.run()
    assert any("/stats" in call for call in replay.calls)


@pytest.mark.parametrize(
    ("event", "looks"),
    [
        (news("films", Severity.ERROR), True),
        (news("films", Severity.WARNING), True),
        (news("films", Severity.OK), False),
        (news("docker", Severity.ERROR), False),  # its own news would make it look for ever
    ],
)
async def test_the_containers_are_looked_at_when_another_service_gets_worse(
    replay, make_instance, event: HealthChanged, looks: bool
) -> None:
    (listener,) = plugin.listeners(make_instance(replay))
    assert listener.event is HealthChanged
    await listener.run(event)
    assert bool(replay.calls) is looks
