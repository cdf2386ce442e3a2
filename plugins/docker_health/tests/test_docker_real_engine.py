"""Against a real dockerd, started here, without network."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from vaderflix_core.api import Container
from vaderflix_docker_health import view
from vaderflix_docker_health.health import DockerHealth
from vaderflix_docker_health.panel import containers_panel
from vaderflix_docker_health.testing import RealEngine

from .conftest import an_instance

pytestmark = pytest.mark.anyio


@pytest.fixture
async def health(docker_engine: RealEngine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DockerHealth]:
    monkeypatch.setattr(view, "FRESH", 0)
    instance = an_instance(now=lambda: dt.datetime.now(dt.UTC), address=docker_engine.address)
    yield DockerHealth(instance)
    await instance.close()


async def until(ask: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        answer = await ask()
        if answer or time.monotonic() > deadline:
            assert answer
            return answer
        await asyncio.sleep(0.05)


async def one(health: DockerHealth, name: str) -> Container:
    return {container.name: container for container in await health.containers()}[name]


async def test_an_engine_without_containers_is_well(health: DockerHealth) -> None:
    info = await health.test()
    assert info.product == "Docker"
    assert info.version
    assert await health.containers() == []
    assert await health.check() == []


async def test_a_busy_container_shows_its_cpu_and_memory(health: DockerHealth, docker_engine: RealEngine) -> None:
    docker_engine.run("busy", "while :; do :; done", Memory=32 * 2**20)
    busy = await until(lambda: _with_cpu(health))
    assert busy.state == "running"
    assert busy.status.startswith("Up ")
    assert 5 < busy.cpu_percent < 150
    assert 0 < busy.memory < 32 * 2**20
    assert busy.memory_limit == 32 * 2**20
    assert abs((dt.datetime.now(dt.UTC) - busy.started_at).total_seconds()) < 60


async def _with_cpu(health: DockerHealth) -> Container | None:
    container = await one(health, "busy")
    return container if container.cpu_percent and container.cpu_percent > 5 else None


async def test_health_checks_of_the_engine_are_told(health: DockerHealth, docker_engine: RealEngine) -> None:
    docker_engine.run("well", "sleep 600", health="true")
    docker_engine.run("ill", "sleep 600", health="echo cannot reach my port; exit 1")

    async def told() -> bool:
        return {c.name: c.health for c in await health.containers()} == {"ill": "unhealthy", "well": "healthy"}

    await until(told)
    reports = await health.check()
    assert [report.code for report in reports] == ["unhealthy:ill"]
    assert "cannot reach my port" in reports[0].message


async def test_exit_codes_and_restart_loops_are_told(health: DockerHealth, docker_engine: RealEngine) -> None:
    docker_engine.run("done", "exit 0")
    docker_engine.run("failed", "echo out; echo err >&2; exit 7")
    docker_engine.run("loop", "exit 3", RestartPolicy={"Name": "always"})

    async def told() -> bool:
        return {report.code for report in await health.check()} == {"exited:failed", "restart_loop:loop"}

    await until(told)
    rows = {row.name: row for row in await containers_panel(health).data()}
    assert sorted(rows["failed"].lines) == ["err", "out"]
    assert rows["done"].chip.tint == ""
    assert rows["loop"].chip.tint == "bad"


async def test_logs_are_read_and_a_restart_is_done(health: DockerHealth, docker_engine: RealEngine) -> None:
    made = docker_engine.run(
        "talker", "printf '\\033[31mout\\033[0m\\n'; echo err >&2; trap 'exit 0' TERM; while :; do sleep 0.1; done"
    )

    async def lines() -> list[Any] | None:
        found = await health.logs(made, 10)
        return found if len(found) == 2 else None

    said = await until(lines)
    assert {(line.stream, line.text) for line in said} == {("stdout", "out"), ("stderr", "err")}
    assert all(abs((dt.datetime.now(dt.UTC) - line.at).total_seconds()) < 60 for line in said)
    before = await one(health, "talker")
    await health.restart(made)
    after = await one(health, "talker")
    assert (after.state, after.restarts) == ("running", 0)
    assert after.started_at > before.started_at
