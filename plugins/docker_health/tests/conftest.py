from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from vaderflix_core.api import Instance
from vaderflix_core.testing import served
from vaderflix_core.testing.servers import ProgramMissing
from vaderflix_docker_health.health import DockerHealth
from vaderflix_docker_health.settings import DockerSettings
from vaderflix_docker_health.simulator import DockerSimulator
from vaderflix_docker_health.testing import RealEngine, real_engine

DATA = Path(__file__).parent / "data"
ENGINES = ["engine-20.10-api-1.41", "engine-26.1-api-1.45"]
NOW = dt.datetime(2026, 11, 22, 17, 22, tzinfo=dt.UTC)

Handler = Callable[[httpx.Request], httpx.Response]


def recorded(engine: str, name: str) -> bytes:
    return (DATA / engine / name).read_bytes()


def an_instance(
    handler: Handler | None = None, *, now: Callable[[], dt.datetime] = lambda: NOW, **values: Any
) -> Instance[DockerSettings]:
    return Instance(
        id="docker",
        plugin="docker_health",
        name="Docker",
        settings=DockerSettings(**{"address": "tcp://engine:2375", **values}),
        install_id="test",
        log=logging.getLogger("test"),
        now=now,
        transport=(lambda: httpx.MockTransport(handler)) if handler else None,
    )


class Replay:
    """Answers as a recorded engine did: the containers whose inspection was recorded, and only the listed calls."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.calls: list[str] = []
        self.inspections = {}
        for path in sorted((DATA / engine).glob("container-inspect-*.json")):
            record = json.loads(path.read_bytes())
            self.inspections[record["Id"]] = record
        summaries = json.loads(recorded(engine, "containers-json-all.json"))
        self.summaries = [one for one in summaries if one["Id"] in self.inspections]
        self.stats = "container-stats-no-stream.json"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}?{request.url.query.decode()}")
        path = re.sub(r"^/v\d+\.\d+", "", request.url.path)
        if path == "/version":
            return httpx.Response(200, content=recorded(self.engine, "version.json"))
        if path == "/containers/json":
            return httpx.Response(200, json=self.summaries)
        _, _, container_id, what = path.split("/")
        if container_id not in self.inspections:
            return httpx.Response(404, content=recorded(self.engine, "error-no-such-container.json"))
        if what == "json":
            return httpx.Response(200, json=self.inspections[container_id])
        if what == "stats":
            running = self.inspections[container_id]["State"]["Running"]
            name = self.stats if running else "container-stats-exited.json"
            return httpx.Response(200, content=recorded(self.engine, name))
        return httpx.Response(200, content=bytes.fromhex(json.loads(recorded(self.engine, "logs-mux.json"))["raw_hex"]))


@pytest.fixture(params=ENGINES)
def replay(request: pytest.FixtureRequest) -> Replay:
    return Replay(request.param)


@pytest.fixture
def make_instance() -> Callable[[Handler], Instance[DockerSettings]]:
    return an_instance


@pytest.fixture
async def simulated() -> AsyncIterator[tuple[DockerSimulator, DockerHealth]]:
    simulator = DockerSimulator()
    async with served(simulator.app) as url:
        instance = an_instance(now=lambda: dt.datetime.now(dt.UTC), **simulator.settings(url))
        try:
            yield simulator, DockerHealth(instance)
        finally:
            await instance.close()


@pytest.fixture(scope="session")
def running_engine() -> Iterator[RealEngine]:
    try:
        with real_engine() as engine:
            yield engine
    except ProgramMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def docker_engine(running_engine: RealEngine) -> Iterator[RealEngine]:
    """A real engine without containers. For other test suites: `vaderflix_docker_health.testing.real_engine()`."""
    yield running_engine
    running_engine.remove_all()
