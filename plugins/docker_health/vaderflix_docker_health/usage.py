"""Turns the engine's counters into what people read: percent of a core, and memory that is really in use."""

from __future__ import annotations

from msgspec import Struct

from .wire import CpuStats, MemoryStats, Stats


class Sample(Struct, frozen=True):
    """Processor time of a container and of the whole machine, in nanoseconds, at one moment."""

    container: int
    machine: int
    cores: int


def sample(cpu: CpuStats) -> Sample | None:
    """The counters of one answer; None where the container does not run or the engine gives no machine time."""
    cores = cpu.online_cpus or len(cpu.cpu_usage.percpu_usage or ())
    if not cpu.system_cpu_usage or not cores:
        return None
    return Sample(cpu.cpu_usage.total_usage, cpu.system_cpu_usage, cores)


def cpu_percent(before: Sample | None, now: Sample | None) -> float | None:
    """Percent of one core between two samples: 200 is two cores. None when the two do not belong together."""
    if before is None or now is None or now.machine <= before.machine or now.container < before.container:
        return None
    return (now.container - before.container) / (now.machine - before.machine) * now.cores * 100


def own_sample(stats: Stats) -> Sample | None:
    """The earlier sample that engines put into the same answer, unless asked for one shot."""
    return sample(stats.precpu_stats)


def memory_used(memory: MemoryStats) -> int | None:
    """Bytes in use without the file cache that the kernel would give back, as `docker stats` counts them."""
    if memory.usage is None:
        return None
    stats = memory.stats or {}
    for name in ("total_inactive_file", "inactive_file", "cache"):  # cgroup v1, cgroup v2, before 19.03
        if name in stats:
            return memory.usage - stats[name] if stats[name] < memory.usage else memory.usage
    return memory.usage
