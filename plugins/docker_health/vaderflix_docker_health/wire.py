"""What the Engine API answers: only the fields that we read, so that environment variables never get this far.

Shapes as recorded from engines 20.10 (API 1.41) and 26.1 (API 1.45).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

Moment = Annotated[datetime, Meta(tz=True)]


class Version(Struct, frozen=True, rename="pascal"):
    """`GET /version`."""

    version: str = ""
    api_version: str = ""
    min_api_version: str = field(name="MinAPIVersion", default="")


class Info(Struct, frozen=True, rename="pascal"):
    """`GET /info`: the engine's own count of its containers, running or not."""

    containers: int


class Summary(Struct, frozen=True, rename="pascal"):
    """One entry of `GET /containers/json`."""

    id: str
    image: str
    state: str
    status: str
    names: list[str] | None = None


class Probe(Struct, frozen=True, rename="pascal"):
    """One run of a health check."""

    exit_code: int = 0
    output: str = ""


class Health(Struct, frozen=True, rename="pascal"):
    """The state of a container's health check. Status `none` is the same as having none."""

    status: str = ""
    failing_streak: int = 0
    log: list[Probe] | None = None


class State(Struct, frozen=True, rename="pascal"):
    """A container's state. Times are in the year 1 when the thing has not happened."""

    status: str
    restarting: bool = False
    oom_killed: bool = field(name="OOMKilled", default=False)
    exit_code: int = 0
    error: str = ""
    started_at: Moment | None = None
    finished_at: Moment | None = None
    health: Health | None = None


class RestartPolicy(Struct, frozen=True, rename="pascal"):
    """When the engine starts a container again by itself: `no` or empty, `always`, `unless-stopped`, `on-failure`."""

    name: str = ""


class HostConfig(Struct, frozen=True, rename="pascal"):
    """What the container may use. `memory` is its limit in bytes, 0 for none."""

    memory: int = 0
    restart_policy: RestartPolicy = RestartPolicy()


class Config(Struct, frozen=True, rename="pascal"):
    """What the container was made of."""

    image: str = ""
    tty: bool = False


class Inspect(Struct, frozen=True, rename="pascal"):
    """`GET /containers/{id}/json`."""

    id: str
    name: str
    state: State
    config: Config
    restart_count: int = 0
    host_config: HostConfig = HostConfig()


class CpuUsage(Struct, frozen=True):
    """Nanoseconds of processor time since the container began."""

    total_usage: int = 0
    percpu_usage: list[int] | None = None


class CpuStats(Struct, frozen=True):
    """The container's time beside the whole machine's. Windows has no `system_cpu_usage`."""

    cpu_usage: CpuUsage = CpuUsage()
    system_cpu_usage: int = 0
    online_cpus: int = 0


class MemoryStats(Struct, frozen=True):
    """Empty for containers that do not run."""

    usage: int | None = None
    stats: dict[str, int] | None = None


class Stats(Struct, frozen=True):
    """`GET /containers/{id}/stats`. `precpu_stats` is filled only without `one-shot`."""

    cpu_stats: CpuStats = CpuStats()
    precpu_stats: CpuStats = CpuStats()
    memory_stats: MemoryStats = MemoryStats()
