from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import httpx
import msgspec
import pytest

from vaderflix_core.api import Severity
from vaderflix_docker_health import view
from vaderflix_docker_health.health import DockerHealth
from vaderflix_docker_health.usage import cpu_percent, memory_used, own_sample, sample
from vaderflix_docker_health.wire import MemoryStats, Stats

from .conftest import DATA, ENGINES, NOW, Replay, an_instance, recorded

pytestmark = pytest.mark.anyio
MEMORY = {ENGINES[0]: 999424, ENGINES[1]: 720896}


def stats(name: str) -> Stats:
    return msgspec.json.decode((DATA / name).read_bytes(), type=Stats)


@pytest.mark.parametrize("engine", ENGINES)
def test_cpu_is_percent_of_one_core(engine: str) -> None:
    both = msgspec.json.decode(recorded(engine, "container-stats-no-stream.json"), type=Stats)
    raw = json.loads(recorded(engine, "container-stats-no-stream.json"))
    now, before = raw["cpu_stats"], raw["precpu_stats"]
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    percent = used / (now["system_cpu_usage"] - before["system_cpu_usage"]) * now["online_cpus"] * 100
    assert cpu_percent(own_sample(both), sample(both.cpu_stats)) == pytest.approx(percent)
    assert 0 < percent < 200


def test_without_online_cpus_the_cores_are_counted() -> None:
    assert sample(stats("container-stats-cgroup-v1-old-2016.json").cpu_stats).cores == 8


def test_cpu_is_unknown_without_two_samples_that_belong_together() -> None:
    one_shot = msgspec.json.decode(recorded(ENGINES[1], "container-stats-one-shot.json"), type=Stats)
    now = sample(one_shot.cpu_stats)
    assert own_sample(one_shot) is None
    assert cpu_percent(None, now) is None
    assert cpu_percent(now, now) is None
    restarted = msgspec.structs.replace(now, container=0, machine=now.machine + 1)
    assert cpu_percent(now, restarted) is None
    assert sample(stats("container-stats-windows.json").cpu_stats) is None
    assert (
        sample(msgspec.json.decode(recorded(ENGINES[1], "container-stats-exited.json"), type=Stats).cpu_stats) is None
    )


@pytest.mark.parametrize(
    ("counted", "used"),
    [
        ({"inactive_file": 30, "total_inactive_file": 40, "cache": 50}, 60),  # cgroup v1
        ({"inactive_file": 30, "anon": 5}, 70),  # cgroup v2
        ({"cache": 50}, 50),
        ({"inactive_file": 200}, 100),
        ({}, 100),
        (None, 100),
    ],
)
def test_memory_leaves_out_the_cache_that_can_be_given_back(counted: dict[str, int] | None, used: int) -> None:
    assert memory_used(MemoryStats(usage=100, stats=counted)) == used


def test_memory_of_a_stopped_container_is_unknown_and_not_zero() -> None:
    assert memory_used(stats(f"{ENGINES[0]}/container-stats-exited.json").memory_stats) is None
    assert memory_used(stats("container-stats-windows.json").memory_stats) is None
    assert memory_used(stats("container-stats-cgroup-v2.json").memory_stats) == 234647552


async def test_all_recorded_containers_are_read(replay: Replay) -> None:
    containers = {one.name: one for one in await DockerHealth(an_instance(replay)).containers()}
    assert list(containers) == sorted(containers)
    assert containers["sonarr"].health == "healthy"
    assert containers["sonarr"].image == "demo/sonarr:4.0.9"
    assert containers["sonarr"].started_at.year == 2026
    assert containers["sonarr"].memory == MEMORY[replay.engine]
    assert containers["radarr"].health == "unhealthy"
    assert containers["radarr"].memory_limit == 67108864
    assert containers["prowlarr"].state == "exited"
    assert containers["prowlarr"].status.startswith("Exited (1)")
    assert containers["prowlarr"].cpu_percent is None
    assert containers["prowlarr"].memory is None
    assert containers["never-started"].started_at is None
    assert containers["tdarr"].restarts >= 6


async def test_the_recorded_troubles_are_found(replay: Replay) -> None:
    reports = {report.code: report for report in await DockerHealth(an_instance(replay)).check()}
    assert set(reports) == {"unhealthy:radarr", "exited:prowlarr", "oom:oomed", "restart_loop:tdarr"}
    assert all(report.severity is Severity.ERROR for report in reports.values())
    assert "Connection refused" in reports["unhealthy:radarr"].message
    assert reports["exited:prowlarr"].metrics == {"exit_code": 1}
    assert "exit code 1" in reports["exited:prowlarr"].message
    assert reports["restart_loop:tdarr"].metrics["restarts"] >= 6


async def test_a_failed_job_of_long_ago_is_left_alone(replay: Replay) -> None:
    later = an_instance(replay, now=lambda: NOW + dt.timedelta(days=30))
    codes = {report.code for report in await DockerHealth(later).check()}
    assert "exited:prowlarr" not in codes


async def test_what_was_stopped_by_hand_is_no_trouble(replay: Replay) -> None:
    for code in (0, 137, 143):
        for record in replay.inspections.values():
            if record["Name"] == "/prowlarr":
                record["State"]["ExitCode"] = code
        codes = {report.code for report in await DockerHealth(an_instance(replay)).check()}
        assert "exited:prowlarr" not in codes


async def test_memory_near_the_limit_is_a_warning(replay: Replay) -> None:
    limit = next(r for r in replay.inspections.values() if r["Name"] == "/sonarr")["HostConfig"]
    limit["Memory"] = 800_000 if replay.engine == ENGINES[1] else 1_100_000
    reports = await DockerHealth(an_instance(replay, memory_warn_percent=50)).check()
    found = [report for report in reports if report.code == "memory:sonarr"]
    assert [report.severity for report in found] == [Severity.WARNING]
    assert 50 <= found[0].metrics["memory_percent"] <= 100


async def test_three_restarts_in_ten_minutes_are_a_loop_and_old_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "FRESH", 0)
    replay = Replay(ENGINES[1])
    record = next(r for r in replay.inspections.values() if r["Name"] == "/sonarr")
    now = [dt.datetime(2026, 11, 23, tzinfo=dt.UTC)]
    health = DockerHealth(an_instance(replay, now=lambda: now[0]))

    async def looping() -> bool:
        return any(report.code == "restart_loop:sonarr" for report in await health.check())

    record["RestartCount"] = 40
    assert not await looping()
    record["RestartCount"] = 43
    assert await looping()
    now[0] += dt.timedelta(minutes=11)
    assert not await looping()


async def test_cpu_comes_from_the_sample_before_with_one_shot_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "FRESH", 0)
    replay = Replay(ENGINES[1])
    health = DockerHealth(an_instance(replay))
    replay.stats = "container-stats-one-shot.json"
    assert all(one.cpu_percent is None for one in await health.containers())
    stats_calls = [call for call in replay.calls if "/stats" in call]
    assert stats_calls
    assert all("one-shot=true" in call and "stream=false" in call for call in stats_calls)


async def test_readings_at_the_same_time_are_one() -> None:
    replay = Replay(ENGINES[1])
    health = DockerHealth(an_instance(replay))
    await asyncio.gather(health.containers(), health.check(), health.containers())
    assert sum("/containers/json" in call for call in replay.calls) == 1


async def test_a_container_removed_meanwhile_is_left_out(replay: Replay) -> None:
    gone = next(i for i, r in replay.inspections.items() if r["Name"] == "/sonarr")
    del replay.inspections[gone]
    names = [one.name for one in await DockerHealth(an_instance(replay)).containers()]
    assert "sonarr" not in names
    assert "radarr" in names


async def test_a_container_that_cannot_be_measured_hides_no_other(replay: Replay) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/stats"):
            return httpx.Response(500, json={"message": "cgroup is gone"})
        return replay(request)

    containers: dict[str, Any] = {one.name: one for one in await DockerHealth(an_instance(answer)).containers()}
    assert containers["sonarr"].memory is None
    assert containers["sonarr"].health == "healthy"
